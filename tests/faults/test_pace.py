"""The pace over real servers: bursts of 503, Retry-After, one object that is refused, orders while running, a cap on cost."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest

from connectors.assemble import assembled
from connectors.pace.orders import PaceChange, order_pace, standings
from hikkoshi.fault_proxy import Answer, Call, Fault, FaultProxy
from relocation.rules.errors import CostCapReached
from relocation.stages.wave import WaveRequest, run_wave
from tests.faults.stack import CATEGORY, Case, Watched, behind_proxies

pytestmark = pytest.mark.server

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
PRICES = """currency: JPY
endpoints:
  korea: {egress_per_gb: 0, get_per_1000: 1000, list_per_1000: 0}
  japan: {egress_per_gb: 0, ingress_per_gb: 0, put_per_1000: 0, get_per_1000: 0, list_per_1000: 0}
"""


class Noting(Watched):
    """Progress that keeps what was noted, and says when an event came."""

    def __init__(self, at_copy: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.at_copy = at_copy
        self.events: list[str] = []
        self.came: dict[str, asyncio.Event] = {}

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        super().stage(name, objects=objects, bytes_=bytes_)
        if name == "copy":
            self.at_copy()

    def note(self, event: str, **facts: object) -> None:
        self.events.append(event)
        self.event(event).set()

    def event(self, name: str) -> asyncio.Event:
        return self.came.setdefault(name, asyncio.Event())


async def run(case: Case, progress: Noting):
    async with case.context(progress) as context:
        return await run_wave(context, WaveRequest(CATEGORY, "all"))


def seed(case: Case, objects: int) -> None:
    for number in range(objects):
        case.put(f"{number:04}", bytes([number % 251]) * 3000)


def refusing(case: Case, *, headers: tuple[tuple[str, str], ...] = (), target: str = "") -> Fault:
    """Answer 503 to whatever is asked of this test's bucket, or to some of it."""
    return Fault(Answer(503, SLOW_DOWN, headers), target=target or f"^/{case.bucket}")


def ends_after(proxy: FaultProxy, refusals: int, case: Case) -> Fault:
    """Lift every fault of a proxy once so many requests were refused."""

    async def lift() -> None:
        proxy.faults = ()

    return Fault(Call(lift), target=f"^/{case.bucket}", nth=refusals)


async def test_a_burst_of_503_slows_the_wave_and_fails_no_object(case):
    """N9: an endpoint that refuses everything is asked little, no object spends its tries on it, and all comes home afterwards."""
    case.transfer = {"attempts_max": 3, "concurrency": 8}
    seed(case, 60)
    async with behind_proxies(case) as (korea, _):

        def burst() -> None:
            korea.faults = (ends_after(korea, 14, case), refusing(case))

        summary = await run(case, Noting(burst))
        refused = sum(seen.status == 503 for seen in korea.requests)
    case.assert_reconciled(summary, objects=60)
    assert 10 <= refused <= 24


async def test_one_object_that_is_refused_while_others_go_through_is_unreadable(case):
    """S16, and the control of the burst: a refusal that is the object's own counts as an attempt, and fails it, by name."""
    case.transfer = {"attempts_max": 2, "concurrency": 8}
    seed(case, 60)
    async with behind_proxies(case) as (korea, _):
        korea.faults = (refusing(case, target=f"^/{case.bucket}/0007"),)
        begun = time.monotonic()
        summary = await run(case, Noting())
    assert [(each.key, each.attempts) for each in summary.failed] == [("0007", 2)]
    assert "unreadable" in summary.failed[0].reason
    assert summary.outcomes["verified"].objects == 59
    assert time.monotonic() - begun < 30


async def test_a_retry_after_is_waited_for_in_sight_and_the_wave_goes_on(case):
    """S13: an endpoint that asks for four seconds gets them from everybody; progress says so; no object is failed."""
    case.transfer = {"attempts_max": 2, "concurrency": 8, "lease_s": 2.0}
    seed(case, 20)
    async with behind_proxies(case) as (korea, _):

        def ask_for_time() -> None:
            korea.faults = (ends_after(korea, 9, case), refusing(case, headers=(("Retry-After", "4"),)))

        progress, begun = Noting(ask_for_time), time.monotonic()
        summary = await run(case, progress)
    assert time.monotonic() - begun >= 4
    assert "pace.waits" in progress.events
    case.assert_reconciled(summary, objects=20)


@asynccontextmanager
async def under_way(case: Case, progress: Noting):
    """A run that has begun to copy, and goes on while the block does its work."""
    task = asyncio.create_task(run(case, progress))
    try:
        await asyncio.wait_for(progress.reached.wait(), 60)
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_wave_is_slowed_paused_and_let_go_on_while_it_runs(case):
    """An operator's order is obeyed within three seconds; a paused wave asks for nothing, says so, and loses nothing."""
    case.transfer = {"concurrency": 4, "intent_objects": 64}
    seed(case, 120)
    async with behind_proxies(case) as (korea, _):
        progress, settings = Noting(), case.settings()
        async with case.context(Noting()):
            await order_pace(settings, "korea", PaceChange(requests_per_s=20.0), who="mina")
        async with under_way(case, progress) as task:
            await order_pace(settings, "korea", PaceChange(paused=True), who="mina")
            await asyncio.wait_for(progress.event("pace.paused").wait(), 3)
            before = len(case.seen(korea, "GET"))
            assert "paused since" in (await standings(settings))["korea"].told("Asia/Tokyo")
            await asyncio.wait([task], timeout=1.5)  # time in which 30 would be asked for
            assert len(case.seen(korea, "GET")) - before <= 4
            await order_pace(settings, "korea", PaceChange(paused=False, requests_per_s=0.0), who="mina")
            await asyncio.wait_for(progress.event("pace.goes_on").wait(), 3)
            summary = await asyncio.wait_for(task, 60)
    case.assert_reconciled(summary, objects=120)


async def test_a_cap_on_cost_stops_a_wave_in_words_and_a_higher_one_lets_it_go_on(case, tmp_path):
    """A wave that has spent what it may is refused every further request; what was copied stays, and is not copied again."""
    (tmp_path / "prices.yaml").write_text(PRICES)
    case.transfer = {"concurrency": 4, "intent_objects": 16}
    seed(case, 100)

    async def run_with(cap: int):
        settings = case.settings()
        transfer = type(settings.transfer).model_validate({**settings.transfer.model_dump(), "cost_cap": cap})
        settings = settings.model_copy(update={"transfer": transfer, "prices": tmp_path / "prices.yaml"})
        async with assembled(settings, os.environ, Noting(), who="tester") as context:
            return await run_wave(context, WaveRequest(CATEGORY, "all"))

    async with behind_proxies(case) as (_, japan):
        async with case.context(Noting()):  # 30 a second, so that a second's traffic is less than the whole
            await order_pace(case.settings(), "korea", PaceChange(requests_per_s=30.0), who="mina")
        with pytest.raises(CostCapReached, match=r"may spend 50 .*raise the cap"):
            await run_with(50)
        written = len(case.seen(japan, "PUT"))
        assert 10 < written < 100
        await order_pace(case.settings(), "korea", PaceChange(clear=True), who="mina")
        summary = await run_with(100_000)
        assert len(case.seen(japan, "PUT")) <= 100 + 4
    case.assert_reconciled(summary, objects=100)
