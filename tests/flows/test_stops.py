"""Runs that are stopped: by an operator, by a kill, by Prefect's own server going away. The wave is the ledger's."""

from __future__ import annotations

import os
import signal
import time

import pytest

from hikkoshi.fault_proxy import Delay, Fault, FaultProxy
from tests.flows.office import until

pytestmark = pytest.mark.server

OBJECTS = 160
STOP_S = 15.0
"""How long a cancelled run may take to stop: Prefect's way to the process is part of it (at the latest it kills after 30 s)."""


def names(folder: str = "") -> list[str]:
    return [f"{folder}{number:04}" for number in range(OBJECTS)]


@pytest.fixture
def sluggish(office):
    """Korea behind a proxy that takes its time over each object: all of them take a quarter of a minute."""
    with FaultProxy(office.state.url("korea"), [Fault(Delay(0.4), "GET", r"^/[a-z]+/\d{4}")]) as proxy:
        yield proxy


def reads(proxy: FaultProxy) -> int:
    return sum(seen.method == "GET" and seen.target.rpartition("/")[2][:4].isdigit() for seen in proxy.requests)


async def test_a_cancelled_run_stops_and_the_next_goes_on_with_it(office, sluggish):
    """C2: Cancel ends the work within seconds, nothing is read afterwards, and the next run is the same run in the ledger."""
    office.seed("files", *names())
    config = office.slow("slow-files", sluggish.url)
    run_id = office.start("wave-files", config=config, wave="all", dry_run=False)
    until(lambda: reads(sluggish) > 40)
    began = time.monotonic()
    office.cancel(run_id)
    ended = office.end_of(run_id)
    assert ended.type == "CANCELLED"
    assert time.monotonic() - began < STOP_S
    until(lambda: not office.processes_of(run_id), timeout_s=10)
    stopped_at = reads(sluggish)
    (stopped,) = await office.recorded("files")
    assert stopped.state == "open"

    done = office.end_of(office.start("wave-files", wave="all", dry_run=False))
    assert done.state == "Completed"
    assert [(run.id, run.state) for run in await office.recorded("files")] == [(stopped.id, "done")]
    assert office.keys("japan", "files") == set(names())
    assert reads(sluggish) == stopped_at


async def test_a_killed_process_leaves_a_run_that_the_next_goes_on_with(office, sluggish):
    """kill -9 of the flow's process: Prefect says Crashed, and the next run takes the wave over at once."""
    office.seed("albums", *names())
    config = office.slow("slow-albums", sluggish.url)
    run_id = office.start("wave-albums", config=config, wave="all", dry_run=False)
    until(lambda: reads(sluggish) > 40)
    for pid in office.processes_of(run_id):
        os.kill(pid, signal.SIGKILL)
    assert office.end_of(run_id).type == "CRASHED"
    (killed,) = await office.recorded("albums")
    assert killed.state == "open"

    done = office.end_of(office.start("wave-albums", wave="all", dry_run=False))
    assert done.state == "Completed"
    assert [(run.id, run.state) for run in await office.recorded("albums")] == [(killed.id, "done")]
    assert office.keys("japan", "albums") == set(names())


@pytest.mark.long
async def test_a_wave_outlives_prefects_server(office, sluggish):
    """The server is killed in the middle of a wave: the wave is brought home without it, and its run ends green when it is back."""
    there, before = office.keys("japan", "notes"), await office.recorded("notes")
    office.seed("notes", *names())
    config = office.slow("slow-notes", sluggish.url)
    run_id = office.start("wave-notes", config=config, wave="all", dry_run=False)
    until(lambda: reads(sluggish) > 20)
    office.stop_prefect()
    try:
        until(lambda: reads(sluggish) >= OBJECTS, timeout_s=90)
        until(lambda: office.keys("japan", "notes") == there | set(names()), timeout_s=30)
    finally:
        office.start_prefect()
    ended = office.end_of(run_id)
    assert (ended.type, ended.state) == ("COMPLETED", "Completed")
    after = await office.recorded("notes")
    assert [run.state for run in after[: len(after) - len(before)]] == ["done"]
