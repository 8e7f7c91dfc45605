"""The stages' own thread, with an event loop of their own, beside the one on which Prefect runs a flow.

Prefect stops a run by an exception raised by a signal, anywhere in the main thread: in the middle of an answer's bytes it would be
taken for a broken connection. Here it always finds the main thread waiting. Guarantees: whatever stops the flow stops the work by
an ordinary cancellation, and nothing of it goes on afterwards; Prefect's own traffic never makes a transfer wait.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import threading
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import uvloop

STOP_S = 20.0
"""How long a stopped flow waits for the work to end; ten seconds later Prefect kills the process."""

T = TypeVar("T")


async def apart(work: Callable[[], Awaitable[T]]) -> T:
    """Do `work` in a thread of its own and return what it returns, or raise what it raises.

    When this call is cancelled (or hit by Prefect's termination), the work is cancelled, and has ended before the call does.
    """
    thread = _Apart(work)
    thread.start()
    try:
        return await asyncio.wrap_future(thread.result)
    except BaseException:
        thread.stop()
        raise


class _Apart(Generic[T]):
    """One piece of work in its thread. `result` is never cancelled from outside: the work itself says how it ended."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self.result: concurrent.futures.Future[T] = concurrent.futures.Future()
        self.result.set_running_or_notify_cancel()
        self._work = work
        self._stopped = threading.Event()
        self._task: asyncio.Task[T] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        context = contextvars.copy_context()
        # A daemon: work that does not end when it is told to must not keep the process from ending.
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="hikkoshi-stages", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Cancel the work and wait until it has ended. This blocks on purpose: the flow must not end before its work."""
        self._stopped.set()
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # its loop is closed: it has ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(STOP_S)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                self.result.set_result(runner.run(self._main()))
        except BaseException as error:  # noqa: BLE001 - handed over whole to the flow's thread, which raises it
            self.result.set_exception(error)

    async def _main(self) -> T:
        self._task, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        if self._stopped.is_set():
            raise asyncio.CancelledError
        return await self._work()
