"""A run that is cancelled in the middle: nothing is asked of either server afterwards (C2)."""

from __future__ import annotations

import asyncio

import pytest

from hikkoshi.fault_proxy import Delay, Fault
from tests.faults.stack import Case, Watched, behind_proxies

pytestmark = pytest.mark.server

OBJECTS = 60


async def requests_after_a_cancel(case: Case) -> int:
    """Cancel a run when ten objects are done, wait until it has ended, and count what is asked of the target in the next second."""
    case.transfer = {"concurrency": 4, "intent_objects": 16}
    await case.house.seed(case.bucket, ((f"{number:02}", bytes([number]) * 300) for number in range(OBJECTS)))
    async with behind_proxies(case) as (_, japan):
        japan.faults = [Fault(Delay(0.05), method="PUT", target=f"^/{case.bucket}/")]
        watched = Watched(objects=10)
        run = asyncio.create_task(case.run(progress=watched))
        await asyncio.wait_for(watched.reached.wait(), 60)
        run.cancel()
        await asyncio.wait([run])
        assert run.cancelled()
        asked = len(case.seen(japan, "PUT", "GET", "HEAD"))
        await asyncio.sleep(0.7)  # what could come later must have the time to: a claim about silence
        return len(case.seen(japan, "PUT", "GET", "HEAD")) - asked


async def test_after_a_cancelled_run_has_ended_nothing_is_asked_any_more(case):
    """C2: everybody at work has ended before the run does; what was done is recorded, and the same run goes on."""
    assert await requests_after_a_cancel(case) == 0
    stopped = await case.last_run()
    done = await case.tail(stopped.id)
    assert 10 <= len(done) < OBJECTS
    summary = await case.run()
    assert summary.run_id == stopped.id
    case.assert_reconciled(summary, objects=OBJECTS)
    assert set(case.versions().values()) == {1}


async def test_a_crew_that_is_not_held_together_would_go_on_after_the_end(case, monkeypatch):
    """C2, control: where workers are let loose instead of being waited for, requests come after the run has ended."""
    loose: list[asyncio.Task[None]] = []

    async def let_loose(batches, work, **_limits):
        async def worker():
            async for batch in batches:
                for item in batch:
                    await work(item)

        loose.append(asyncio.create_task(worker()))
        await asyncio.shield(loose[0])

    monkeypatch.setattr("relocation.stages.shards.work_batches", let_loose)
    monkeypatch.setattr("connectors.stores.S3Stores.close", _nothing)  # a process that leaves closes nothing either
    assert await requests_after_a_cancel(case) > 0
    for task in loose:
        task.cancel()
    await asyncio.wait(loose)


async def _nothing(_stores) -> None: ...
