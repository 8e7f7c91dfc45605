"""The flow `pace`, run from Prefect as its form would, while a wave runs: obeyed within seconds."""

from __future__ import annotations

import time

import pytest

from hikkoshi.fault_proxy import Delay, Fault, FaultProxy
from tests.flows.office import until
from tests.flows.test_stops import names, reads, sluggish

__all__ = ["sluggish"]
pytestmark = pytest.mark.server

OBEYED_S = 5.0
PACE = "pace-korea-to-japan"


def silent_for(proxy: FaultProxy, seconds: float) -> bool:
    """Say whether no object was read for so long."""
    before = reads(proxy)
    time.sleep(seconds)  # a claim about silence needs its time
    return reads(proxy) == before


async def test_a_pace_ordered_from_prefect_holds_for_the_wave_that_runs(office, sluggish):
    """Pause: nothing more is read within seconds, and the run lives; go on, and it ends well. Who ordered it is on record."""
    office.seed("timeline", *names())
    sluggish.faults = [Fault(Delay(1.0), "GET", r"^/timeline/\d{4}")]  # so slow that the order comes in the middle
    run_id = office.start("wave-timeline", config=office.slow("slow-timeline", sluggish.url), wave="all", dry_run=False)
    until(lambda: reads(sluggish) > 10)
    ordered = office.start(PACE, endpoint="korea", what="pause")
    paused = office.end_of(ordered)
    began = time.monotonic()
    assert (paused.type, paused.name) == ("COMPLETED", "pace of korea: pause")
    assert "korea: paused since" in paused.message
    assert f"by prefect flow run {ordered}" in paused.message
    until(lambda: silent_for(sluggish, 1.0), timeout_s=OBEYED_S + 2)
    assert time.monotonic() - began < OBEYED_S + 1.0
    stood_at = reads(sluggish)
    assert stood_at < len(names())
    assert office.run(run_id)["state_type"] == "RUNNING"
    sluggish.faults = []  # what is left need not take its time
    on = office.end_of(office.start(PACE, endpoint="korea", what="go on"))
    assert (on.type, "paused" in on.message) == ("COMPLETED", False)
    done = office.end_of(run_id)
    assert (done.type, done.state) == ("COMPLETED", "Completed")
    assert reads(sluggish) > stood_at
    assert office.keys("japan", "timeline") >= set(names())


def test_an_order_that_means_nothing_is_refused_by_its_form(office):
    """An endpoint that there is not, and a rate that is none: nobody is asked to do it, and nothing is changed."""
    for order in ({"endpoint": "atlantis"}, {"endpoint": "korea", "bandwidth": "fast"}, {"endpoint": "korea", "what": "stop"}):
        assert office.submit(PACE, **order).status_code == 409, order
