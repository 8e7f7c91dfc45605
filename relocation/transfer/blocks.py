"""Read a span of an object block by block, the next ones under way while one is used: for bodies too large for one buffer.

Guarantees: every block is read with the planned ETag, by a range of its own that can be tried again; at most `AHEAD` blocks are
lent beyond the one in use, so that who takes slowly is read slowly; a stream needs no second buffer to go on, so that many of them
never wait for each other. Whoever breaks off must `close`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from relocation.ports import Store
from relocation.rules import parts
from relocation.transfer.budget import Lease
from relocation.transfer.hands import Hands
from relocation.transfer.read import read_piece
from relocation.transfer.retry import Tries

AHEAD = 2
BLOCK_BYTES = 4 * 1024 * 1024


class SpanBlocks:
    """The blocks of `size` bytes from `first` on. `take` sees each before it is handed out; what it raises ends the stream."""

    def __init__(
        self,
        hands: Hands,
        store: Store,
        place: tuple[str, str],
        span: tuple[int, int],
        *,
        etag: str,
        tries: Tries,
        take: Callable[[memoryview], object],
    ) -> None:
        first, size = span
        block_bytes = min(BLOCK_BYTES, hands.budget.lease_bytes_max // (AHEAD + 2))
        self._ranges = deque((first + start, first + end) for start, end in parts.ranges(size, block_bytes))
        self._read = (hands, store, place, etag, tries)
        self._take = take
        self._ahead: deque[asyncio.Task[Lease]] = deque()
        self._lent: Lease | None = None

    def __aiter__(self) -> SpanBlocks:
        return self

    async def __anext__(self) -> memoryview:
        """Give the last block back and return the next."""
        self._give_back()
        while self._ranges and len(self._ahead) <= AHEAD:
            self._ahead.append(asyncio.create_task(self._fetch(self._ranges.popleft())))
        if not self._ahead:
            raise StopAsyncIteration
        self._lent = await self._ahead[0]
        self._ahead.popleft()
        self._take(self._lent.view)
        return self._lent.view

    async def _fetch(self, byte_range: tuple[int, int]) -> Lease:
        hands, store, place, etag, tries = self._read
        lease = await hands.budget.lease(byte_range[1] - byte_range[0] + 1)
        try:
            await read_piece(store, place, lease.view, etag=etag, tries=tries, byte_range=byte_range)
        except BaseException:
            lease.release()
            raise
        return lease

    def _give_back(self) -> None:
        lent, self._lent = self._lent, None
        if lent is not None:
            lent.release()

    async def close(self) -> None:
        """Stop reading and give every buffer back. Nothing more comes."""
        self._ranges.clear()
        self._give_back()
        ahead, self._ahead = list(self._ahead), deque()
        for task in ahead:
            task.cancel()
        for ended in await asyncio.gather(*ahead, return_exceptions=True):
            if isinstance(ended, Lease):
                ended.release()
