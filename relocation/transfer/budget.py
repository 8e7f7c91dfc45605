"""Memory as bytes in flight, under one budget for the process.

Guarantees: the buffers that are out never exceed the budget; who asked first is served first, so that no large object starves; but
for a reserve that only small buffers may take, past large ones that wait, so that no small object does either; a released buffer
is used again, so that bodies cost no allocation once warm. Refuses a lease larger than the whole budget.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import deque

CLASS_BYTES_MIN = 64 * 1024
CLASS_STEP = 1024 * 1024
SMALL_BYTES = CLASS_STEP
RESERVE_BYTES_MAX = 8 * CLASS_STEP
RESERVE_PARTS = 8
"""Of that many parts of the budget, one is for small buffers alone."""
GIVEN_UP_PARTS = 8
"""Once as much as one of so many parts of the budget was given up, garbage is looked for: what still holds such a buffer is mostly
a cycle, of an error and its traceback, and Python by itself looks seldom here."""
OWN_REFERENCES = 2
"""The lease's own, and the one of asking."""


class Lease:
    """A buffer on loan: `view` is exactly as long as was asked for. Give it back once, with `release`."""

    __slots__ = ("_budget", "_buffer", "view")

    def __init__(self, budget: Budget, buffer: bytearray, size: int) -> None:
        self._budget = budget
        self._buffer = buffer
        self.view = memoryview(buffer)[:size]

    def release(self) -> None:
        """Give the buffer back. The view must not be used afterwards."""
        self.view.release()
        if sys.getrefcount(self._buffer) > OWN_REFERENCES:  # a connection that was cut off still holds a view of it
            self._budget.give_up(self._buffer)
        else:
            self._budget.give_back(self._buffer)


class Budget:
    """`total_bytes` of buffers, handed out in the order of asking."""

    def __init__(self, total_bytes: int) -> None:
        self.total_bytes = total_bytes
        self.lease_bytes_max = total_bytes - min(total_bytes // RESERVE_PARTS, RESERVE_BYTES_MAX)
        """The longest buffer beside which small ones still find room."""
        self._reserve = total_bytes - self.lease_bytes_max
        self._out = 0
        self._small_out = 0
        self._kept = 0
        self._given_up = 0
        self._spare: dict[int, list[bytearray]] = {}
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def out_bytes(self) -> int:
        """How many bytes are on loan now."""
        return self._out

    async def lease(self, size: int) -> Lease:
        """Wait for room and return a buffer of `size` bytes. Its content is whatever was there before."""
        held = min(_class_of(size), self.total_bytes)
        if size > self.total_bytes:
            raise ValueError(f"{size} bytes never fit in a budget of {self.total_bytes}")
        if (self._waiting and not self._may_pass(held)) or not self._fits(held):
            await self._wait(held)
        else:
            self._out += held
            if held <= SMALL_BYTES:
                self._small_out += held
        return Lease(self, self._buffer(held), size)

    def close(self) -> None:
        """Let the spare buffers go; who leases again gets new ones. Whoever still knows this budget at the end may be known to
        nobody but the garbage collector."""
        self._spare.clear()
        self._kept = 0

    def give_back(self, buffer: bytearray) -> None:
        """Take a buffer back for the next, and serve who waits: the first finds it, or has it go for another size."""
        self._take_out(len(buffer))
        self._spare.setdefault(len(buffer), []).append(buffer)
        self._kept += len(buffer)
        self._serve()

    def give_up(self, buffer: bytearray) -> None:
        """Take the room of a buffer back, but not the buffer."""
        self._take_out(len(buffer))
        self._serve()
        self._given_up += len(buffer)
        if self._given_up > self.total_bytes // GIVEN_UP_PARTS:
            self._given_up = 0
            gc.collect()

    def _take_out(self, held: int) -> None:
        self._out -= held
        if held <= SMALL_BYTES:
            self._small_out -= held

    def _fits(self, held: int) -> bool:
        """Tell whether there is room now: the reserve is for small buffers, but for one that needs the whole budget."""
        if held <= SMALL_BYTES:
            return self._out + held <= self.total_bytes
        most = self.lease_bytes_max if held <= self.lease_bytes_max else self.total_bytes
        return self._out - min(self._small_out, self.total_bytes - most) + held <= most and self._out + held <= self.total_bytes

    def _may_pass(self, held: int) -> bool:
        """Tell whether a buffer is small enough to go before large ones that wait, within the reserve."""
        first = self._waiting[0][0]
        return held <= SMALL_BYTES < first <= self.lease_bytes_max and self._small_out + held <= self._reserve

    async def _wait(self, held: int) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((held, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._take_out(held)
            self._waiting = deque(entry for entry in self._waiting if entry[1] is not granted)
            self._serve()
            raise

    def _serve(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            self._grant(*self._waiting.popleft())
        for entry in [entry for entry in self._waiting if entry[0] <= SMALL_BYTES] if self._waiting else ():
            if self._may_pass(entry[0]) and self._fits(entry[0]):
                self._waiting.remove(entry)
                self._grant(*entry)

    def _grant(self, held: int, granted: asyncio.Future[None]) -> None:
        if not granted.done():
            self._out += held
            if held <= SMALL_BYTES:
                self._small_out += held
            granted.set_result(None)

    def _buffer(self, held: int) -> bytearray:
        spare = self._spare.get(held)
        if spare:
            self._kept -= held
            return spare.pop()
        while self._out + self._kept > self.total_bytes and self._kept:
            size = next(size for size, buffers in self._spare.items() if buffers)
            self._spare[size].pop()
            self._kept -= size
        return bytearray(held)


def _class_of(size: int) -> int:
    """Round up so that buffers fit again: powers of two from 64 KiB to 1 MiB, then whole MiB."""
    if size <= CLASS_BYTES_MIN:
        return CLASS_BYTES_MIN
    if size <= CLASS_STEP:
        return 1 << (size - 1).bit_length()
    return -(-size // CLASS_STEP) * CLASS_STEP
