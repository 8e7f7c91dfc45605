"""The real clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Time as this machine has it."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never jump; they go on while the process is stopped."""
        return time.monotonic()

    def worked(self) -> float:
        """Return the seconds of CPU that this thread has used."""
        return time.thread_time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
