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


async def work_batches(
    batches: AsyncIterator[Sequence[T]],
    work: Callable[[T], Awaitable[None]],
    *,
    size: int,
    room: Callable[[], int] | None = None,
) -> None:
    """Do `work` on every item of every batch, batches in their order, one fetched while another is worked.

    `size` are at work at most, and no more than `room` says, which is asked before each item: who can't go on anyway shall not
    hold an item and its buffer.
    """
    with first_error():
        async with asyncio.TaskGroup() as group:
            crew = _Crew(batches, group, room or (lambda: size))
            for _ in range(size):
                group.create_task(crew.take(work))


class _Crew(Generic[T]):
    """Items that wait for somebody, the batch after them, which is being fetched, and those who rest for want of room."""

    def __init__(self, batches: AsyncIterator[Sequence[T]], group: asyncio.TaskGroup, room: Callable[[], int]) -> None:
        self._waiting: deque[T] = deque()
        self._batches = batches
        self._group = group
        self._room = room
        self._at_work = 0
        self._resting: list[asyncio.Future[None]] = []
        self._one_at_a_time = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._ahead = group.create_task(self._fetch())

    async def take(self, work: Callable[[T], Awaitable[None]]) -> None:
        """Be one of the crew: item after item until there is none any more."""
        self._at_work += 1
        try:
            while True:
                if self._at_work > max(self._room(), 1):
                    await self._rest()
                elif self._resting:
                    self._call()
                if not (self._waiting or await self._refill()):
                    return
                await work(self._waiting.popleft())
        finally:
            self._at_work -= 1
            self._call()

    async def _rest(self) -> None:
        called: asyncio.Future[None] = self._loop.create_future()
        self._resting.append(called)
        self._at_work -= 1
        await called

    def _call(self) -> None:
        """Have one of those who rest work again, if there is room; it calls the next."""
        while self._resting and self._at_work < max(self._room(), 1):
            called = self._resting.pop()
            if not called.done():  # a cancelled crew is not called
                self._at_work += 1
                called.set_result(None)
                return

    async def _refill(self) -> bool:
        """Bring the next batch in, unless somebody else just did; False: there is none any more."""
        async with self._one_at_a_time:
            while not self._waiting:
                batch = await self._ahead
                if batch is None:
                    return False
                self._waiting.extend(batch)
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
