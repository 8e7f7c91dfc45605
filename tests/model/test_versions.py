"""All versions of an object come home, in their order, with their markers, where the policy says so (D12; I1, I3, I4, I5)."""

from __future__ import annotations

import contextlib
import os
import random
from dataclasses import replace

import pytest

from connectors.memory import MemoryStore
from relocation.rules.errors import Forbidden, Refusal, Unreachable
from relocation.settings import Policy
from relocation.stages import copy_versions, versions
from relocation.stages.wave import WaveRequest, dry_run
from tests.model.world import PART, Mortal, SimulatedKill, World, put_in_parts

SEED = int(os.environ.get("HIKKOSHI_SEED", "20261122"))
KILLS = int(os.environ.get("HIKKOSHI_KILLS", "5"))


async def made(folder, *, policy: str = "all", seeded: bool = True, source: str = "Enabled", **options) -> World:
    """Return a world whose source keeps versions, with a small history of every kind."""
    world = World.made(folder, **options)
    category = world.settings.categories["talk"].model_copy(update={"policy": Policy(versions=policy)})
    world.settings = world.settings.model_copy(update={"categories": {"talk": category}})
    world.korea.buckets["talk"].versioning = source
    if seeded:
        await write(world, "a", b"1", b"22", b"22", None, b"333")
        await write(world, "b", b"x", None, None)
        await write(world, "c", None)
        await write(world, "d", b"alone")
        for letter in (b"y", b"z"):
            await put_in_parts(world.store(), "talk", "video", [letter * (PART + 9), b"end"])
    await world.probe()
    return world


async def write(world: World, key: str, *bodies: bytes | None, side: str = "korea") -> None:
    """Write versions of a key, one after the other; a delete marker for None."""
    for body in bodies:
        if body is None:
            await world.store(side).delete("talk", key)
        else:
            await world.store(side).put("talk", key, body)


def histories(world: World, side: str) -> dict[str, list[bytes | None]]:
    """Return every key's versions, the oldest first, a delete marker as None."""
    bucket = {"korea": world.korea, "japan": world.japan}[side].buckets["talk"]
    found = {key: [None if each.marker else each.data for each in kept] for key, kept in bucket.keys.items()}
    return {key: bodies for key, bodies in found.items() if not key.startswith("hikkoshi-canary")}


def counted(summary) -> dict[str, int]:
    return {name: count.objects for name, count in summary.histories.counts.items()}


def assert_home(world: World, summary, where: str = "") -> None:
    assert histories(world, "japan") == histories(world, "korea"), where
    assert summary.outcomes["verified"].objects == summary.counts["listed"].objects, where
    assert all(equation.holds for equation in summary.equations), where
    left = (summary.failed, summary.conflicts, summary.foreign, summary.gone, summary.drifted, summary.remove, summary.mismatched)
    assert [named for each in left for named in each] == [], where


async def test_every_version_comes_home_in_its_order_and_a_second_run_writes_nothing(tmp_path):
    """D12: the target's history is the source's, each version is read back by its own id, then nothing is left to write (I5)."""
    world = await made(tmp_path)
    summary = await world.run()
    assert_home(world, summary)
    assert counted(summary) == {
        "objects": 3,
        "objects_verified": 3,
        "former_versions": 5,
        "former_versions_verified": 5,
        "delete_markers": 4,
        "delete_markers_verified": 4,
    }
    assert summary.proofs["read_back"] == summary.proofs["same_etag"] == 8
    world.forget_calls()
    again = await world.run()
    assert again.counts["keep"] == again.counts["listed"]
    assert_home(world, again)
    assert world.writes("japan") == world.writes("korea") == []
    assert_home(world, await world.verify())


async def test_nobody_but_the_remover_writes_a_marker(tmp_path):
    """D12, I2: copying writes no delete marker; the remover does, without a version id, so that nothing is deleted."""
    world = await made(tmp_path)
    await world.run()
    deletes = [call for call in (*world.korea.calls, *world.japan.calls) if "Delete" in call.action and call.bucket == "talk"]
    assert len(deletes) == 4
    assert {(call.role, call.action) for call in deletes} == {("remover", "s3:DeleteObject")}


async def test_any_interleaving_of_versions_and_markers_comes_home_wave_after_wave(tmp_path):
    """D12: histories at random, equal bodies included, that grow between runs: after each run the target's equal the source's."""
    world = await made(tmp_path, seeded=False, shard_objects=3)
    random_ = random.Random(SEED)
    for _ in range(4):
        for _ in range(12):
            await write(world, random_.choice("abcd"), random_.choice((b"", b"1", b"1", b"22", None)))
        assert_home(world, await world.run(), f"seed {SEED}")


async def _killed(folder, step: int, mode: str) -> tuple[World, Mortal]:
    world = await made(folder)
    mortal = Mortal(dies_at=step, mode=mode)
    world.watch(mortal)
    with contextlib.suppress(SimulatedKill):
        await world.run()
    world.revive()
    return world, mortal


@pytest.mark.timeout(290)
async def test_a_run_of_versions_killed_at_any_step_converges(tmp_path):
    """D12, D31: after a kill before or after any call the next run goes on where it was; no version and no marker is doubled."""
    world, mortal = await _killed(tmp_path / "counted", 0, "before")
    steps = mortal.steps
    chosen = random.Random(SEED).sample([(step, mode) for step in range(1, steps + 1) for mode in ("before", "after")], KILLS)
    writes = [number for number, what in enumerate(mortal.log, 1) if what.startswith(("s3:Put", "s3:Delete"))]
    chosen += [(step, "after") for step in random.Random(SEED).sample(writes, min(4, len(writes)))]
    for step, mode in chosen:
        world, mortal = await _killed(tmp_path / f"{step}-{mode}", step, mode)
        where = f"seed {SEED}: killed {mode} step {step} of {steps}, {mortal.log[-1]}"
        assert_home(world, await world.run(), where)
        assert not world.japan.buckets["talk"].uploads, where


async def test_without_facts_what_is_there_is_proved_and_not_written_again(tmp_path):
    """D12: after ledger and vault are lost, each version is compared in its place; nothing is written, nothing is guessed."""
    world = await made(tmp_path)
    await world.run()
    (world.folder / "ledger.db").unlink()
    world.japan.make_bucket("evidence", object_lock=True)
    await world.probe()
    summary = await world.run()
    assert summary.counts["prove"] == summary.counts["listed"]
    assert_home(world, summary)
    assert world.writes("japan") == []


async def test_without_facts_other_bytes_in_a_versions_place_are_a_conflict(tmp_path):
    """D12: where what can be compared differs, it is a conflict, and nothing is written on top."""
    world = await made(tmp_path, seeded=False)
    await write(world, "a", b"1", b"2", b"3")
    await write(world, "a", b"1", b"!", side="japan")
    summary = await world.run()
    assert histories(world, "japan")["a"] == [b"1", b"!"]
    assert summary.outcomes["verified"].objects == 1
    assert summary.outcomes["conflicted"].objects == 1
    assert summary.outcomes["failed"].objects == 1
    assert "comes before it" in summary.failed[0].reason


@pytest.mark.parametrize("theirs", [(b"theirs",), (b"1", b"theirs", b"22"), (b"1", None)])
async def test_a_foreign_version_in_the_history_is_a_conflict_and_other_keys_come_home(tmp_path, theirs):
    """D12, I3: beneath, between or on top: what somebody else wrote stays, nothing goes on top of it, and it is named."""
    world = await made(tmp_path)
    await write(world, "a", *theirs, side="japan")
    summary = await world.run()
    assert histories(world, "japan")["a"] == [*theirs]
    assert "a" in {named.key for named in (*summary.conflicts, *summary.failed)}
    japan, korea = histories(world, "japan"), histories(world, "korea")
    assert {key: japan[key] for key in "bcd"} == {key: korea[key] for key in "bcd"}


async def test_what_somebody_wrote_on_top_afterwards_is_a_conflict(tmp_path):
    """D12: a foreign version on top of a history that was brought home is named, and the next version does not cover it."""
    world = await made(tmp_path)
    await world.run()
    await write(world, "d", b"theirs", side="japan")
    assert [named.key for named in (await world.run()).conflicts] == ["d"]
    await write(world, "d", b"newer")
    assert [named.key for named in (await world.run()).conflicts] == ["d"]
    assert histories(world, "japan")["d"] == [b"alone", b"theirs"]


async def test_a_version_that_appears_meanwhile_is_the_next_runs(tmp_path):
    """D1, D12: a run brings what was planned, by its version ids; what was written since follows in the next one, on top."""
    world = await made(tmp_path)

    async def meanwhile(call) -> None:
        if call.role == "writer" and call.key == "d":
            world.japan.before = None
            await write(world, "d", b"newer", None)

    world.japan.before = meanwhile
    summary = await world.run()
    assert histories(world, "japan")["d"] == [b"alone"]
    assert summary.outcomes["verified"] == summary.counts["listed"]
    assert_home(world, await world.run())


async def test_a_version_that_the_source_dropped_meanwhile_is_gone_and_the_rest_follows(tmp_path):
    """D12: an expired version is `gone`; those after it are written all the same, since the source's history is theirs alone."""
    world = await made(tmp_path, seeded=False)
    await write(world, "a", b"1", b"22", None, b"333")
    oldest = world.korea.buckets["talk"].keys["a"][0].version_id
    marker = world.korea.buckets["talk"].keys["a"][2].version_id

    async def meanwhile(call) -> None:
        if call.action == "s3:GetObject":
            world.korea.before = None
            for version_id in (oldest, marker):
                await world.store().delete("talk", "a", version_id=version_id)

    world.korea.before = meanwhile
    summary = await world.run()
    assert histories(world, "japan")["a"] == [b"22", b"333"]
    assert summary.outcomes["gone"].objects == 2
    assert_home(world, await world.run())


async def test_what_can_not_be_read_keeps_what_is_newer_from_being_written(tmp_path, monkeypatch):
    """D12: order before progress: on top of a version that failed nothing is written, and the report says why."""
    world = await made(tmp_path, seeded=False)
    await write(world, "a", b"1", b"22", None)
    await write(world, "b", b"b")
    get = MemoryStore.get

    async def damaged(self, bucket, key, into, **asked):
        if self.endpoint == "korea" and len(into) == 1 and key == "a":
            raise Forbidden("korea: role reader may not s3:GetObjectVersion")
        return await get(self, bucket, key, into, **asked)

    monkeypatch.setattr(MemoryStore, "get", damaged)
    summary = await world.run()
    assert histories(world, "japan") == {"b": [b"b"]}
    assert [named.key for named in summary.failed] == ["a"] * 3
    monkeypatch.undo()
    assert_home(world, await world.run())


@pytest.mark.parametrize("key", ["a", "b"])
async def test_a_lost_answer_doubles_neither_a_version_nor_a_marker(tmp_path, key):
    """N10, D12: a write whose answer was lost is looked for before it is tried again, where no condition tells twins apart."""
    world = await made(tmp_path, seeded=False)
    await write(world, "a", b"22", b"22", b"22")
    await write(world, "b", b"x", None, None)
    lost: list[int] = []

    async def after(call) -> None:
        if call.key == key and call.action in {"s3:PutObject", "s3:DeleteObject"} and len(lost) < 3:
            lost.append(1)
            raise Unreachable("japan: the answer was lost")

    world.japan.after = after
    summary = await world.run()
    world.japan.after = None
    assert len(lost) == 3
    assert_home(world, summary)


async def test_without_looking_first_a_lost_answer_would_double_a_marker(tmp_path, monkeypatch):
    """Negative control: what keeps a marker from being laid twice is the look before the second try."""
    world = await made(tmp_path, seeded=False)
    await write(world, "b", b"x", None)
    delete = MemoryStore.delete

    async def twice(self, bucket, key, **asked):
        await delete(self, bucket, key, **asked)
        if self.role == "remover":
            await delete(self, bucket, key, **asked)

    monkeypatch.setattr(MemoryStore, "delete", twice)
    summary = await world.run()
    assert histories(world, "japan")["b"] == [b"x", None, None]
    assert [named.key for named in summary.conflicts] == ["b"]


async def test_where_a_store_keeps_one_marker_for_several_it_is_a_declared_loss(tmp_path, monkeypatch):
    """D12: a target that lays no marker on top of a marker shares one, which is said; a second run lays none again."""
    world = await made(tmp_path, seeded=False)
    await write(world, "b", b"x", None, None, None, b"y")
    await write(world, "c", None, None)
    delete = MemoryStore.delete

    async def once(self, bucket, key, **asked):
        found = self.service.buckets[bucket].keys.get(key)
        if not (found and found[-1].marker and self.role == "remover"):
            await delete(self, bucket, key, **asked)

    monkeypatch.setattr(MemoryStore, "delete", once)
    summary = await world.run()
    assert histories(world, "japan") == {"b": [b"x", None, b"y"], "c": [None]}
    assert summary.outcomes["verified"].objects == summary.counts["listed"].objects == 7
    assert summary.losses == {copy_versions.ONE_FOR_SEVERAL: 3}
    world.forget_calls()
    again = await world.run()
    assert again.counts["keep"] == again.counts["listed"] == again.outcomes["verified"]
    assert world.writes("japan") == []
    await write(world, "c", None, b"z")
    await world.run()
    assert histories(world, "japan")["c"] == [None, b"z"]


async def _reordered(folder, monkeypatch, order) -> tuple[World, object]:
    world = await made(folder, seeded=False)
    await write(world, "a", b"1", None, b"333")
    draw = versions.draw_versions

    async def other(context, category, wave):
        drawn = await draw(context, category, wave)
        return replace(drawn, pieces=in_that_order(drawn.pieces))

    async def in_that_order(pieces):
        async for piece in pieces:
            yield replace(piece, rows=order(piece.rows))

    monkeypatch.setattr("relocation.stages.wave_run.draw_versions", other)
    summary = await world.run()
    monkeypatch.undo()
    return world, summary


@pytest.mark.parametrize(
    "order",
    [lambda rows: rows[::-1], lambda rows: sorted(rows, key=lambda row: row.source_etag)],
    ids=["reversed", "markers first"],
)
async def test_a_plan_in_another_order_is_noticed_by_the_next_run(tmp_path, monkeypatch, order):
    """Negative control: written newest first, or markers first, the histories differ, and the next run names the conflict."""
    world, _ = await _reordered(tmp_path, monkeypatch, order)
    assert histories(world, "japan")["a"] != histories(world, "korea")["a"]
    again = await world.run()
    assert "a" in {named.key for named in again.conflicts}


async def test_without_the_version_id_the_latest_would_be_read(tmp_path, monkeypatch):
    """Negative control: what reads a former version is its id; without, If-Match finds another one, and nothing is written."""
    monkeypatch.setattr(copy_versions, "pinned", lambda store, _version_id: store)
    world = await made(tmp_path, seeded=False)
    await write(world, "a", b"1", b"22")
    summary = await world.run()
    assert [named.key for named in summary.drifted] == ["a"]
    assert histories(world, "japan") == {}


async def test_a_target_that_keeps_no_versions_is_refused(tmp_path):
    """D12: without versioning at the target each version would take the place of the one before: refused at plan."""
    world = await made(tmp_path, versioned=False)
    with pytest.raises(Refusal, match=r"versioning of japan/talk is off.*Turn versioning on"):
        await world.run()
    assert histories(world, "japan") == {}


async def test_a_source_whose_versions_can_not_be_listed_is_refused(tmp_path, monkeypatch):
    """D12: a reader without the right to list versions is named at plan, with the right that is missing."""
    world = await made(tmp_path)

    async def forbidden(self, bucket, **asked):
        raise Forbidden(f"{self.endpoint}: role {self.role} may not s3:ListBucketVersions on {bucket}")

    monkeypatch.setattr(MemoryStore, "list_versions", forbidden)
    async with world.context() as context:
        with pytest.raises(Refusal, match=r"can't be listed.*s3:ListBucketVersions"):
            await dry_run(context, WaveRequest("talk", "all"))


async def test_markers_without_a_remover_are_refused_at_plan(tmp_path, monkeypatch):
    """D12: where nobody has the right to lay a marker, the plan says so before the first byte; without markers nobody is asked."""
    world = await made(tmp_path, seeded=False)
    await write(world, "a", b"1", b"22")

    def of(self, endpoint, role, **_options):
        if role == "remover":
            raise Refusal("endpoints.japan.credentials.remover is not configured")
        return MemoryStore(self._services[endpoint], role)

    monkeypatch.setattr("tests.model.world.MemoryStores.of", of)
    assert_home(world, await world.run())
    await write(world, "a", None)
    with pytest.raises(Refusal, match=r"credentials\.remover"):
        await world.run()


async def test_where_the_latest_alone_is_moved_the_report_says_what_stays_behind(tmp_path):
    """D12: by default former versions and markers are not moved, and are counted, so that nobody takes silence for none."""
    world = await made(tmp_path, policy="latest")
    summary = await world.run()
    assert world.bodies("japan") == world.bodies("korea") == {"a": b"333", "d": b"alone", "video": b"z" * (PART + 9) + b"end"}
    assert counted(summary) == {"former_versions": 5, "delete_markers": 4}
    assert [(text.partition(":")[0], number) for text, number in summary.declared.items()][-2:] == [
        ("former versions", 5),
        ("delete markers", 4),
    ]


async def test_what_stays_behind_and_can_not_be_counted_is_a_standing_unknown(tmp_path, monkeypatch):
    """D12: a reader that may not list versions moves the latest ones all the same, and the report says what nobody counted."""
    world = await made(tmp_path, policy="latest")

    async def forbidden(self, bucket, **asked):
        raise Forbidden(f"{self.endpoint}: role {self.role} may not s3:ListBucketVersions on {bucket}")

    monkeypatch.setattr(MemoryStore, "list_versions", forbidden)
    summary = await world.run()
    assert world.bodies("japan") == world.bodies("korea")
    assert any("could not be counted" in text for text in summary.unknown)


@pytest.mark.parametrize("source", ["", "Suspended"])
async def test_a_source_without_versions_has_histories_of_one(tmp_path, source):
    """D12: an unversioned or suspended source has version `null` alone, which comes home like any other."""
    world = await made(tmp_path, seeded=False, source=source)
    await write(world, "a", b"1", b"22")
    await write(world, "b", b"b")
    assert_home(world, await world.run())
    await write(world, "a", b"333")
    summary = await world.run()
    assert histories(world, "japan")["a"] == [b"22", b"333"]
    assert [named.key for named in summary.remove] == ["a"]


def test_versions_are_off_unless_the_policy_says_so():
    """What is signed today stays signed: the default is the latest version alone, and is not part of the configuration's hash."""
    assert Policy().versions == "latest"
    assert "versions" not in Policy().that_decides()
    assert Policy(versions="all").that_decides()["versions"] == "all"
