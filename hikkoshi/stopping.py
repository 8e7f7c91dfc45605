"""Run one piece of work until it ends, or until somebody stops it: Ctrl-C or SIGTERM.

Guarantees: the first signal cancels the work, which gives back what it holds; if that takes more than 4.5 seconds, or a second
signal comes, the process ends at once. Either way nothing is lost: what was recorded is recorded, and leases run out.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")
GRACE_S = 4.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """Somebody stopped the work, and it has given back what it held."""


def run_until_stopped(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine over uvloop and return its result; raise `Stopped` if a signal ended it."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)
        with _signals(lambda: loop.call_soon_threadsafe(task.cancel)) as signalled:
            try:
                return runner.run(_awaited(task))
            except asyncio.CancelledError:
                if signalled.is_set():
                    raise Stopped from None
                raise


async def _awaited(task: asyncio.Task[Result]) -> Result:
    return await task


@contextmanager
def _signals(stop: Callable[[], object]) -> Iterator[threading.Event]:
    """Have the first signal call `stop`, and whatever comes after it end the process."""
    signalled = threading.Event()
    last_resort = threading.Timer(GRACE_S, _end_now)
    last_resort.daemon = True

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if signalled.is_set():
            _end_now()
        signalled.set()
        last_resort.start()
        stop()

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield signalled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        last_resort.cancel()


def _end_now() -> None:
    """End without waiting for anything: threads, connections and the ledger's transaction under way are dropped."""
    sys.stderr.write("\nended at once; what was recorded stays, and the same command goes on where it was\n")
    sys.stderr.flush()
    os._exit(130)
