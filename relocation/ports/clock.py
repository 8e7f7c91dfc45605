"""Time, so that tests can hold it still."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time, handed in so that tests need no sleep."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        ...

    def monotonic(self) -> float: ...

    def worked(self) -> float:
        """Return the seconds of CPU that this thread has used so far: what of a time was no waiting."""
        ...

    async def sleep(self, seconds: float) -> None: ...
