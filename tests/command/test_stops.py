"""Ctrl-C, SIGTERM and two at once: a run that is stopped goes on where it was, and nobody runs a wave twice."""

from __future__ import annotations

import asyncio
import signal
import threading
import time

import pytest

from hikkoshi.exit_codes import ExitCode
from hikkoshi.fault_proxy import Call, Fault, FaultProxy, Stall
from tests.command.calls import call, started, stop, wait_until
from tests.faults.stack import CATEGORY, MIB, Case

pytestmark = pytest.mark.server

OBJECTS = 60
PASSED = 10
STOP_S_MAX = 5.0


class Gate:
    """Lets ten writes pass, and holds the others until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self._came = 0

    async def __call__(self) -> None:
        self._came += 1
        if self._came > PASSED:
            while not self.opened.is_set():  # noqa: ASYNC110 — the word comes from another thread than the proxy's
                await asyncio.sleep(0.05)


@pytest.fixture
def held(case: Case):
    """A case of 60 objects, ten of whose PUTs get through: the case, the proxy that counts them, and the gate."""
    for number in range(OBJECTS):
        case.put(f"{number:03}", bytes([number]) * 1000)
    gate = Gate()
    with FaultProxy(case.house.url("japan")) as proxy:
        case.urls["japan"] = proxy.url
        case.transfer = {"concurrency": 4, "intent_objects": 8, "stall_s": 120}
        asyncio.run(save_answers(case))
        proxy.requests.clear()
        proxy.faults = [Fault(Call(gate), method="PUT", target=f"^/{case.bucket}/")]
        yield case, proxy, gate
        gate.opened.set()
    case.urls.clear()


async def save_answers(case: Case) -> None:
    async with case.context():
        pass


def puts(case: Case, proxy: FaultProxy) -> int:
    return len(case.seen(proxy, "PUT"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_in_the_middle_of_a_copy_is_clean_and_goes_on(held, number):
    """Exit 130 within five seconds, with the command that goes on; that one finishes the same run and copies nothing twice."""
    case, proxy, gate = held
    config = case.config
    with started("run", CATEGORY, "--config", config) as process:
        wait_until(lambda: puts(case, proxy) > PASSED)
        ended, took_s = stop(process, number)
    assert ended.code == ExitCode.INTERRUPTED
    assert took_s < STOP_S_MAX
    assert f"hikkoshi run {CATEGORY} --config {config} goes on where it was" in ended.err
    assert "Traceback" not in ended.err
    stopped = await case.last_run()
    assert 0 < len(case.listed("japan")) < OBJECTS
    gate.opened.set()
    before = set(case.listed("japan"))
    done = call("run", CATEGORY, "--json", "--config", config)
    assert done.code == ExitCode.DONE, done.err
    assert done.document["run_id"] == stopped.id
    assert case.listed("japan") == case.listed("korea")
    assert all(versions == 1 for key, versions in case.versions().items() if key in before)


def parts_sent(case: Case, proxy: FaultProxy) -> list[tuple[str, int]]:
    """Return number and status of every part that came by, in the order of their numbers."""
    sent = (each for each in case.seen(proxy, "PUT") if "partNumber=" in each.target)
    return sorted((each.target.partition("partNumber=")[2].partition("&")[0], each.status) for each in sent)


def test_a_stop_in_the_middle_of_a_part_keeps_the_others_and_sends_only_that_one_again(case):
    """C2: the part under way is broken off, nothing is asked any more, and the next run goes on with the very same upload."""
    bodies = [bytes([number]) * 5 * MIB for number in range(3)]
    case.put_parts("video", (*bodies, b"z" * 3 * MIB))
    with FaultProxy(case.house.url("japan")) as proxy:
        case.urls["japan"] = proxy.url
        asyncio.run(save_answers(case))
        proxy.requests.clear()
        proxy.faults = [Fault(Stall(MIB, "request"), method="PUT", target=f"^/{case.bucket}/.*partNumber=4")]
        with started("run", CATEGORY, "--config", case.config) as process:
            wait_until(lambda: parts_sent(case, proxy) == [("1", 200), ("2", 200), ("3", 200), ("4", 0)])
            ended, took_s = stop(process, signal.SIGTERM)
        assert ended.code == ExitCode.INTERRUPTED
        assert took_s < STOP_S_MAX
        assert case.uploads() == ["video"]
        asked = len(proxy.requests)
        proxy.faults = []
        time.sleep(0.3)  # what could come later must have the time to: a claim about silence
        assert len(proxy.requests) == asked
        done = call("run", CATEGORY, "--json", "--config", case.config)
        assert done.code == ExitCode.DONE, done.err
        assert parts_sent(case, proxy) == [("1", 200), ("2", 200), ("3", 200), ("4", 0), ("4", 200)]
    case.urls.clear()
    assert case.uploads() == []
    assert case.listed("japan") == case.listed("korea")
    assert case.bodies("japan") == case.bodies("korea")


async def test_a_stop_is_one_json_document_too(held):
    """With --json a stop says so on standard output: kind, how to go on, exit code."""
    case, proxy, _ = held
    with started("run", CATEGORY, "--json", "--config", case.config) as process:
        wait_until(lambda: puts(case, proxy) > PASSED)
        ended, _ = stop(process, signal.SIGINT)
    assert ended.document["exit_code"] == ended.code == ExitCode.INTERRUPTED
    assert ended.document["error"]["kind"] == "Stopped"
    assert "goes on where it was" in ended.document["error"]["next"]


async def test_two_runs_of_one_wave_at_once(held):
    """The second says who runs it, ends with 5, and has written nothing and recorded no run."""
    case, proxy, gate = held
    config = case.config
    with started("run", CATEGORY, "--config", config) as process:
        wait_until(lambda: puts(case, proxy) > PASSED)
        second = call("run", CATEGORY, "--json", "--config", config)
        status = call("status", "--json", "--config", config)
        gate.opened.set()
        _, err = process.communicate(timeout=60)
    assert second.code == ExitCode.BUSY
    assert f"process {process.pid}" in second.document["error"]["message"]
    assert [wave["running"]["pid"] for wave in status.document["waves"]] == [process.pid]
    assert process.returncode == ExitCode.DONE, err
    assert puts(case, proxy) == OBJECTS
    async with case.context() as context:
        assert len(await context.ledger.list_runs()) == 1
