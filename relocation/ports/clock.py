"""Time, so that tests can hold it still."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time, handed in so that tests need no sleep."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...
