"""Catching up with a live source: passes, deletions that are followed, tags that no listing shows (D28, X13, V10, I1, I3, I5)."""

from __future__ import annotations

import contextlib
import os
import random

import pytest

from connectors.memory import Behaviour
from connectors.report.flow import _done
from relocation.rules.brief import brief_of
from relocation.rules.errors import Refusal, Transient
from relocation.rules.objects import Attributes
from relocation.rules.records import RouteRecord
from relocation.settings import Policy
from relocation.stages.wave import WaveRequest, run_wave
from tests.model.test_review import wrap
from tests.model.world import MemoryStores, Mortal, SimulatedKill, World, put_in_parts

SEED = int(os.environ.get("HIKKOSHI_SEED", "20261122"))
KILLS = int(os.environ.get("HIKKOSHI_KILLS", "2"))
PICTURE = "u0/写真 0.jpg"
OTHER = "u1/写真 1.jpg"


@pytest.fixture
async def world(tmp_path):
    made = World.made(tmp_path)
    await made.seed(plain=3)
    await made.probe()
    await made.run()
    made.forget_calls()
    return made


def with_policy(world: World, **changes) -> None:
    category = world.settings.categories["talk"]
    changed = category.model_copy(update={"policy": Policy(**changes)})
    world.settings = world.settings.model_copy(update={"categories": {"talk": changed}})


async def set_route(world: World, route: str, *, erased: bool = False) -> None:
    async with world.context() as context:
        sha256 = context.settings.category_named("talk").partition_sha256()
        await context.ledger.set_route(RouteRecord("talk", "all", route, erased=erased, partition_sha256=sha256))


# --- passes


async def test_a_pass_where_nothing_changed_writes_nothing_and_reads_no_body(world):
    """I5: one pass, whole, that looks at every object by HEAD: not one byte of a body is read, not one object written."""

    for side in (world.korea, world.japan):
        side.on_read = lambda bucket, *_: pytest.fail("a body was read") if bucket == "talk" else None
    summary = await world.catch_up()
    assert world.writes("japan") == world.writes("korea") == []
    assert len(summary.passes) == 1
    assert summary.passes[0].last
    assert summary.passes_end.startswith("the difference was small enough: 0 objects")
    assert all(equation.holds for equation in summary.equations)


async def test_what_a_pass_keeps_is_home_in_status_report_and_residency(world):
    """A regulator who reads the day after a catch-up sees everything at home that was home before, and what it brought."""
    await world.store().put("talk", "new", b"new")
    summary = await world.catch_up()
    listed = summary.counts["listed"]
    assert (summary.kept.objects, summary.outcomes["verified"].objects) == (listed.objects, 0)
    assert brief_of(summary).verified == listed
    assert brief_of(summary).proofs["read_back"] == brief_of(summary).proofs["received"] == listed.objects
    assert summary.proofs["read_back"] == 0, "the last pass itself read nothing"
    bands = {band.style: band.count for band in _done(summary)}
    assert (bands["keep"], bands["other"].objects) == (listed, 0)


async def test_what_was_never_read_back_or_is_gone_again_is_not_called_home_by_a_pass(world):
    """A pass keeps what was copied and never read back, and what vanished while it ran: neither counts as home, or as proved."""
    await world.store().put("talk", "new", b"new")
    async with world.context() as context:
        await run_wave(context, WaveRequest("talk", "all", until="copy"))
    rooms = brief_of(await world.catch_up(passes_max=1))
    assert (rooms.listed.objects - rooms.verified.objects, rooms.proofs["read_back"]) == (1, rooms.verified.objects)

    await world.run()
    listings = iter(range(100))

    async def vanish(call) -> None:
        if call.role == "reader" and call.action == "s3:ListBucket" and call.bucket == "talk" and next(listings) == 1:
            world.japan.before = None
            await world.store("japan").delete("talk", PICTURE)

    world.japan.before = vanish
    summary = await world.catch_up(passes_max=1)
    assert (summary.counts["keep"].objects - summary.kept.objects, summary.kept_proofs["read_back"]) == (1, summary.kept.objects)


async def test_what_changed_at_the_source_is_brought_level_and_what_came_and_went_too(world):
    """New, overwritten and deleted objects: after a catch-up the target shows what the source shows."""
    await world.store().put("talk", "new", b"new")
    await world.store().put("talk", PICTURE, b"another picture")
    await world.store().delete("talk", OTHER)
    summary = await world.catch_up()
    assert world.bodies("japan") == world.bodies("korea")
    assert [each.found.objects for each in summary.passes] == [3, 0]
    assert (summary.passes[0].copied.objects, summary.passes[0].removed.objects) == (2, 1)
    assert [each.last for each in summary.passes] == [False, True]


async def test_where_stores_need_a_time_to_settle_a_pass_reads_back_what_it_wrote_alone(tmp_path):
    """I5: the stage that reads back later reads nothing that was kept."""
    world = World.made(tmp_path, settle_s=0.5)
    await world.seed(plain=2)
    await world.probe()
    await world.run()
    await world.store().put("talk", "new", b"new")
    read: list[str] = []
    world.japan.on_read = lambda bucket, key, _body: read.append(key) if bucket == "talk" else None
    summary = await world.catch_up(passes_max=1)
    assert set(read) == {"new"}
    assert summary.outcomes["verified"].objects == 1


async def test_a_source_that_changes_as_fast_as_we_copy_ends_in_words(world):
    """A difference that does not shrink is not chased for ever: the last pass says so, and looks at everything all the same."""
    numbers = iter(range(100))

    async def before(call) -> None:
        if call.role == "reader" and call.action == "s3:ListBucket" and call.bucket == "talk":
            number = next(numbers)
            world.korea.before = None
            await world.store().put("talk", f"late {number}", b"x")
            world.korea.before = before

    world.korea.before = before
    summary = await world.catch_up()
    assert "stopped shrinking" in summary.passes_end
    assert len(summary.passes) == 2


async def test_no_more_passes_are_made_than_allowed(world):
    """One pass, if one is asked for: it says that it was the last for that reason."""
    await world.store().put("talk", "new", b"new")
    summary = await world.catch_up(passes_max=1)
    assert "as many passes were made as were allowed (1)" in summary.passes_end


# --- what no listing shows


async def test_a_change_of_tags_alone_comes_over_in_the_last_pass(world):
    """D28: ETag, size and time are what they were; the tags at the target become the source's, and no body is read or written."""
    await world.store().put_tags("talk", PICTURE, (("kind", "portrait"),))
    await world.store().put_tags("talk", "empty", (("new", "tag"),))
    world.forget_calls()
    for side in (world.korea, world.japan):
        side.on_read = lambda bucket, *_: pytest.fail("a body was read") if bucket == "talk" else None
    summary = await world.catch_up()
    assert await world.store("japan").get_tags("talk", PICTURE) == (("kind", "portrait"),)
    assert await world.store("japan").get_tags("talk", "empty") == (("new", "tag"),)
    assert sorted(world.writes("japan")) == ["s3:PutObjectTagging empty", f"s3:PutObjectTagging {PICTURE}"]
    assert summary.passes[-1].refreshed == 2
    world.forget_calls()
    again = await world.catch_up()
    assert again.passes[-1].refreshed == 0
    assert world.writes("japan") == []


async def _metadata_anew_with_its_first_answer_lost(world, monkeypatch) -> int:
    """Change metadata alone, lose the first answer to the write that follows, and return how many versions stand at the target."""
    lost: list[str] = []

    async def put(call, _store, _bucket, key, *_, **__):
        answer = await call()
        if key == PICTURE and not lost:
            lost.append(key)
            raise Transient("no answer")
        return answer

    body = world.bodies("korea")[PICTURE]
    await world.store().put("talk", PICTURE, body, attributes=Attributes(metadata=(("owner", "another"),)))
    wrap(monkeypatch, "put", "japan", put)
    await world.catch_up()
    assert lost
    assert world.japan.buckets["talk"].latest(PICTURE).attributes.metadata == (("owner", "another"),)
    return len(world.japan.buckets["talk"].keys[PICTURE])


async def test_metadata_that_are_written_anew_make_one_version_whatever_answer_is_lost(world, monkeypatch):
    """N10: the bytes and the ETag are what they were, so that no condition tells a try that took effect; the version does."""
    assert await _metadata_anew_with_its_first_answer_lost(world, monkeypatch) == 2


async def test_without_a_look_at_the_version_the_next_try_would_write_one_more(world, monkeypatch):
    """The control to N10: If-Match holds after the write as before."""

    async def unseen(*_args):
        return None

    monkeypatch.setattr("relocation.transfer.write.written_since", unseen)
    assert await _metadata_anew_with_its_first_answer_lost(world, monkeypatch) == 3


async def test_without_the_look_a_change_of_tags_would_stay_unseen(world, monkeypatch):
    """The control to D28: listing and plan show nothing of it."""

    async def blind(*_args):
        return None

    monkeypatch.setattr("relocation.stages.look.look", blind)
    await world.store().put_tags("talk", PICTURE, (("kind", "portrait"),))
    await world.catch_up()
    assert await world.store("japan").get_tags("talk", PICTURE) == (("kind", "image"),)


async def test_tags_that_were_taken_away_at_the_source_go_at_the_target_too(world):
    """D28: no tags are tags, too."""
    await world.store().put_tags("talk", PICTURE, ())
    await world.catch_up()
    assert await world.store("japan").get_tags("talk", PICTURE) == ()


async def test_tags_that_somebody_changed_at_the_target_become_the_sources_again(world):
    """D28: compared is what both sides show now, not what one of them once was."""
    await world.store("japan").put_tags("talk", PICTURE, (("kind", "spoilt"),))
    await world.catch_up()
    assert await world.store("japan").get_tags("talk", PICTURE) == (("kind", "image"),)


async def test_metadata_that_somebody_changed_at_the_target_are_named_as_a_loss(world):
    """D28: whether the store or somebody took them away can't be told: they are not written again and again, and they are said."""
    kept = world.japan.buckets["talk"].latest(PICTURE)
    changed = Attributes(headers=kept.attributes.headers, metadata=(("more", "here"),), tags=kept.attributes.tags)
    await world.store("japan").put("talk", PICTURE, kept.data, attributes=changed)
    world.forget_calls()
    for _ in range(2):
        summary = await world.catch_up()
        assert summary.losses == {"x-amz-meta-owner": 1, "x-amz-meta-more": 1}
        assert summary.passes[-1].refreshed == 0
    assert world.writes("japan") == []


async def test_tags_of_what_somebody_else_copied_are_named_and_left_alone(tmp_path):
    """I3: a proved object that others wrote is not ours to change: the difference is a conflict, by name."""
    world = World.made(tmp_path)
    await world.store().put("talk", "k", b"body")
    await world.store("japan").put("talk", "k", b"body")
    await world.probe()
    await world.run()
    await world.store().put_tags("talk", "k", (("a", "b"),))
    world.forget_calls()
    summary = await world.catch_up()
    assert [named.key for named in summary.conflicts] == ["k"]
    assert world.writes("japan") == []


# --- deletions


async def test_a_plain_run_lists_what_is_to_be_removed_and_a_catch_up_removes_it(world):
    """People have a right to erasure: what they deleted at the source goes at the target; a run alone never deletes."""
    await world.store().delete("talk", PICTURE)
    assert [named.key for named in (await world.run()).remove] == [PICTURE]
    assert PICTURE in world.bodies("japan")
    summary = await world.catch_up()
    assert PICTURE not in world.bodies("japan")
    assert [named.key for named in summary.removed] == []
    assert summary.passes[0].removed.objects == 1
    assert len(world.japan.buckets["talk"].keys[PICTURE]) == 2, "our version, below a marker"


async def test_the_policy_may_have_our_version_removed_as_well_or_nothing_at_all(world):
    """`removals: version` leaves the marker alone; `deletions: keep` leaves everything, and says why."""
    await world.store().delete("talk", PICTURE)
    with_policy(world, deletions="keep")
    kept = await world.catch_up()
    assert PICTURE in world.bodies("japan")
    assert "deletions: keep" in kept.remove[0].reason
    with_policy(world, removals="version")
    await world.catch_up()
    assert [stored.marker for stored in world.japan.buckets["talk"].keys[PICTURE]] == [True]


async def test_what_somebody_replaced_at_the_target_is_not_removed(world):
    """I3: between the plan and the removal somebody wrote their own there: it stays, by name."""
    await world.store().delete("talk", PICTURE)

    async def replace(_call) -> None:
        if _call.role == "reader" and _call.key == PICTURE and _call.action == "s3:GetObject":
            world.korea.before = None
            await world.store("japan").put("talk", PICTURE, b"somebody else's")

    world.korea.before = replace
    summary = await world.catch_up(passes_max=1)
    assert world.bodies("japan")[PICTURE] == b"somebody else's"
    assert "another object at the target by now" in summary.remove[0].reason


async def test_what_somebody_wrote_in_the_moment_of_the_delete_stays_in_sight(world):
    """I3: a write between our HEAD and our marker is neither destroyed nor hidden: the marker is taken back."""
    await world.store().delete("talk", PICTURE)

    async def squeeze_in(call) -> None:
        if call.role == "remover":
            world.japan.before = None
            await world.store("japan").put("talk", PICTURE, b"in the same moment")

    world.japan.before = squeeze_in
    summary = await world.catch_up(passes_max=1)
    assert world.bodies("japan")[PICTURE] == b"in the same moment"
    assert "taken back" in summary.remove[0].reason


async def test_what_the_sources_listing_missed_is_not_removed(world, monkeypatch):
    """S10, D25: a key that a listing hides answers HEAD; it is no deletion, and nothing is taken from the target."""
    visible = type(world.store())._visible

    def without(self, place, prefix):
        names = visible(self, place, prefix)
        return [name for name in names if name != PICTURE] if place is world.korea.buckets["talk"] else names

    monkeypatch.setattr(type(world.store()), "_visible", without)
    summary = await world.catch_up(passes_max=1)
    assert PICTURE in world.bodies("japan")
    assert "though its listing did not show it" in summary.remove[0].reason


async def test_what_came_back_at_the_source_between_plan_and_removal_is_not_removed(world):
    """I1: a person uploads the key again while the pass is under way: it stays, and the next pass brings it level."""
    await world.store().delete("talk", PICTURE)

    async def back(call) -> None:
        if call.role == "reader" and call.key == PICTURE:
            world.korea.before = None
            await world.store().put("talk", PICTURE, b"here again")

    world.korea.before = back
    await world.catch_up(passes_max=1)
    assert PICTURE in world.bodies("japan")
    await world.catch_up()
    assert world.bodies("japan") == world.bodies("korea")


@pytest.mark.parametrize(("route", "erased"), [("target_first", False), ("target", False), ("source", True)])
async def test_nothing_is_removed_once_readers_moved_or_anything_was_erased(world, route, erased):
    """X13: after our own erasure everything is gone at the source; the target's is then the only copy there is."""
    with_policy(world, shrink_max="100%")
    await set_route(world, route, erased=erased)
    for key in world.bodies("korea"):
        await world.store().delete("talk", key)
    before = world.bodies("japan")
    summary = await world.catch_up()
    assert summary.counts["remove"].objects == 0, "not even planned"
    assert world.bodies("japan") == before
    assert world.writes("japan") == []


async def test_an_erasure_between_plan_and_removal_stops_the_removal(world):
    """X13: the ledger is asked again when the removals begin, not only when they were planned."""
    await world.store().delete("talk", PICTURE)

    async def erased(call) -> None:
        if call.role == "vault" and call.action == "s3:PutObject" and call.key.endswith("plan.json"):
            world.japan.before = None
            await set_route(world, "source", erased=True)

    world.japan.before = erased
    summary = await world.catch_up(passes_max=1)
    assert PICTURE in world.bodies("japan")
    assert "something was erased since the plan" in summary.remove[0].reason


async def test_what_was_deleted_at_the_target_after_cut_over_is_never_brought_back(world):
    """V10, I10: a person deletes in the new country; no pass copies it again from the old one."""
    await set_route(world, "target")
    await world.store("japan").delete("talk", PICTURE)
    summary = await world.catch_up()
    assert PICTURE not in world.bodies("japan")
    assert [named.key for named in summary.deleted_at_target] == [PICTURE]
    assert world.bodies("korea").keys() - world.bodies("japan").keys() == {PICTURE}


async def test_what_was_removed_and_then_uploaded_again_is_copied_like_any_other(world):
    """The fact that it once was here and went says nothing of what a person uploads later under the same key."""
    await world.store().delete("talk", PICTURE)
    await world.catch_up()
    await world.store().put("talk", PICTURE, b"a new life")
    await world.catch_up()
    assert world.bodies("japan") == world.bodies("korea")


async def test_what_somebody_else_copied_and_a_run_proved_is_no_stranger_to_the_next_pass(world):
    """One meaning in every report: what is neither ours nor proved. Gone at the source, it is theirs, and is named."""
    for site in ("korea", "japan"):
        await world.store(site).put("talk", "by hand", b"the same bytes")
    first = await world.run()
    second = await world.catch_up()
    assert (first.foreign, second.foreign) == ((), ())
    assert all(equation.holds for equation in second.equations)
    await world.store().delete("talk", "by hand")
    assert [named.key for named in (await world.catch_up()).foreign] == ["by hand"]
    assert "by hand" in world.bodies("japan")


async def test_an_identical_object_that_somebody_puts_after_the_removal_is_not_ours(world):
    """I3: the same bytes have the same ETag; after our removal they are somebody else's all the same."""
    body = world.bodies("korea")[PICTURE]
    await world.store().delete("talk", PICTURE)
    await world.catch_up()
    await world.store("japan").put("talk", PICTURE, body)
    summary = await world.catch_up()
    assert world.bodies("japan")[PICTURE] == body
    assert [named.key for named in summary.foreign] == [PICTURE]


@pytest.mark.parametrize(("honours", "left"), [("honoured", False), ("ignored", True)])
async def test_without_versions_an_object_is_removed_only_under_its_etag(tmp_path, honours, left):
    """I3: where neither versions nor If-Match on DELETE keep others' writes, nothing is removed, and the report says what to do."""
    world = World.made(tmp_path, japan=Behaviour(if_match_on_delete=honours), versioned=False)
    await world.seed(plain=2)
    await world.probe()
    await world.run()
    await world.store().delete("talk", PICTURE)
    summary = await world.catch_up()
    assert (PICTURE in world.bodies("japan")) is left
    assert [("turn on versioning" in each.reason) for each in summary.remove] == [True] * left


async def test_a_target_without_a_remover_keeps_everything_and_says_which_role_is_missing(world):
    """A role that nobody configured is named; the rest of the pass is done."""

    class NoRemover(MemoryStores):
        def of(self, endpoint, role, **options):
            if role == "remover":
                raise Refusal("endpoints.japan.credentials.remover is not configured")
            return super().of(endpoint, role, **options)

    await world.store().delete("talk", PICTURE)
    summary = await world.catch_up(stores=NoRemover({"korea": world.korea, "japan": world.japan}))
    assert PICTURE in world.bodies("japan")
    assert "endpoints.japan.credentials.remover" in summary.remove[0].reason


# --- kills


async def _changed(folder) -> World:
    world = World.made(folder)
    await world.seed(plain=3)
    await world.probe()
    await world.run()
    await world.store().put("talk", "new", b"new", attributes=Attributes(tags=(("a", "b"),)))
    await world.store().put("talk", PICTURE, b"another picture")
    await world.store().delete("talk", OTHER)
    await world.store().put_tags("talk", "empty", (("new", "tag"),))
    await put_in_parts(world.store(), "talk", "video.mp4", [bytes(70_000), b"end"])
    return world


@pytest.mark.timeout(290)
async def test_a_catch_up_killed_at_any_step_converges(tmp_path):
    """Killed before or after any call, the next catch-up ends with the target like the source."""
    world = await _changed(tmp_path / "counted")
    world.watch(Mortal())
    await world.catch_up()
    steps = world.mortal.steps
    chosen = random.Random(SEED).sample([(step, mode) for step in range(1, steps + 1) for mode in ("before", "after")], KILLS)
    for step, mode in chosen:
        world = await _changed(tmp_path / f"{step}-{mode}")
        mortal = Mortal(dies_at=step, mode=mode)
        world.watch(mortal)
        with contextlib.suppress(SimulatedKill):
            await world.catch_up()
        world.revive()
        summary = await world.catch_up()
        where = f"seed {SEED}: killed {mode} step {step} of {steps}, {mortal.log[-1]}"
        assert world.bodies("japan") == world.bodies("korea"), where
        for key in world.bodies("korea"):
            assert await world.store("japan").get_tags("talk", key) == await world.store().get_tags("talk", key), where
        assert all(equation.holds for equation in summary.equations), where
        assert not (*summary.conflicts, *summary.foreign, *summary.remove, *summary.failed), where
