"""Two processes with lanes on one wave, one stopped past its lease and woken, one killed: every object once (C5, C6)."""

from __future__ import annotations

import re
import signal
import time
from dataclasses import dataclass

import pytest

from relocation.rules.records import Fact
from relocation.stages.copy import open_copy
from tests.faults.processes import Worker, counting, worker
from tests.faults.stack import Case

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]

LEASE_S = 3.0
BODY = bytes(range(256)) * 4


@dataclass(frozen=True)
class Together:
    """What came of it: what the woken process said, how often each key was put, and the sealed facts."""

    stopped: Worker
    shard: str
    puts: dict[str, int]
    facts: list[Fact]

    @property
    def repeated(self) -> int:
        return sum(count - 1 for count in self.puts.values())


async def two_processes(case: Case, *, objects: int, stop_at: int) -> Together:
    """Copy a wave by two processes. One stops itself as it is about to record facts, and is woken once the other has its shard;
    then the other is killed in the middle of that shard."""
    keys = (f"{number % 17:02}/{number:06}" for number in range(objects))
    await case.house.seed(case.bucket, ((key, BODY[:-6] + key[-6:].encode()) for key in keys))
    async with counting(case.house.url("japan")) as relay:
        case.urls["japan"] = relay.url
        planned = await case.run(until="plan")
        async with case.context() as context:
            run = await context.ledger.get_run(planned.run_id)
            await open_copy(context, run)
        lane = ("lane", case.config, run.id, "copy")
        async with worker(*lane, strikes=(f"STOP:before:ledger.record:{stop_at}",)) as stopped, worker(*lane) as other:
            await stopped.hear("struck")
            shard = [line for line in stopped.said if line.startswith("leased")][-1].split()[1]
            await other.hear("leased", shard)  # past the lease of who is stopped, though that one is alive
            stopped.send(signal.SIGCONT)
            before = len(stopped.said)
            await stopped.hear("leased")  # it noticed, by a refused fact or a refused renewal, and went on with another one
            assert f"took tails {shard}" not in stopped.said[before:]
            for _ in range(2):
                await other.hear("took", "tails", shard)
            other.send(signal.SIGKILL)
            assert await other.end() == -signal.SIGKILL
            assert await stopped.end() == 0
        case.urls.clear()
        keys = re.compile(f"/{case.bucket}/\\d\\d/")
        puts = {target: count for target, count in (await relay.puts()).items() if keys.match(target)}
    return Together(stopped, shard, puts, await case.sealed(run.id))


@pytest.mark.long
async def test_of_two_processes_one_stopped_and_one_killed_every_object_is_copied_once(case):
    """C5, C6: of 20,000 objects at most 1 % is put again, and the vault's facts are boto3's listing, row for row."""
    begun = time.monotonic()
    case.transfer = {"shard_objects": 2000, "lease_s": LEASE_S, "concurrency": 16, "intent_objects": 256}
    together = await two_processes(case, objects=20_000, stop_at=4)
    assert together.stopped.said[-1].startswith("sealed")
    assert len(together.puts) == 20_000
    assert together.repeated <= 200
    facts = {fact.target_key: (fact.size, fact.target_etag) for fact in together.facts}
    assert len(facts) == len(together.facts)
    assert facts == case.listed("japan") == case.listed("korea")
    assert {fact.outcome for fact in together.facts} == {"copied"}
    assert all(fact.ours for fact in together.facts)
    assert set(case.versions().values()) == {1}
    summary = await case.run(until="copy")
    assert summary.run_id == together.facts[0].run_id
    print(f"{together.repeated} puts repeated, {time.monotonic() - begun:.0f} s")
