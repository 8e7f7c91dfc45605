"""Shards: leased to many lanes, fenced by tokens, their intents and facts kept until they are sealed."""

from __future__ import annotations

import sqlite3

import pytest

from connectors.ledger import leases
from connectors.ledger.batches import pack, unpack
from relocation.rules.errors import LeaseLost, StateMismatch
from relocation.rules.records import Fact, Intent, Lease, RunState, ShardTally
from tests.unit.ledger_cases import LEASE_S, NOWHERE, StillClock, dead, fact_of, intent_of, leased, ledger_at, run_of, segment_of


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


async def test_lanes_of_one_process_lease_one_shard_each_until_none_is_left(tmp_path, clock):
    """Several lanes share a run's shards without meeting; then there is nothing to lease."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        await ledger.open_run(run_of(), lease_s=LEASE_S)
        await ledger.add_shards("run-1", "copy", [(10, 1000), (20, 2000), (30, 3000)])
        taken = [await ledger.lease_shard("run-1", "copy", lease_s=LEASE_S) for _ in range(4)]
        assert [lease and lease.shard for lease in taken] == [0, 1, 2, None]
        await ledger.seal_shard(taken[0], segment_of(taken[0]))
        await ledger.release_shard(taken[1])
        assert await ledger.shard_tallies("run-1", "copy") == (
            ShardTally(0, "sealed", 10, 1000),
            ShardTally(1, "open", 20, 2000),
            ShardTally(2, "leased", 30, 3000),
        )
        again = await ledger.lease_shard("run-1", "copy", lease_s=LEASE_S)
        assert again is not None
        assert again.shard == 1
        assert again.token > taken[1].token


async def test_shards_are_recorded_once(tmp_path, clock):
    """Recording the same shards again changes nothing; others for the same run are refused."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger, shards=2)
        await ledger.add_shards("run-1", "copy", [(10, 1000), (10, 1000)])
        assert [tally.state for tally in await ledger.shard_tallies("run-1", "copy")] == ["leased", "open"]
        with pytest.raises(StateMismatch, match="begin a new run"):
            await ledger.add_shards("run-1", "copy", [(10, 1000)])
        await ledger.add_shards("run-1", "verify", [])
        assert await ledger.shard_tallies("run-1", "verify") == ()
        await ledger.record(lease, [fact_of(1)])


async def test_a_dead_lanes_shard_is_taken_at_once_a_far_ones_after_its_lease(tmp_path, clock):
    """C1, C5: shards of a killed process are free at once; those of a process elsewhere when their lease ran out."""
    path = tmp_path / "l.db"
    async with (
        ledger_at(path, clock, holder=dead()) as killed,
        ledger_at(path, clock, holder=NOWHERE) as far,
        ledger_at(path, clock) as near,
    ):
        _, first = await leased(killed, shards=3)
        second = await far.lease_shard("run-1", "copy", lease_s=LEASE_S)
        assert (first.shard, second and second.shard) == (0, 1)
        taken = [await near.lease_shard("run-1", "copy", lease_s=LEASE_S) for _ in range(3)]
        assert [lease and lease.shard for lease in taken] == [0, 2, None]
        clock.seconds += LEASE_S
        late = await near.lease_shard("run-1", "copy", lease_s=LEASE_S)
        assert late is not None
        assert late.token > first.token


def _writes(ledger, lease: Lease):
    """Every write under a shard's lease, by name."""
    return {
        "intend": lambda: ledger.intend(lease, [intent_of(9)]),
        "record": lambda: ledger.record(lease, [fact_of(9)]),
        "seal": lambda: ledger.seal_shard(lease, segment_of(lease)),
        "renew": lambda: ledger.renew(lease, lease_s=LEASE_S),
        "release": lambda: ledger.release_shard(lease),
    }


async def _everything(ledger):
    return (
        await ledger.intents("run-1", "copy", 0),
        await ledger.tail("run-1", "copy", 0),
        await ledger.segments(),
        await ledger.shard_tallies("run-1", "copy"),
    )


@pytest.mark.parametrize("write", ["intend", "record", "seal", "renew", "release"])
async def test_a_lane_that_wakes_after_its_lease_was_taken_changes_nothing(tmp_path, clock, write):
    """C6: whatever a stale lane says is refused as a whole, and names who holds the shard now."""
    async with ledger_at(tmp_path / "l.db", clock, holder=NOWHERE) as paused, ledger_at(tmp_path / "l.db", clock) as newer:
        _, old = await leased(paused)
        await paused.intend(old, [intent_of(1)])
        clock.seconds += LEASE_S
        lease = await newer.lease_shard("run-1", "copy", lease_s=LEASE_S)
        await newer.record(lease, [fact_of(1)])
        before = await _everything(newer)
        with pytest.raises(LeaseLost, match=r"here \(process \d+\) now \(token 2, ours was 1\)"):
            await _writes(paused, old)[write]()
        assert await _everything(newer) == before


@pytest.mark.parametrize("write", ["intend", "record", "seal", "renew", "release"])
async def test_a_released_lease_is_void(tmp_path, clock, write):
    """What was given back can't be written to, even while nobody else took it."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger)
        await ledger.release_shard(lease)
        with pytest.raises(LeaseLost, match="nobody"):
            await _writes(ledger, lease)[write]()


@pytest.mark.parametrize("write", ["intend", "record", "renew", "release"])
async def test_a_sealed_shard_takes_no_more(tmp_path, clock, write):
    """A sealed shard is closed for good, for its own lane too."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger)
        await ledger.seal_shard(lease, segment_of(lease))
        with pytest.raises(LeaseLost, match="sealed"):
            await _writes(ledger, lease)[write]()
        assert await ledger.lease_shard("run-1", "copy", lease_s=LEASE_S) is None


async def test_without_the_token_check_a_stale_lane_would_write(tmp_path, clock, monkeypatch):
    """Negative control: take the check out, and the stale lane's facts are recorded."""
    monkeypatch.setattr(leases, "hold", lambda _connection, _lease: None)
    async with ledger_at(tmp_path / "l.db", clock, holder=NOWHERE) as paused, ledger_at(tmp_path / "l.db", clock) as newer:
        _, old = await leased(paused)
        clock.seconds += LEASE_S
        await newer.lease_shard("run-1", "copy", lease_s=LEASE_S)
        await paused.record(old, [fact_of(1)])
        assert await newer.tail("run-1", "copy", 0) == (fact_of(1),)


async def test_a_slow_lane_that_nobody_replaced_may_go_on(tmp_path, clock):
    """A lease that ran out is still the newest until somebody takes it: its work is not thrown away."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger)
        clock.seconds += 10 * LEASE_S
        assert [tally.state for tally in await ledger.shard_tallies("run-1", "copy")] == ["open"]
        await ledger.record(lease, [fact_of(1)])
        lease = await ledger.renew(lease, lease_s=LEASE_S)
        assert lease.expires_at == clock.now() + LEASE_S
        assert [tally.state for tally in await ledger.shard_tallies("run-1", "copy")] == ["leased"]


async def test_intents_and_facts_come_back_as_they_were_recorded(tmp_path, clock):
    """D31: keys with any characters, batch after batch, in their order."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger)
        await ledger.intend(lease, [intent_of(number) for number in range(256)])
        await ledger.intend(lease, [intent_of(256)._replace(target_key='\x00\x1f"\\ e\u0301 \U0001f600')])
        await ledger.record(lease, [fact_of(number) for number in range(256)])
        await ledger.record(lease, [])
        intents = await ledger.intents("run-1", "copy", 0)
        assert intents[:256] == tuple(intent_of(number) for number in range(256))
        assert intents[256].target_key == '\x00\x1f"\\ e\u0301 \U0001f600'
        assert await ledger.tail("run-1", "copy", 0) == tuple(fact_of(number) for number in range(256))
        assert await ledger.tail("run-1", "verify", 0) == await ledger.tail("run-1", "copy", 1) == ()


async def test_an_amended_intent_and_a_later_fact_take_the_place_of_the_earlier(tmp_path, clock):
    """One word an object: the last that was said of it."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger)
        await ledger.intend(lease, [intent_of(1, etag=""), intent_of(2)])
        await ledger.intend(lease, [intent_of(1, etag="foretold")])
        assert await ledger.intents("run-1", "copy", 0) == (intent_of(1, etag="foretold"), intent_of(2))
        await ledger.record(lease, [fact_of(1, outcome="failed", target_etag=""), fact_of(2)])
        await ledger.record(lease, [fact_of(1), fact_of(1, source_version_id="older")])
        assert await ledger.tail("run-1", "copy", 0) == (fact_of(1), fact_of(2), fact_of(1, source_version_id="older"))


async def test_sealing_records_the_segment_and_drops_what_it_was_made_from(tmp_path, clock):
    """Facts move to the vault: the ledger keeps one row a shard, in the order of sealing."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, first = await leased(ledger, shards=2)
        second = await ledger.lease_shard("run-1", "copy", lease_s=LEASE_S)
        for lease in (first, second):
            await ledger.intend(lease, [intent_of(lease.shard)])
            await ledger.record(lease, [fact_of(lease.shard)])
        await ledger.seal_shard(second, segment_of(second))
        assert await ledger.tail("run-1", "copy", 1) == await ledger.intents("run-1", "copy", 1) == ()
        assert await ledger.tail("run-1", "copy", 0) == (fact_of(0),)
        await ledger.seal_shard(first, segment_of(first))
        assert await ledger.segments(run_id="run-1", stage="copy") == (segment_of(second), segment_of(first))
        assert await ledger.segments(category="albums") == await ledger.segments(stage="verify") == ()
        assert len(await ledger.segments(category="talk-images")) == 2
    connection = sqlite3.connect(tmp_path / "l.db")
    counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("intents", "tails")]
    connection.close()
    assert counts == [0, 0]


async def test_sealing_twice_with_the_same_segment_changes_nothing(tmp_path, clock):
    """S14: a lane that does not know whether its seal was recorded may say it again; another segment is refused."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger)
        await ledger.seal_shard(lease, segment_of(lease))
        await ledger.seal_shard(lease, segment_of(lease))
        assert await ledger.segments() == (segment_of(lease),)
        with pytest.raises(LeaseLost, match="another segment"):
            await ledger.seal_shard(lease, segment_of(lease, root="x" * 64))


async def test_a_segment_of_another_shard_is_refused(tmp_path, clock):
    """A lease seals its own shard only."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger, shards=2)
        with pytest.raises(StateMismatch, match="is of shard 1"):
            await ledger.seal_shard(lease, segment_of(lease, shard=1))
        assert await ledger.segments() == ()


@pytest.mark.parametrize("state", list(RunState))
async def test_what_an_ended_run_did_not_seal_still_says_what_is_ours(tmp_path, clock, state):
    """D31: intents and tails of failed, abandoned and even `done` runs stay, of any age, until their shard is sealed."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        wave, lease = await leased(ledger)
        await ledger.intend(lease, [intent_of(1), intent_of(2)])
        await ledger.record(lease, [fact_of(1)])
        await ledger.release_shard(lease)
        await ledger.close_run(wave, run_of(state=state))
        clock.seconds += 400 * 86_400
        await leased(ledger, run=run_of("run-2"))
        assert {(one.target_key, one.expected_etag) for one in await ledger.open_intents("talk-images")} == {
            (intent_of(1).target_key, "target-1"),
            (intent_of(2).target_key, "target-2"),
        }
        assert await ledger.open_tails("talk-images") == (fact_of(1),)
        assert await ledger.open_intents("albums") == await ledger.open_tails("albums") == ()


async def test_open_intents_hold_every_etag_that_may_stand_at_the_target(tmp_path, clock):
    """D31: an amendment does not withdraw what was foretold before it, for it may have been written; a fact adds its own."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger)
        await ledger.intend(lease, [intent_of(1, etag="first"), intent_of(2, etag=""), intent_of(3, etag="")])
        await ledger.intend(lease, [intent_of(1, etag="second")])
        await ledger.record(lease, [fact_of(2, target_etag="seen")])
        found = {(one.target_key, one.expected_etag) for one in await ledger.open_intents("talk-images")}
        assert found == {
            (intent_of(1).target_key, "first"),
            (intent_of(1).target_key, "second"),
            (intent_of(2).target_key, "seen"),
            (intent_of(3).target_key, ""),
        }


@pytest.mark.parametrize(
    "fact",
    [
        fact_of(1, outcome="conflicted", target_etag="theirs"),
        fact_of(1, outcome="verified", target_etag="theirs", ours=False),
        fact_of(1, outcome="failed", target_etag="theirs"),
        fact_of(1, target_etag=""),
    ],
    ids=["a conflict", "proved, not ours", "failed", "no etag"],
)
async def test_what_we_only_looked_at_is_not_called_ours(tmp_path, clock, fact):
    """I3: an object that somebody else wrote never becomes ours by a fact about it."""
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        _, lease = await leased(ledger)
        await ledger.record(lease, [fact])
        assert await ledger.open_intents("talk-images") == ()


def test_a_batch_of_a_program_that_knew_fewer_fields_is_read_with_defaults():
    """An upgrade in the middle of a shard loses nothing."""
    older = fact_of(1)._replace(ours=True, attributes_sha256="")
    import json
    import zlib

    names, row = json.loads(zlib.decompress(pack([older], Fact)))
    keep = [index for index, name in enumerate(names) if name not in {"ours", "attributes_sha256"}]
    data = zlib.compress(json.dumps([[names[index] for index in keep], [row[index] for index in keep]]).encode())
    assert unpack(data, Fact) == [older]


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"no zlib", "can't be read"), (pack([fact_of(1)], Fact)[:-9], "can't be read"), (pack([fact_of(1)], Fact), "newer hikkoshi")],
    ids=["no batch", "cut", "unknown fields"],
)
def test_a_batch_that_is_not_understood_is_refused(data, said):
    """C10: no field is dropped in silence."""
    with pytest.raises(StateMismatch, match=said):
        unpack(data, Intent)
