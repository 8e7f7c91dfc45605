"""Real processes over one SQLite file: killed, stopped and racing. What was acknowledged is there, and one holder wins."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager

import pytest

from relocation.rules.errors import WaveBusy
from relocation.rules.evidence import verify_chain
from relocation.rules.records import RunState
from tests.unit.ledger_cases import LEASE_S, StillClock, begin_at, fact_of, intent_of, ledger_at, run_of


class Process:
    """An actor of its own process, spoken to line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def hear(self) -> str:
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        return line.decode().strip()

    async def tell(self, *words: str) -> None:
        self.process.stdin.write(f"{' '.join(words)}\n".encode())
        await self.process.stdin.drain()

    async def ask(self, *words: str) -> str:
        await self.tell(*words)
        return await self.hear()

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it is gone already
            self.process.send_signal(number)


@asynccontextmanager
async def actors(path, count: int):
    """Processes that are imported and ready, and open the ledger when told `go`."""
    command = (sys.executable, "-m", "tests.unit.ledger_actor", str(path))
    started = [Process(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)) for _ in range(count)]
    try:
        assert [await actor.hear() for actor in started] == ["ready"] * count
        yield started
    finally:
        for actor in started:
            actor.send(signal.SIGKILL)
            await actor.process.communicate()


async def test_a_run_killed_between_intend_and_record_leaves_its_intents_and_frees_its_wave(tmp_path):
    """C1, D31: after kill -9 every intent is read back, and wave and shard can be taken at once, long before their lease ends."""
    path = tmp_path / "l.db"
    begin_at(path)
    async with actors(path, 1) as [killed]:
        assert await killed.ask("go") == "opened"
        assert await killed.ask("run", "run-1") == "won 1"
        assert await killed.ask("shard", "run-1") == "leased 0"
        assert await killed.ask("intend", "256") == "intended"
        async with ledger_at(path, StillClock(time.time())) as ledger:
            with pytest.raises(WaveBusy, match=f"process {killed.process.pid}"):
                await ledger.open_run(run_of("run-2"), lease_s=LEASE_S)
            killed.send(signal.SIGKILL)
            await killed.process.wait()
            run, wave = await ledger.open_run(run_of("run-1"), lease_s=LEASE_S)
            assert (run.state, wave.token) == (RunState.OPEN, 2)
            lease = await ledger.lease_shard("run-1", "copy", lease_s=LEASE_S)
            assert (lease.shard, lease.token) == (0, 2)
            wanted = tuple(intent_of(number) for number in range(256))
            assert await ledger.intents("run-1", "copy", 0) == wanted
            assert await ledger.open_intents("talk-images") == wanted
            assert await ledger.tail("run-1", "copy", 0) == ()


async def test_every_acknowledged_fact_outlives_a_kill_at_any_moment(tmp_path):
    """C1: kill -9 in the middle of writing: what was acknowledged is there, at most one more, and the chain holds."""
    path = tmp_path / "l.db"
    begin_at(path)
    async with actors(path, 1) as [killed]:
        for line in (("go",), ("run", "run-1"), ("shard", "run-1")):
            await killed.ask(*line)
        await killed.tell("record_for_ever", "now")
        acknowledged = [await killed.hear() for _ in range(40)]
        killed.send(signal.SIGKILL)
        rest = (await killed.process.stdout.read()).decode().split("\n")
        acknowledged += [line for line in rest[:-1] if line]
    async with ledger_at(path, StillClock(time.time())) as ledger:
        tail = await ledger.tail("run-1", "copy", 0)
        assert len(acknowledged) <= len(tail) <= len(acknowledged) + 1
        assert tail == tuple(fact_of(number) for number in range(len(tail)))
        assert verify_chain(await ledger.chain()) is None


async def test_of_processes_that_race_for_a_wave_exactly_one_wins(tmp_path):
    """C7: four processes make the ledger and start the wave in the same moment: one runs it, the others say who."""
    async with actors(tmp_path / "l.db", 4) as racers:
        assert await asyncio.gather(*(racer.ask("go") for racer in racers)) == ["opened"] * 4
        said = await asyncio.gather(*(racer.ask("run", f"run-{number}") for number, racer in enumerate(racers)))
        won = [number for number, line in enumerate(said) if line == "won 1"]
        assert len(won) == 1
        assert all(f"process {racers[won[0]].process.pid}" in line for line in said if line != "won 1")
    async with ledger_at(tmp_path / "l.db") as ledger:
        assert [run.id for run in await ledger.list_runs()] == [f"run-{won[0]}"]
        assert [entry.action for entry in await ledger.chain()] == ["ledger.begun"]


async def test_within_one_process_exactly_one_wins_too(tmp_path):
    """C7: two flows in one worker process are two runs: the second is refused like any other."""
    async with ledger_at(tmp_path / "l.db") as one, ledger_at(tmp_path / "l.db") as two:
        calls = [ledger.open_run(run_of(f"run-{number}"), lease_s=LEASE_S) for number in range(4) for ledger in (one, two)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results].count(WaveBusy) == 7


async def test_processes_share_the_shards_of_one_run_without_meeting(tmp_path):
    """C5: three processes lease and seal sixty shards: each is sealed once, by one of them."""
    begin_at(tmp_path / "l.db")
    async with actors(tmp_path / "l.db", 3) as lanes:
        for lane in lanes:
            await lane.ask("go")
        await lanes[0].ask("run", "run-1")
        said = await asyncio.gather(*(lane.ask("seal_all", "run-1") for lane in lanes))
        sealed = [shard for line in said for shard in line.split()[1:]]
        assert sorted(map(int, sealed)) == list(range(60))
    async with ledger_at(tmp_path / "l.db") as ledger:
        assert sorted(segment.shard for segment in await ledger.segments()) == list(range(60))


async def test_a_process_stopped_past_its_lease_is_replaced_and_its_facts_are_refused(tmp_path):
    """C6: a stopped process is alive, so its lease counts; once it ran out and was taken, what it says after waking is refused."""
    path = tmp_path / "l.db"
    clock = StillClock(time.time())
    async with actors(path, 1) as [stopped], ledger_at(path, clock) as ledger:
        for line in (("go",), ("run", "run-1"), ("shard", "run-1"), ("record", "1")):
            await stopped.ask(*line)
        stopped.send(signal.SIGSTOP)
        assert (await ledger.lease_shard("run-1", "copy", lease_s=LEASE_S)).shard == 1
        clock.seconds += LEASE_S + 60
        lease = await ledger.lease_shard("run-1", "copy", lease_s=LEASE_S)
        assert (lease.shard, lease.token) == (0, 2)
        stopped.send(signal.SIGCONT)
        assert await stopped.ask("record", "2") == "lost"
        assert await ledger.tail("run-1", "copy", 0) == (fact_of(1),)
