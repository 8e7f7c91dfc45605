"""`transfer.processes` in a flow: as many as the command would take, each lane a task run, and all of them end with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hikkoshi.fault_proxy import Delay, Fault, FaultProxy
from tests.command.test_processes import is_there, lanes_of
from tests.flows.office import Office, until
from tests.flows.test_stops import STOP_S, names

pytestmark = pytest.mark.server

CATEGORY, BUCKET = "talk-videos", "talk"


@pytest.fixture
def sluggish(office):
    """Korea behind a proxy that takes its time over each object."""
    with FaultProxy(office.state.url("korea"), [Fault(Delay(0.4), "GET", rf"^/{BUCKET}/videos/\d{{4}}")]) as proxy:
        yield proxy


def in_three(office: Office, korea_url: str) -> Path:
    """Write the configuration with three processes, and shards so small that there is one for each."""
    limits = "transfer: {processes: 3, concurrency: 12, intent_objects: 16, shard_objects: 20}\ncategories:\n"
    return office.variant("three", (office.state.url("korea"), korea_url), ("categories:\n", limits))


def lanes_of_run(office: Office, run_id: str) -> list[int]:
    """Return the processes that a flow's own ones began for its lanes, as far as they have begun."""
    return [lane for pid in office.processes_of(run_id) for lane in lanes_of(pid)]


async def test_a_flow_takes_as_many_processes_as_are_configured_and_a_cancel_ends_all_of_them(office, sluggish):
    """C2: two processes beside the flow's own; Cancel ends them too, nothing is read afterwards, and the next run finishes."""
    office.seed(BUCKET, *names("videos/"))
    config = in_three(office, sluggish.url)
    run_id = office.start(f"wave-{CATEGORY}", config=config, wave="all", dry_run=False)
    lanes = until(lambda: both if len(both := lanes_of_run(office, run_id)) == 2 else None)
    until(lambda: len(sluggish.requests) > 40)
    office.cancel(run_id)
    assert office.end_of(run_id, timeout_s=STOP_S * 2).type == "CANCELLED"
    until(lambda: not any(is_there(lane) for lane in lanes), timeout_s=10)
    assert sum(name.startswith("copy lane") for name in office.task_runs(run_id)) == 3
    asked = len(sluggish.requests)

    sluggish.faults = []
    done = office.end_of(office.start(f"wave-{CATEGORY}", wave="all", dry_run=False))
    assert done.type == "COMPLETED", done.message
    assert office.keys("japan", BUCKET) >= set(names("videos/"))
    assert len(sluggish.requests) == asked
