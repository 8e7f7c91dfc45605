"""Several processes work one run: all of it, once; one that dies is made up for, and none outlives the one that started it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from hikkoshi.exit_codes import ExitCode
from hikkoshi.fault_proxy import Call, Fault, FaultProxy
from tests.command.calls import call, started, stop, wait_until
from tests.command.test_stops import Gate, save_answers
from tests.faults.stack import CATEGORY, Case

pytestmark = pytest.mark.server

OBJECTS = 60
LANE = b"hikkoshi.processes.lane"


def lanes_of(parent: int) -> list[int]:
    """Return the process ids of a command's lanes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = folder.joinpath("cmdline").read_bytes().split(b"\0")
            above = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # gone meanwhile
        if LANE in words and above == parent:
            found.append(int(folder.name))
    return found


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def wide(case: Case):
    """A case of 60 objects in six shards for three processes, the PUTs of each held at a gate after the first ten."""
    for number in range(OBJECTS):
        case.put(f"{number:03}", bytes([number]) * 1000)
    gate = Gate()
    with FaultProxy(case.house.url("japan")) as proxy:
        case.urls["japan"] = proxy.url
        case.transfer = {"processes": 3, "shard_objects": 10, "concurrency": 12, "intent_objects": 8, "stall_s": 120}
        asyncio.run(save_answers(case))
        proxy.requests.clear()
        proxy.faults = [Fault(Call(gate), method="PUT", target=f"^/{case.bucket}/")]
        yield case, proxy, gate
        gate.opened.set()
    case.urls.clear()


def test_three_processes_do_one_run_and_do_it_once(wide):
    """Shards are shared out by the ledger: every object is written once, and what is shown counts all of them."""
    case, _, gate = wide
    with started("run", CATEGORY, "--config", case.config) as process:
        wait_until(lambda: len(lanes_of(process.pid)) == 2)
        lanes = lanes_of(process.pid)
        for lane in lanes:
            command = Path(f"/proc/{lane}/cmdline").read_bytes()
            assert not any(case.house.state.keys(site, "root").secret.encode() in command for site in ("korea", "japan"))
        gate.opened.set()
        _, err = process.communicate(timeout=90)
    assert process.returncode == ExitCode.DONE, err
    assert f"copy: {OBJECTS} objects" in err
    assert case.listed("japan") == case.listed("korea")
    assert set(case.versions().values()) == {1}
    assert not any(is_there(lane) for lane in lanes)


def test_a_lane_that_is_killed_is_noticed_and_made_up_for(wide):
    """C1: its shard is taken over by the others, at once; the run ends well and says that a lane was lost."""
    case, proxy, gate = wide
    with started("run", CATEGORY, "--config", case.config) as process:
        wait_until(lambda: len(case.seen(proxy, "PUT")) > 14 and len(lanes_of(process.pid)) == 2)
        os.kill(lanes_of(process.pid)[0], signal.SIGKILL)
        gate.opened.set()
        _, err = process.communicate(timeout=90)
    assert process.returncode == ExitCode.DONE, err
    assert "a process of this run was lost" in err
    assert case.listed("japan") == case.listed("korea")


def test_a_stop_ends_all_of_them_and_nothing_is_written_later(wide):
    """C2: within five seconds every process is gone; once they are, no request comes any more."""
    case, proxy, gate = wide
    with started("run", CATEGORY, "--config", case.config) as process:
        wait_until(lambda: len(case.seen(proxy, "PUT")) > 14 and len(lanes_of(process.pid)) == 2)
        lanes = lanes_of(process.pid)
        ended, took_s = stop(process, signal.SIGINT)
    assert ended.code == ExitCode.INTERRUPTED, ended.err
    assert took_s < 5.0
    assert not any(is_there(lane) for lane in lanes)
    asked = len(proxy.requests)
    gate.opened.set()
    time.sleep(0.3)  # what could come later must have the time to: a claim about silence
    assert len(proxy.requests) == asked
    done = call("run", CATEGORY, "--json", "--config", case.config)
    assert done.code == ExitCode.DONE, done.err
    assert case.listed("japan") == case.listed("korea")


def test_lanes_die_with_the_one_that_started_them(wide):
    """C1: after kill -9 of the command no lane goes on: the next run finds nobody at work."""
    case, proxy, gate = wide
    with started("run", CATEGORY, "--config", case.config) as process:
        wait_until(lambda: len(case.seen(proxy, "PUT")) > 14 and len(lanes_of(process.pid)) == 2)
        lanes = lanes_of(process.pid)
        process.kill()
        process.communicate()
        wait_until(lambda: not any(is_there(lane) for lane in lanes), timeout_s=6)
    gate.opened.set()
    done = call("run", CATEGORY, "--json", "--config", case.config)
    assert done.code == ExitCode.DONE, done.err
    assert case.listed("japan") == case.listed("korea")
