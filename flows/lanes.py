"""Lanes as Prefect tasks: each long-lived lane of a stage is one task run, and an object never is (a task run costs Prefect's
server some 30 ms and 20 KB).

The first lane works in the stages' thread, each other one (`transfer.processes`) in a process of its own; a task run only shows it.
So a lane ends with its stage, whatever Prefect's server does.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine
from typing import cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from connectors.processes.starting import others_of
from relocation.rules.errors import HikkoshiError
from relocation.stages.context import Context
from relocation.stages.copy import copy_lane
from relocation.stages.verify import verify_lane
from relocation.stages.wave import Lanes
from relocation.transfer.crew import first_error

Lane = Callable[[Context, str], Coroutine[object, object, int]]
WORK: dict[str, Lane] = {"copy": copy_lane, "verify": verify_lane}


class LaneTasks:
    """Runs the lanes of a flow, and shows each as a task run on the flow's own event loop."""

    def __init__(self, flow_loop: asyncio.AbstractEventLoop) -> None:
        self._flow_loop = flow_loop
        self._shown: list[concurrent.futures.Future[None]] = []

    def of(self, context: Context, processes: int) -> Lanes:
        """Return what the stages call to have a stage's shards worked, by up to so many processes, this one among them."""

        async def lanes(stage: str, run_id: str) -> None:
            others = await others_of(context, stage, run_id, count=processes)
            with first_error():
                async with asyncio.TaskGroup() as group:
                    own = group.create_task(WORK[stage](context, run_id))
                    self._show(stage, 1, own)
                    for number, other in enumerate(others, 2):
                        self._show(stage, number, group.create_task(other.work()))
                    await own  # returns when every shard is sealed, whoever did it
                    for other in others:
                        other.stop()

        return lanes

    async def settle(self, timeout_s: float) -> None:
        """Wait until the task runs of lanes that have ended say so too, but not for ever: they are only there to be looked at."""
        shown = [asyncio.wrap_future(each) for each in self._shown]
        if shown:
            await asyncio.wait(shown, timeout=timeout_s)

    def _show(self, stage: str, number: int, work: asyncio.Task[int]) -> None:
        ended: concurrent.futures.Future[int] = concurrent.futures.Future()
        ended.set_running_or_notify_cancel()
        work.add_done_callback(lambda done: _hand_over(done, ended))
        self._shown.append(asyncio.run_coroutine_threadsafe(_show_lane(stage, number, ended), self._flow_loop))


def _hand_over(work: asyncio.Task[int], ended: concurrent.futures.Future[int]) -> None:
    if work.cancelled():
        ended.set_exception(asyncio.CancelledError())
    elif error := work.exception():
        ended.set_exception(error)
    else:
        ended.set_result(work.result())


async def _show_lane(stage: str, number: int, ended: concurrent.futures.Future[int]) -> None:
    """Be the task run of one lane, from its beginning to its end."""

    @task(name=f"{stage} lane", task_run_name=f"{stage} lane {number}", persist_result=False, cache_policy=NO_CACHE, retries=0)
    async def lane() -> object:
        try:
            sealed = await asyncio.wrap_future(ended)
        except HikkoshiError as error:
            return Failed(message=str(error))
        return Completed(message=f"{sealed} {'shard' if sealed == 1 else 'shards'} done")

    # What is returned is a coroutine; Prefect's types take it for the state itself.
    await cast("Awaitable[object]", lane(return_state=True))
