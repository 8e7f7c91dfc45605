"""Ctrl-C, SIGTERM and two at once: a run that is stopped goes on where it was, and nobody runs a wave twice."""

from __future__ import annotations

import asyncio
import signal

import pytest

from hikkoshi.exit_codes import ExitCode
from hikkoshi.fault_proxy import Delay, Fault, FaultProxy
from tests.command.calls import call, started, stop, wait_until
from tests.faults.stack import CATEGORY, Case

pytestmark = pytest.mark.server

OBJECTS = 60
STOP_S_MAX = 5.0


@pytest.fixture
def slow(case: Case):
    """A case of 60 objects, each of whose PUTs takes a quarter of a second, behind a proxy that counts them."""
    for number in range(OBJECTS):
        case.put(f"{number:03}", bytes([number]) * 1000)
    delay = Fault(Delay(0.25), method="PUT", target=f"^/{case.bucket}/")
    with FaultProxy(case.house.url("japan"), [delay]) as proxy:
        case.urls["japan"] = proxy.url
        case.transfer = {"concurrency": 4, "intent_objects": 8}
        asyncio.run(save_answers(case))
        proxy.requests.clear()
        yield case, proxy
    case.urls.clear()


async def save_answers(case: Case) -> None:
    async with case.context():
        pass


def puts(case: Case, proxy: FaultProxy) -> int:
    return len(case.seen(proxy, "PUT"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_in_the_middle_of_a_copy_is_clean_and_goes_on(slow, number):
    """Exit 130 within five seconds, with the command that goes on; that one finishes the same run and copies nothing twice."""
    case, proxy = slow
    config = case.config
    with started("run", CATEGORY, "--config", config) as process:
        wait_until(lambda: puts(case, proxy) >= 8)
        ended, took_s = stop(process, number)
    assert ended.code == ExitCode.INTERRUPTED
    assert took_s < STOP_S_MAX
    assert f"hikkoshi run {CATEGORY} --config {config} goes on where it was" in ended.err
    assert "Traceback" not in ended.err
    stopped = await case.last_run()
    assert 0 < len(case.listed("japan")) < OBJECTS
    proxy.faults = []
    before = set(case.listed("japan"))
    done = call("run", CATEGORY, "--json", "--config", config)
    assert done.code == ExitCode.DONE, done.err
    assert done.document["run_id"] == stopped.id
    assert case.listed("japan") == case.listed("korea")
    assert all(versions == 1 for key, versions in case.versions().items() if key in before)


async def test_a_stop_is_one_json_document_too(slow):
    """With --json a stop says so on standard output: kind, how to go on, exit code."""
    case, proxy = slow
    with started("run", CATEGORY, "--json", "--config", case.config) as process:
        wait_until(lambda: puts(case, proxy) >= 4)
        ended, _ = stop(process, signal.SIGINT)
    assert ended.document["exit_code"] == ended.code == ExitCode.INTERRUPTED
    assert ended.document["error"]["kind"] == "Stopped"
    assert "goes on where it was" in ended.document["error"]["next"]


async def test_two_runs_of_one_wave_at_once(slow):
    """The second says who runs it, ends with 5, and has written nothing and recorded no run."""
    case, proxy = slow
    config = case.config
    with started("run", CATEGORY, "--config", config) as process:
        wait_until(lambda: puts(case, proxy) >= 2)
        second = call("run", CATEGORY, "--json", "--config", config)
        status = call("status", "--json", "--config", config)
        assert process.poll() is None, "the first has ended too early for this test"
        _, err = process.communicate(timeout=60)
    assert second.code == ExitCode.BUSY
    assert f"process {process.pid}" in second.document["error"]["message"]
    assert [wave["running"]["pid"] for wave in status.document["waves"]] == [process.pid]
    assert process.returncode == ExitCode.DONE, err
    assert puts(case, proxy) == OBJECTS
    async with case.context() as context:
        assert len(await context.ledger.list_runs()) == 1
