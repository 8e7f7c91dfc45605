"""The write fence: what keeps an application from writing to a source while its last difference is carried over."""

from __future__ import annotations

from typing import Protocol

from relocation.rules.fences import FenceRecord


class Fences(Protocol):
    """Write fences at sources, as the role `fencer`. Raising or lifting again what is as it should be changes nothing.

    Whether a fence holds is not this port's to say: a write as the application tells.
    """

    def users(self, endpoint: str) -> tuple[str, ...]:
        """Return the application's users at an endpoint: those whom a fence bars."""
        ...

    async def prepare(self, fence: FenceRecord) -> str:
        """Return what will have to be put back when this fence is lifted. Changes nothing."""
        ...

    async def raise_fence(self, fence: FenceRecord) -> None: ...

    async def lift_fence(self, fence: FenceRecord) -> None: ...
