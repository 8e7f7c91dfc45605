"""Either server killed in the middle of a copy and started on its data again: nothing is lost, none falsely done (S1, S2, N16)."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from hikkoshi.fault_proxy import Blackhole, Fault, Seen, Stall
from relocation.rules.errors import Unreachable
from relocation.transfer.retry import Patience
from tests.faults.stack import MIB, WRITTEN, Case, Watched, behind_proxies, until

pytestmark = pytest.mark.server

SITES = ("korea", "japan")
OBJECTS = 402


async def seed(case: Case) -> None:
    await case.house.seed(case.bucket, ((f"{number % 9}/{number:04}", number.to_bytes(2, "big") * 1000) for number in range(400)))
    for name in ("5/video", "8/video"):
        case.put_parts(name, (b"a" * (5 * MIB + 1), b"b" * 5 * MIB, b"c" * 7))


@pytest.mark.parametrize("site", SITES)
async def test_a_run_survives_a_server_that_is_killed_and_back_within_seconds(case, site):
    """S1, S2: it waits, tries again, and goes on: no object fails because a server was away for a moment."""
    await seed(case)
    watched = Watched(objects=100)
    running = asyncio.create_task(case.run(progress=watched))
    await watched.reached.wait()
    case.house.kill(site)
    await asyncio.sleep(0.5)  # it is gone for a while, and the run meets that
    await case.house.revive()
    summary = await running
    case.assert_reconciled(summary, objects=OBJECTS)
    assert set(case.versions().values()) == {1}


@pytest.mark.parametrize("site", SITES)
async def test_a_run_whose_server_stays_away_stops_as_unreachable_and_marks_nothing_done_that_is_not(case, site):
    """N16: it stops within `unreachable_s`; what has a fact is at the target; the next run goes on with the very same plan."""
    await seed(case)
    case.transfer = {"unreachable_s": 2.0, "connect_timeout_s": 2.0, "stall_s": 2.0}
    watched = Watched(objects=100)
    running = asyncio.create_task(case.run(progress=watched))
    await watched.reached.wait()
    case.house.kill(site)
    killed_at = time.monotonic()
    with pytest.raises(Unreachable):
        await running
    assert time.monotonic() - killed_at < 30
    await case.house.revive()
    stopped = await case.last_run()
    assert stopped.state == "open"
    there = {key: etag for key, (_, etag) in case.listed("japan").items()}
    done = {fact.target_key: fact.target_etag for fact in await case.tail(stopped.id) if fact.outcome in WRITTEN}
    assert 80 <= len(done) < OBJECTS
    assert done.items() <= there.items()
    summary = await case.run()
    assert (summary.run_id, summary.plan_sha256) == (stopped.id, stopped.plan_sha256)
    case.assert_reconciled(summary, objects=OBJECTS)
    assert set(case.versions().values()) == {1}


HALF = 2 * MIB
IN_THE_MIDDLE = {
    "a read": ("korea", Fault(Stall(HALF), method="GET", target="/video", nth=1)),
    "a part": ("japan", Fault(Stall(HALF, of="request"), method="PUT", target="video.partNumber=2", nth=1)),
    "a completion": ("japan", Fault(Blackhole(), method="POST", target="video.uploadId", nth=1)),
}


@pytest.mark.parametrize("what", IN_THE_MIDDLE)
async def test_a_server_killed_in_the_middle_of_an_object_leaves_it_whole_or_absent(case, what):
    """S1, S2: dead with half of a part read or written, or before a completion: the object arrives once, no upload is left."""
    site, fault = IN_THE_MIDDLE[what]
    case.put_parts("video", (b"a" * (5 * MIB + 1), b"b" * 5 * MIB, b"c" * 7))
    case.transfer = {"stall_s": 1.5}
    async with behind_proxies(case) as proxies:
        proxy = proxies[SITES.index(site)]
        proxy.faults = [fault]
        running = asyncio.create_task(case.run())
        await until(lambda: any(_midway(each, fault) for each in proxy.requests))
        case.house.kill(site)
        await asyncio.sleep(0.3)  # it is gone for a while, and the run meets that
        await case.house.revive()
        summary = await running
    case.assert_reconciled(summary, objects=1)
    assert case.versions() == {"video": 1}
    assert case.bodies("japan") == case.bodies("korea")


def _midway(seen: Seen, fault: Fault) -> bool:
    there = seen.method == fault.method and re.search(fault.target, seen.target) is not None
    return there and (isinstance(fault.action, Blackhole) or HALF in {seen.request_bytes, seen.response_bytes})


async def test_without_patience_a_run_would_not_survive_a_restart(case, monkeypatch):
    """Negative control: what carries it over is that an endpoint which is gone is waited for."""
    monkeypatch.setattr("relocation.stages.copy.Patience", lambda attempts_max, unreachable_s: Patience(1, 0.0))
    try:
        with pytest.raises(Unreachable):
            await test_a_run_survives_a_server_that_is_killed_and_back_within_seconds(case, "japan")
    finally:
        await case.house.revive()
