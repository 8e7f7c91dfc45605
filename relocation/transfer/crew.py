"""Many at once, bounded: a fixed crew takes one item after another from a feed that stays one batch ahead.

Guarantees: never more than `size` items in hand; the first error stops everybody and is the one that is raised; a cancelled
crew leaves nobody at work.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


async def work_all(feed: AsyncIterator[T], work: Callable[[T], Awaitable[None]], *, size: int) -> None:
    """Do `work` on every item of the feed, `size` at a time."""
    await work_batches(((item,) async for item in feed), work, size=size)


async def work_batches(batches: AsyncIterator[Sequence[T]], work: Callable[[T], Awaitable[None]], *, size: int) -> None:
    """Do `work` on every item of every batch, `size` at a time, batches in their order. One is fetched while another is worked."""
    with first_error():
        async with asyncio.TaskGroup() as group:
            feed = _Feed(batches, group)

            async def take() -> None:
                while feed.waiting or await feed.refill():
                    await work(feed.waiting.popleft())

            for _ in range(size):
                group.create_task(take())


class _Feed(Generic[T]):
    """Items that wait for somebody, and the batch that comes after them, which is being fetched."""

    def __init__(self, batches: AsyncIterator[Sequence[T]], group: asyncio.TaskGroup) -> None:
        self.waiting: deque[T] = deque()
        self._batches = batches
        self._group = group
        self._one_at_a_time = asyncio.Lock()
        self._ahead = group.create_task(self._fetch())

    async def refill(self) -> bool:
        """Bring the next batch in, unless somebody else just did; False: there is none any more."""
        async with self._one_at_a_time:
            while not self.waiting:
                batch = await self._ahead
                if batch is None:
                    return False
                self.waiting.extend(batch)
                self._ahead = self._group.create_task(self._fetch())
        return True

    async def _fetch(self) -> Sequence[T] | None:
        return await anext(self._batches, None)


@contextmanager
def first_error() -> Iterator[None]:
    """Raise the first error of a task group instead of the group."""
    try:
        yield
    except BaseExceptionGroup as errors:
        raise _first(errors) from None


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
