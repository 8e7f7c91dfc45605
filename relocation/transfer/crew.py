"""Many at once, bounded: a fixed crew takes one item after another from a feed that stays a little ahead.

Guarantees: never more than `size` items in hand; the first error stops everybody and is the one that is raised; a cancelled
crew leaves nobody at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


async def work_all(feed: AsyncIterator[T], work: Callable[[T], Awaitable[None]], *, size: int) -> None:
    """Do `work` on every item of the feed, `size` at a time. The feed is asked ahead by as many items again."""
    queue: asyncio.Queue[T | None] = asyncio.Queue(maxsize=size)

    async def fill() -> None:
        async for item in feed:
            await queue.put(item)
        for _ in range(size):
            await queue.put(None)

    async def take() -> None:
        while (item := await queue.get()) is not None:
            await work(item)

    with first_error():
        async with asyncio.TaskGroup() as group:
            group.create_task(fill())
            for _ in range(size):
                group.create_task(take())


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
