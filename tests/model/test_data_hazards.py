"""What happens to data between plan and proof: drift, conflicts, altered bytes, ignored conditions (D1-4, D26-31, N7, N10, S12)."""

from __future__ import annotations

import pytest

from connectors.memory import Behaviour
from connectors.scratch import DiskScratch
from relocation.rules import capabilities
from relocation.rules.errors import Forbidden, NoSpace, Refusal, Unreachable
from relocation.rules.names import Folded, Names
from relocation.rules.plan import known
from relocation.stages.wave import WaveRequest, dry_run, run_wave
from relocation.transfer import read, write
from tests.model.world import PART, World, put_in_parts


@pytest.fixture
async def world(tmp_path):
    made = World.made(tmp_path)
    await made.seed(plain=3)
    await made.probe()
    return made


def meanwhile(world: World, change) -> None:
    """Do `change` once, at the first read of an object's body or head for copying: after the plan, before the copy."""
    done = []

    async def before(call) -> None:
        if call.role == "reader" and call.action == "s3:GetObject" and not done:
            done.append(True)
            await change()

    world.korea.before = before


async def test_an_object_overwritten_after_the_plan_is_drifted_and_comes_home_next_time(world):
    """D1: what was read is the planned version or nothing; the new version goes into the next plan."""

    async def overwrite() -> None:
        await world.store().put("talk", "u0/写真 0.jpg", b"another version")

    meanwhile(world, overwrite)
    summary = await world.run()
    assert [named.key for named in summary.drifted] == ["u0/写真 0.jpg"]
    assert "u0/写真 0.jpg" not in world.bodies("japan")
    world.revive()
    again = await world.run()
    assert again.outcomes["verified"] == again.counts["listed"]
    assert world.bodies("japan") == world.bodies("korea")


async def test_an_object_deleted_after_the_plan_is_gone_and_no_error(world):
    """D4: what is not there any more is recorded as gone, with its name."""

    async def delete() -> None:
        await world.store().delete("talk", "u0/写真 0.jpg")

    meanwhile(world, delete)
    summary = await world.run()
    assert [named.key for named in summary.gone] == ["u0/写真 0.jpg"]
    assert not summary.failed
    assert all(equation.holds for equation in summary.equations)


async def test_parts_of_two_versions_are_never_mixed(world):
    """D2: an object that changes between two of its parts arrives as neither."""
    reads = []

    async def before(call) -> None:
        if call.role == "reader" and call.key == "video.mp4" and call.action == "s3:GetObject":
            reads.append(call)
            if len(reads) == 6:  # the layout was asked for, and a part is under way
                world.korea.before = None
                await put_in_parts(world.store(), "talk", "video.mp4", [bytes(2 * PART), bytes(PART), bytes(77)])

    world.korea.before = before
    summary = await world.run()
    assert [named.key for named in summary.drifted] == ["video.mp4"]
    assert "video.mp4" not in world.bodies("japan")
    assert not world.japan.buckets["talk"].uploads


async def test_an_object_of_somebody_else_is_never_overwritten(world):
    """I3: other bytes under our key are a conflict, named, and stay as they are, also when they appear after the plan."""
    await world.store("japan").put("talk", "empty", b"not ours")

    async def appear() -> None:
        await world.store("japan").put("talk", "u0/写真 0.jpg", b"not ours either")

    meanwhile(world, appear)
    summary = await world.run()
    assert {named.key for named in summary.conflicts} == {"empty", "u0/写真 0.jpg"}
    assert world.bodies("japan")["empty"] == b"not ours"
    assert world.bodies("japan")["u0/写真 0.jpg"] == b"not ours either"
    assert all(equation.holds for equation in summary.equations)


async def test_without_the_condition_somebody_elses_object_would_be_overwritten(world, monkeypatch):
    """Negative control: the write condition is what keeps it."""
    monkeypatch.setattr(write, "write_conditions", lambda *_, **__: {})
    with pytest.raises(AssertionError):
        await test_an_object_of_somebody_else_is_never_overwritten(world)


async def test_the_same_bytes_of_somebody_else_are_proved_and_kept(world):
    """D29: identical bytes that somebody else wrote are read on both sides, and not written again."""
    store = world.store("japan")
    for key, body in world.bodies("korea").items():
        await store.put("talk", key, body)
    world.forget_calls()
    summary = await world.run()
    assert summary.counts["prove"].objects == summary.outcomes["verified"].objects == 5
    assert world.writes() == []
    world.forget_calls()
    assert (await world.run()).counts["keep"].objects == 5


async def test_somebody_elses_proved_object_is_not_replaced_when_the_source_changes(world):
    """What we proved but did not write stays not ours: a later change at the source is a conflict, not an overwrite."""
    await world.store("japan").put("talk", "empty", b"")
    await world.run()
    await world.store().put("talk", "empty", b"grown")
    summary = await world.run()
    assert [named.key for named in summary.conflicts] == ["empty"]
    assert world.bodies("japan")["empty"] == b""


async def test_our_stale_copy_is_replaced_and_only_ours(world):
    """A change at the source replaces what we wrote, under our own ETag."""
    await world.run()
    await world.store().put("talk", "empty", b"grown")
    summary = await world.run()
    assert summary.counts["replace"].objects == 1
    assert world.bodies("japan") == world.bodies("korea")


async def test_bytes_altered_on_the_way_in_do_not_match_the_stored_checksum(world):
    """N7, D30: a bit that flips between the source and us is caught by the checksum that the source had stored."""
    await world.store().put("talk", "summed", b"s" * 1000, crc64nvme=_crc(b"s" * 1000))

    def flip(bucket, key, body) -> None:
        if key == "summed":
            body[7] ^= 1

    world.korea.on_read = flip
    summary = await world.run()
    assert [named.key for named in summary.failed] == ["summed"]
    assert "do not match the checksum" in summary.failed[0].reason
    assert "summed" not in world.bodies("japan")


async def test_without_the_comparison_altered_bytes_would_pass(world, monkeypatch):
    """Negative control: the stored checksum is what catches them."""
    monkeypatch.setattr(read, "agrees", lambda *_: None)
    with pytest.raises(AssertionError):
        await test_bytes_altered_on_the_way_in_do_not_match_the_stored_checksum(world)


@pytest.mark.parametrize("key", ["u0/写真 0.jpg", "video.mp4"])
async def test_bytes_altered_on_the_way_in_do_not_make_the_etag_that_was_foretold(world, key):
    """D30: without a stored checksum, two ETags tell what was read wrong and written as read; the next run heals it."""
    flips = []

    def flip_once(bucket, read_key, body) -> None:
        if read_key == key and len(body) > 50 and not flips:
            flips.append(read_key)
            body[7] ^= 1

    world.korea.on_read = flip_once
    summary = await world.run()
    assert [named.key for named in (*summary.failed, *summary.mismatched)] == [key]
    assert summary.outcomes["verified"].objects == 4
    healed = await world.run()
    assert healed.outcomes["verified"] == healed.counts["listed"]
    assert world.bodies("japan") == world.bodies("korea")


async def test_rot_at_the_target_is_a_mismatch_by_name(world):
    """S5: the listing still shows the old size and ETag; only reading back tells."""
    await world.run()
    world.japan.rot("talk", "u1/写真 1.jpg")
    summary = await world.verify()
    assert [named.key for named in summary.mismatched] == ["u1/写真 1.jpg"]
    assert "twice" in summary.mismatched[0].reason
    healed = await world.run()
    assert healed.counts["prove"].objects == 1
    assert healed.outcomes["verified"] == healed.counts["listed"]
    assert world.bodies("japan") == world.bodies("korea")


async def test_bytes_altered_on_the_way_back_are_told_from_rot(world):
    """A read that comes back different, and right over the other HTTP stack, is not the target's fault, and counts as failed."""
    await world.run()
    flips = []

    def flip_once(bucket, key, body) -> None:
        if key == "u1/写真 1.jpg" and not flips:
            flips.append(key)
            body[0] ^= 1

    world.japan.on_read = flip_once
    summary = await world.verify()
    assert [named.key for named in summary.mismatched] == ["u1/写真 1.jpg"]
    assert "on the way back" in summary.mismatched[0].reason


@pytest.mark.parametrize(("checksum", "received"), [("verified", 5), ("ignored", 0), ("unverified", 0)])
async def test_an_ignored_checksum_is_never_counted_as_received(tmp_path, checksum, received):
    """D27: only a target that refused a wrong checksum can vouch for what it received."""
    world = World.made(tmp_path, japan=Behaviour(checksum=checksum))
    await world.seed(plain=3)
    summary = await world.run()
    assert summary.proofs["received"] == received
    assert summary.proofs["read_back"] == summary.outcomes["verified"].objects == 5


async def test_without_the_probes_word_an_unverified_checksum_would_count(tmp_path, monkeypatch):
    """Negative control for D27: what a store returns without having looked would pass for `received`, were the probe not asked."""
    for word in ("sends_checksum", "counts_received"):
        monkeypatch.setattr(capabilities, word, lambda *_, **__: True)
    with pytest.raises(AssertionError):
        await test_an_ignored_checksum_is_never_counted_as_received(tmp_path, "unverified", 0)


async def test_a_target_that_ignores_if_none_match_is_looked_at_first(tmp_path):
    """S12: where the condition is ignored, a versioned target is asked before each write; a conflict stays a conflict."""
    world = World.made(tmp_path, japan=Behaviour(if_none_match="ignored"))
    await world.seed(plain=3)
    await world.probe()
    await test_an_object_of_somebody_else_is_never_overwritten(world)


async def test_a_target_that_ignores_conditions_and_keeps_no_versions_is_refused(tmp_path):
    """S12: where nothing keeps a race from destroying data, nothing is written, and the way out is named."""
    world = World.made(tmp_path, japan=Behaviour(if_none_match="ignored"), versioned=False)
    await world.seed(plain=3)
    with pytest.raises(Refusal, match="versioning"):
        await world.run()
    assert not list(world.bodies("japan"))


async def test_a_lost_answer_to_a_write_is_settled_by_looking(world):
    """N10: a PUT that was carried out and whose answer was lost is ours, once; it is not written again, nor a conflict."""
    lost = []

    async def after(call) -> None:
        if call.role == "writer" and call.action == "s3:PutObject" and call.key == "empty" and not lost:
            lost.append(call)
            raise Unreachable("the answer was lost")

    world.japan.after = after
    summary = await world.run()
    assert lost
    assert summary.outcomes["verified"] == summary.counts["listed"]
    assert not summary.conflicts
    assert len(world.japan.buckets["talk"].keys["empty"]) == 1


async def test_a_right_that_is_missing_stops_the_wave_by_name(world):
    """A 403 on every write is a missing right: the run stops, and names role and right; nothing is marked done."""

    async def forbid(call) -> None:
        if call.role == "writer":
            raise Forbidden("japan: role writer may not s3:PutObject on talk")

    world.japan.before = forbid
    with pytest.raises(Forbidden, match="role writer may not s3:PutObject"):
        await world.run()
    world.revive()
    summary = await world.run()
    assert summary.outcomes["verified"] == summary.counts["listed"]


async def test_a_full_target_stops_the_wave_and_it_goes_on_after_space(world):
    """S3: no room is no retry storm: the run stops with the reason, and the next one goes on with the same plan."""
    writes = []

    async def full(call) -> None:
        if call.role == "writer" and call.action == "s3:PutObject":
            writes.append(call)
            if len(writes) > 2:
                raise NoSpace("japan/talk: the quota is used up; make room, and run again")

    world.japan.before = full
    with pytest.raises(NoSpace, match="make room"):
        await world.run()
    assert len(writes) < 10
    world.revive()
    async with world.context() as context:
        (stopped, *_) = await context.ledger.list_runs()
        summary = await run_wave(context, WaveRequest("talk", "all"))
    assert stopped.state == "open"
    assert "make room" in stopped.message
    assert summary.run_id == stopped.id
    assert summary.outcomes["verified"] == summary.counts["listed"]


async def test_what_vanished_at_the_source_is_listed_for_removal_and_left_alone(world):
    """Remove is counted and named; nothing deletes it yet."""
    await world.run()
    await world.store().delete("talk", "empty")
    summary = await world.run()
    assert [named.key for named in summary.remove] == ["empty"]
    assert "empty" in world.bodies("japan")
    assert all(equation.holds for equation in summary.equations)


async def test_a_pair_that_the_target_would_hide_is_refused_both(tmp_path):
    """D25: `foo` beside `foo/bar` is refused at plan, by name, before the first byte moves; against foreign keys too."""
    world = World.made(tmp_path, japan=Behaviour(hides_children=True))
    store = world.store()
    for key in ("foo", "foo/bar", "plain", "theirs/below"):
        await store.put("talk", key, key.encode())
    await world.store("japan").put("talk", "theirs", b"a foreign key above ours")
    await world.probe()
    summary = await world.run()
    assert {named.key for named in summary.refused} == {"foo", "foo/bar", "theirs/below"}
    assert set(world.bodies("japan")) == {"plain", "theirs"}


async def test_a_dry_run_writes_nothing_and_says_all(world):
    """A dry run asks both sides as a reader, and changes neither."""
    await world.store("japan").put("talk", "foreign", b"?")
    world.forget_calls()
    async with world.context() as context:
        summary = await dry_run(context, WaveRequest("talk", "all"))
    assert summary.counts["copy"] == summary.counts["listed"]
    assert world.writes("japan") == world.writes("korea") == []
    assert {call.role for call in (*world.korea.calls, *world.japan.calls)} <= {"reader", "vault"}


async def test_an_intent_makes_our_own_object_known_after_a_crash(world, monkeypatch):
    """D31: killed after the PUT, then the source changes: our object is replaced, not called a conflict."""
    from tests.model.world import Mortal, SimulatedKill

    mortal = Mortal()
    world.watch(mortal)

    async def after(call) -> None:
        if call.role == "writer" and call.key == "empty" and call.action == "s3:PutObject":
            mortal.dead = True
            raise SimulatedKill
        mortal.after()

    world.japan.after = after
    with pytest.raises(SimulatedKill):
        await world.run()
    world.revive()
    await world.store().put("talk", "empty", b"changed since")
    first = await world.run()  # goes on with its own plan: drifted
    assert not first.conflicts
    second = await world.run()
    assert not second.conflicts
    assert world.bodies("japan") == world.bodies("korea")


def test_without_intents_our_own_object_would_look_foreign():
    """Negative control: what names our object after a crash is the intent alone."""
    from relocation.rules.plan import decide
    from relocation.rules.records import Intent, InventoryRow

    source = InventoryRow(0, "talk", "k", 3, "new-etag", "2021-06-02T00:00:00Z")
    found = InventoryRow(0, "talk", "k", 5, "our-etag", "2021-06-01T00:00:00Z")
    with_intent = known((), (Intent(0, "talk", "k", "old-etag", "our-etag"),))
    assert decide(source, ("talk", "k"), found, with_intent, route="source").action == "replace"
    assert decide(source, ("talk", "k"), found, known((), ()), route="source").action == "conflict"


def _crc(body: bytes) -> str:
    from relocation.transfer.hashing import Fingerprint

    print_ = Fingerprint()
    return print_.update(body)


async def test_what_no_listing_shows_is_not_verified(world, monkeypatch):
    """Listing parity: an object that reads back well, and that the target's listing does not show, is a failure by name."""
    from connectors.memory import MemoryStore

    listing = MemoryStore.list_objects

    async def hiding(self, bucket, **asked):
        page = await listing(self, bucket, **asked)
        hidden = self.endpoint == "japan"
        return type(page)(tuple(item for item in page.items if not (hidden and item.key == "empty")), page.next_token)

    monkeypatch.setattr(MemoryStore, "list_objects", hiding)
    summary = await world.run()
    assert [named.key for named in summary.failed] == ["empty"]
    assert summary.outcomes["verified"].objects == 4
    assert all(equation.holds for equation in summary.equations)


async def test_names_that_the_target_would_fold_together_are_refused_and_kept_on_the_scratch(tmp_path, monkeypatch):
    """D15: where case makes no difference, both of a pair are refused; ten million names are never in memory at once."""
    world = World.made(tmp_path)
    for key in ("Cat.jpg", "cat.JPG", "dog.jpg"):
        await world.store().put("talk", key, b"x")
    await world.probe()
    monkeypatch.setattr(Names, "_folds", lambda _: [(str.casefold, "does not tell upper from lower case")])
    kept: list[type] = []
    rows = DiskScratch.rows
    monkeypatch.setattr(DiskScratch, "rows", lambda self, kind, place: kept.append(kind) or rows(self, kind, place))
    async with world.context() as context:
        summary = await dry_run(context, WaveRequest("talk", "all"))
    assert {named.key for named in summary.refused} == {"Cat.jpg", "cat.JPG"}
    assert Folded in kept
