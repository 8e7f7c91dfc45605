"""`kill -9` of the run at named steps, in a real process: the next one converges and writes nothing twice (C1, D31, S2)."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE

import pytest

from hikkoshi.fault_proxy import Fault, Stall
from relocation.rules.plan import Known
from tests.faults.stack import MIB, Case, behind_proxies, until

pytestmark = pytest.mark.server

STEPS = {
    "before the intents of a batch": "before:ledger.intend:2",
    "after the intents, before their effect": "after:ledger.intend:2",
    "before an upload's id is on record": "after:writer.create_upload:1",
    "after a put's answer, before its fact": "after:writer.put:9",
    "after a part's answer": "after:writer.put_part:2",
    "after an upload was completed, before its fact": "after:writer.complete_upload:1",
    "before facts are recorded": "before:ledger.record:1",
    "before the shard is sealed": "before:ledger.seal_shard:1",
    "after the shard was sealed": "after:ledger.seal_shard:1",
    "before the run is closed": "before:ledger.close_run:1",
}
"""Where the run dies. Batches are of 6 intents; the shards of the copy come first."""


def seed(case: Case) -> int:
    case.transfer = {"intent_objects": 6, "shard_objects": 10, "concurrency": 3}
    for number in range(14):
        case.put(f"{number:02}/写真.jpg", bytes([number]) * (100 + number), Metadata={"n": str(number)})
    case.put_parts("05/video.mp4", (b"a" * (5 * MIB + 1), b"b" * 5 * MIB, b"c" * 7))
    return 15


async def killed_run(case: Case, *strikes: str) -> tuple[int, list[str]]:
    """Run the wave in a process of its own until it ends or dies; return its exit code and what it said."""
    arguments = [argument for strike in strikes for argument in ("--strike", strike)]
    command = (sys.executable, "-m", "tests.faults.worker", "run", str(case.config), *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode().splitlines()


async def assert_converges(case: Case, objects: int) -> None:
    """The next run, in another process than the dead one: all is there, byte for byte and once; nothing is left behind."""
    summary = await case.run()
    case.assert_reconciled(summary, objects=objects)
    assert case.bodies("japan") == case.bodies("korea")
    assert set(case.versions().values()) == {1}


async def assert_all_is_ours(case: Case, objects: int) -> None:
    """What the dead run wrote and what the next one did are ours alike: when the source changes, all of it is replaced."""
    for key in case.listed("korea"):
        case.put(key, b"changed since: " + key.encode())
    summary = await case.run()
    assert summary.counts["replace"].objects == objects
    case.assert_reconciled(summary, objects=objects)


@pytest.mark.parametrize("step", STEPS)
async def test_a_run_killed_at_a_named_step_is_gone_on_with_and_converges(case, step):
    """C1, D31: the dead run's wave is taken over at once; what it wrote is ours; one version of each object, no upload left."""
    objects = seed(case)
    async with case.context():
        pass  # what the probe knows is on record: the killed run begins with its own work
    code, said = await killed_run(case, f"KILL:{STEPS[step]}")
    assert (code, said[-1]) == (-signal.SIGKILL, "struck")
    await assert_converges(case, objects)
    if "fact" in step:
        await assert_all_is_ours(case, objects)


async def test_a_run_killed_in_the_middle_of_a_part_converges(case):
    """S2, C1: half of a part has reached the target when the run dies: the upload is aborted, and begun anew by the next."""
    objects = seed(case)
    async with case.context():
        pass
    async with behind_proxies(case) as (_, japan):
        japan.faults = [Fault(Stall(2 * MIB, of="request"), method="PUT", target="video.mp4.partNumber=1", nth=1)]
        async with case.context():
            pass
        command = (sys.executable, "-m", "tests.faults.worker", "run", str(case.config))
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        await until(lambda: any(each.request_bytes >= 2 * MIB for each in japan.requests))
        process.send_signal(signal.SIGKILL)
        await process.communicate()
    assert case.uploads() == ["05/video.mp4"]
    await assert_converges(case, objects)


async def test_without_intents_a_killed_runs_own_object_would_look_foreign(case, monkeypatch):
    """Negative control: killed after a put's answer, the source changed since: without the intent our own object is a conflict."""
    seed(case)
    async with case.context():
        pass
    await killed_run(case, "KILL:after:writer.put:9")
    (written, *_) = sorted(case.listed("japan"))
    for key in case.listed("korea"):
        case.put(key, b"changed since")
    monkeypatch.setattr(Known, "is_ours", lambda *_: False)
    await case.run()  # goes on with its own plan: what changed has drifted
    assert written in {named.key for named in (await case.run()).conflicts}
    monkeypatch.undo()
    assert (await case.run()).conflicts == ()
