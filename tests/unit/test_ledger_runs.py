"""Runs and waves: one holder at a time, a dead one replaced, a stale one refused; probes and the audit chain beside them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from dataclasses import replace

import pytest

from relocation.rules.errors import LeaseLost, StateMismatch, WaveBusy
from relocation.rules.evidence import sha256_of, verify_chain
from relocation.rules.records import Lease, RunState
from tests.unit.ledger_cases import LEASE_S, NOWHERE, StillClock, answers_of, dead, ledger_at, run_of


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


async def test_a_run_is_recorded_open_and_read_back(tmp_path, clock):
    """What a run says of itself is kept, field by field, from its first moment."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        run, lease = await ledger.open_run(run_of(state="done"), lease_s=LEASE_S)
        assert run == run_of(state=RunState.OPEN)
        assert lease == Lease("run-1", "", -1, 1, clock.now() + LEASE_S)
        planned = replace(run, stage="plan", plan_sha256="p" * 64, document="runs/run-1/plan.json", summary='{"a": 1}')
        await ledger.update_run(lease, planned)
        assert await ledger.get_run("run-1") == planned
        await ledger.close_run(lease, replace(planned, state=RunState.DONE))
        assert await ledger.list_runs() == (replace(planned, state=RunState.DONE),)
        assert await ledger.get_run("run-2") is None


async def test_a_wave_that_is_being_run_is_refused_with_who_where_since_when_and_what_to_do(tmp_path, clock):
    """C7: the second operator is told who runs the wave, on which machine and process, since when, and how to stop it."""
    async with ledger_at(tmp_path / "l.db", clock, holder=NOWHERE) as first, ledger_at(tmp_path / "l.db", clock) as second:
        await first.open_run(run_of(who="sato"), lease_s=LEASE_S)
        with pytest.raises(WaveBusy) as refusal:
            await second.open_run(run_of("run-2", who="kim"), lease_s=LEASE_S)
        said = str(refusal.value)
        for word in ("sato", "elsewhere", "4242", "run-1", "talk-images", "2021-06-01 00:00:00 UTC", "Ctrl-C", "kill 4242"):
            assert word in said
        assert await second.get_run("run-2") is None
        assert len(await second.list_runs()) == 1


async def test_other_waves_go_on_beside_it(tmp_path, clock):
    """A lease covers one wave of one category, nothing else."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        await ledger.open_run(run_of("a"), lease_s=LEASE_S)
        await ledger.open_run(run_of("b", wave="first"), lease_s=LEASE_S)
        await ledger.open_run(run_of("c", category="albums"), lease_s=LEASE_S)
        assert [run.id for run in await ledger.list_runs()] == ["c", "b", "a"]
        assert [run.id for run in await ledger.list_runs(category="talk-images", limit=1)] == ["b"]


async def test_a_dead_holder_on_this_machine_is_replaced_at_once(tmp_path, clock):
    """C1: after a kill nobody waits for a lease to run out; the new token is larger, the old lease is void."""
    async with ledger_at(tmp_path / "l.db", clock, holder=dead()) as killed, ledger_at(tmp_path / "l.db", clock) as next_one:
        _, old = await killed.open_run(run_of(), lease_s=LEASE_S)
        run, lease = await next_one.open_run(run_of(), lease_s=LEASE_S)
        assert (run.id, lease.token) == ("run-1", old.token + 1)
        with pytest.raises(LeaseLost):
            await killed.update_run(old, run)


async def test_a_holder_elsewhere_is_replaced_only_after_its_lease_ran_out(tmp_path, clock):
    """C5: of another machine's process nothing is known but its lease."""
    async with ledger_at(tmp_path / "l.db", clock, holder=NOWHERE) as far, ledger_at(tmp_path / "l.db", clock) as near:
        run, old = await far.open_run(run_of(), lease_s=LEASE_S)
        clock.seconds += LEASE_S - 1
        with pytest.raises(WaveBusy):
            await near.open_run(run_of("run-2"), lease_s=LEASE_S)
        old = await far.renew(old, lease_s=LEASE_S)
        clock.seconds += LEASE_S - 1
        with pytest.raises(WaveBusy):
            await near.open_run(run_of("run-2"), lease_s=LEASE_S)
        clock.seconds += 1
        _, lease = await near.open_run(run_of("run-2"), lease_s=LEASE_S)
        assert lease.token == old.token + 1
        for call in (far.update_run(old, run), far.close_run(old, run), far.renew(old, lease_s=LEASE_S)):
            with pytest.raises(LeaseLost):
                await call


async def test_a_paused_run_that_wakes_changes_nothing(tmp_path, clock):
    """C6: a stale run says `done` after another took over its very run: refused, and the record is as the newer one left it."""
    async with ledger_at(tmp_path / "l.db", clock, holder=NOWHERE) as paused, ledger_at(tmp_path / "l.db", clock) as newer:
        run, old = await paused.open_run(run_of(), lease_s=LEASE_S)
        clock.seconds += LEASE_S
        _, lease = await newer.open_run(run_of(), lease_s=LEASE_S)
        with pytest.raises(LeaseLost, match="token 2, ours was 1"):
            await paused.close_run(old, replace(run, state=RunState.DONE))
        assert (await newer.get_run("run-1")) == run
        await newer.update_run(lease, replace(run, stage="copy"))


async def test_a_lease_that_was_given_back_is_void(tmp_path, clock):
    """After `close_run` the wave is free for anybody, and the closed lease can't write any more."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        run, lease = await ledger.open_run(run_of(), lease_s=LEASE_S)
        await ledger.close_run(lease, replace(run, state=RunState.FAILED))
        with pytest.raises(LeaseLost):
            await ledger.update_run(lease, run)
        _, again = await ledger.open_run(run_of("run-2"), lease_s=LEASE_S)
        assert again.token > lease.token


async def test_a_lease_of_one_run_does_not_cover_another(tmp_path, clock):
    """A run is written under its own wave's lease only."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await ledger.open_run(run_of("a"), lease_s=LEASE_S)
        other, _ = await ledger.open_run(run_of("b", wave="first"), lease_s=LEASE_S)
        with pytest.raises(StateMismatch, match="does not cover"):
            await ledger.update_run(lease, other)


@pytest.mark.parametrize("state", [RunState.OPEN, RunState.FAILED])
async def test_an_unfinished_run_is_gone_on_with_under_its_id(tmp_path, clock, state):
    """A stopped or failed run keeps its id, its plan and its beginning when it is gone on with."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        run, lease = await ledger.open_run(run_of(), lease_s=LEASE_S)
        stopped = replace(run, state=state, plan_sha256="p" * 64)
        await ledger.close_run(lease, stopped)
        again, _ = await ledger.open_run(run_of(who="kim"), lease_s=LEASE_S)
        assert again == replace(stopped, state=RunState.OPEN)


@pytest.mark.parametrize("state", [RunState.DONE, RunState.ABANDONED])
async def test_a_finished_run_is_never_gone_on_with(tmp_path, clock, state):
    """A new run gets a new id; and the refusal leaves the wave free."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        run, lease = await ledger.open_run(run_of(), lease_s=LEASE_S)
        await ledger.close_run(lease, replace(run, state=state))
        with pytest.raises(StateMismatch, match="can't be gone on with"):
            await ledger.open_run(run_of(), lease_s=LEASE_S)
        await ledger.open_run(run_of("run-2"), lease_s=LEASE_S)


async def test_a_run_id_is_of_one_wave(tmp_path, clock):
    """An id that is recorded for another wave is refused: facts are found by it."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        await ledger.open_run(run_of(), lease_s=LEASE_S)
        with pytest.raises(StateMismatch, match="an id of its own"):
            await ledger.open_run(run_of(wave="first"), lease_s=LEASE_S)


async def test_only_the_newest_open_run_with_a_sealed_plan_and_the_same_configuration_is_unfinished(tmp_path, clock):
    """C9: a run without a plan, of another configuration, of a dry run, or older than one that is done, is not gone on with."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:

        async def close(run_id: str, **changes: str) -> None:
            run, lease = await ledger.open_run(run_of(run_id), lease_s=LEASE_S)
            await ledger.close_run(lease, replace(run, **{"plan_sha256": "p" * 64, "state": RunState.OPEN, **changes}))

        async def unfinished() -> str:
            run = await ledger.unfinished_run("talk-images", "all", "c" * 64)
            return run.id if run else ""

        await close("no-plan", plan_sha256="")
        await close("other-configuration", config_sha256="d" * 64)
        await close("dry", kind="plan")
        await close("failed", state=RunState.FAILED)
        assert not await unfinished()
        await close("older")
        await close("newer")
        await close("no-plan-2", plan_sha256="")
        assert await unfinished() == "newer"
        await close("done", state=RunState.DONE)
        assert not await unfinished()


async def test_the_last_probe_of_a_bucket_is_found(tmp_path):
    """Answers come back as they were seen, the newest of each bucket."""
    async with ledger_at(tmp_path / "l.db") as ledger:
        assert await ledger.last_probe("korea", "talk") is None
        for at in ("2021-06-01T00:00:00Z", "2021-06-02T00:00:00Z"):
            await ledger.save_probe(answers_of(at))
        await ledger.save_probe(replace(answers_of("2021-06-03T00:00:00Z"), bucket="albums"))
        assert await ledger.last_probe("korea", "talk") == answers_of("2021-06-02T00:00:00Z")


async def test_two_programs_write_one_audit_chain_without_a_fork(tmp_path):
    """C7: links from several programs follow each other; the first names the migration, and the whole chain verifies."""
    async with ledger_at(tmp_path / "l.db") as one, ledger_at(tmp_path / "l.db") as two:
        calls = [
            ledger.audit("plan.sealed", f"talk-images/{n}", sha256_of(n), actor="sato") for n in range(10) for ledger in (one, two)
        ]
        hashes = await asyncio.gather(*calls)
        links = await one.chain()
        assert [entry.seq for entry in links] == list(range(1, 22))
        assert (links[0].action, links[0].subject) == ("ledger.begun", "korea-to-japan")
        assert {entry.sha256 for entry in links[1:]} == set(hashes)
        assert verify_chain(links) is None


async def test_a_link_that_was_changed_in_the_database_is_named(tmp_path):
    """Whoever edits the table itself is found out: the first bad link is named."""
    async with ledger_at(tmp_path / "l.db") as ledger:
        for number in range(5):
            await ledger.audit("plan.sealed", f"talk-images/{number}", sha256_of(number), actor="sato")
        connection = sqlite3.connect(tmp_path / "l.db")
        connection.execute("UPDATE audit SET actor = 'kim' WHERE seq = 4")
        connection.commit()
        connection.close()
        broken = verify_chain(await ledger.chain())
        assert broken is not None
        assert broken.seq == 4


class HeldClock(StillClock):
    """A clock that holds whoever asks for the time, once it is told to, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()
        self.go.set()

    def now(self) -> float:
        if not self.go.is_set():
            self.asked.set()
            assert self.go.wait(30)
        return super().now()


async def test_a_cancelled_call_has_ended_before_its_cancellation(tmp_path):
    """C2: a stop waits for the transaction that is under way, and what was not begun never begins."""
    clock = HeldClock()
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        clock.go.clear()
        calls = [asyncio.create_task(ledger.audit("a", subject, "0" * 64, actor="x")) for subject in ("under way", "not begun")]
        await asyncio.to_thread(clock.asked.wait, 30)
        for call in calls:
            call.cancel()
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert (done, waiting) == ({calls[1]}, {calls[0]})
        clock.go.set()
        await asyncio.wait(calls)
        assert all(call.cancelled() for call in calls)
        assert [entry.subject for entry in await ledger.chain()] == ["korea-to-japan", "under way"]
