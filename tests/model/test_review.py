"""What a hostile look at transfer, stages and ledger asked for: each test is a claim that must hold, under the fault it names."""

from __future__ import annotations

import contextlib
import json

import pytest

from connectors.memory import Behaviour, MemoryStore
from connectors.memory.service import Stored
from connectors.s3.answers import Asked, refusal
from relocation.ports import Response
from relocation.rules.errors import (
    BadRequest,
    CutShort,
    Forbidden,
    NotFound,
    PreconditionFailed,
    Refusal,
    SlowDown,
    StateMismatch,
    Transient,
)
from relocation.rules.evidence import canonical
from relocation.rules.objects import Page
from relocation.settings import Policy
from relocation.stages.pages import list_all
from relocation.stages.wave import WaveRequest, dry_run, run_wave
from relocation.transfer.budget import Budget
from relocation.transfer.hashing import Fingerprint
from tests.model.world import MIB, PART, MemoryStores, Mortal, SimulatedKill, World, facts_of, put_in_parts

PHOTO = "u0/写真 0.jpg"
VIDEO = "video.mp4"


@pytest.fixture
async def world(tmp_path):
    return await _made(tmp_path)


async def _made(folder, **changes) -> World:
    made = World.made(folder, **changes)
    await made.seed(plain=3)
    await made.probe()
    return made


def wrap(monkeypatch, name: str, endpoint: str, around) -> None:
    """Put `around(call, store, *args, **kwargs)` about one method of the stores of one endpoint."""
    method = getattr(MemoryStore, name)

    async def wrapped(self, *args, **kwargs):
        if self.endpoint != endpoint:
            return await method(self, *args, **kwargs)
        return await around(lambda: method(self, *args, **kwargs), self, *args, **kwargs)

    monkeypatch.setattr(MemoryStore, name, wrapped)


def crc(body: bytes) -> str:
    return Fingerprint().update(body)


def uploads(world: World) -> list[str]:
    return [upload.key for upload in world.japan.buckets["talk"].uploads.values()]


def with_policy(world: World, **policy) -> None:
    category = world.settings.categories["talk"]
    changed = category.model_copy(update={"policy": Policy(**policy)})
    world.settings = world.settings.model_copy(update={"categories": {"talk": changed}})


# --- bytes


async def test_bytes_read_by_ranges_are_held_against_the_checksum_of_the_whole(world):
    """N7, D30: an object that is read in ranges, and does not match the checksum that the source stored, is not brought home."""
    body = bytes(20 * MIB)
    await world.store().put("talk", "large", body, crc64nvme=crc(body))

    def flip(_bucket, key, into) -> None:
        if key == "large":
            into[7] ^= 1

    world.korea.on_read = flip
    summary = await world.run()
    assert "large" in [named.key for named in summary.failed]
    assert "large" not in world.bodies("japan")


async def test_room_of_a_part_that_never_began_is_given_back(tmp_path, monkeypatch):
    """I9: when a part fails while the next one has just been given room, all room is free afterwards, so nobody waits for ever."""
    world = World.made(tmp_path)
    await put_in_parts(world.store(), "talk", VIDEO, [bytes(6 * MIB)] * 4)

    async def changed(_call, _store, *_, **__):
        raise PreconditionFailed("another version")

    await world.probe()
    wrap(monkeypatch, "get", "korea", changed)
    budget = Budget(16 * MIB)
    summary = await world.run(budget=budget)
    assert [named.key for named in summary.drifted] == [VIDEO]
    assert budget.out_bytes == 0


async def test_a_source_with_parts_too_small_for_the_target_is_copied_in_other_parts(world):
    """Some stores take parts under 5 MiB: their objects come home in a layout that the target takes."""
    small = PART // 4
    data = b"a" * small + b"b" * small + b"c"
    sums = tuple((size, "") for size in (small, small, 1))
    world.korea.buckets["talk"].keys["small parts"] = [Stored("null", world.clock.now(), data, f"{'0' * 31}a-3", parts=sums)]
    summary = await world.run()
    assert not summary.failed
    assert world.bodies("japan")["small parts"] == data


async def test_keep_etag_require_is_never_broken_in_silence(world, monkeypatch):
    """An object with a part smaller than S3 takes can't keep its ETag: with `require` it does not count as verified."""
    with_policy(world, keep_etag="require")
    with monkeypatch.context() as patch:
        patch.setattr("connectors.memory.rules.PART_BYTES_MIN", 1)
        await put_in_parts(world.store(), "talk", "wide", [bytes(PART - 1), b"end"])
    summary = await world.run()
    named = [*summary.failed, *summary.refused]
    assert "wide" in [each.key for each in named]


async def test_an_object_that_no_layout_holds_is_refused_at_plan(world, monkeypatch):
    """D6: an object of more than 10,000 parts of 5 GiB is refused by name, not a crash in the middle of the wave."""
    size = 10_000 * 5 * 1024 * MIB + 1

    async def listed(call, *_, **__):
        page = await call()
        return Page(tuple(item._replace(size=size) if item.key == VIDEO else item for item in page.items), page.next_token)

    wrap(monkeypatch, "list_objects", "korea", listed)
    async with world.context() as context:
        summary = await dry_run(context, WaveRequest("talk", "all"))
    assert [named.key for named in summary.refused] == [VIDEO]


async def test_keep_etag_require_is_not_broken_by_what_somebody_else_copied(world):
    """Somebody else's copy with the same bytes and another ETag does not count as verified where the policy says `require`."""
    with_policy(world, keep_etag="require")
    await put_in_parts(world.store("japan"), "talk", PHOTO, [world.bodies("korea")[PHOTO]])
    summary = await world.run()
    named = [*summary.failed, *summary.refused, *summary.conflicts]
    assert PHOTO in [each.key for each in named]


# --- whose is it


async def test_a_retried_read_does_not_make_somebody_elses_object_ours(world):
    """I3: only a write whose answer was lost can have written what a 412 meets; a read that was tried twice proves nothing."""
    body = world.bodies("korea")[PHOTO]
    failed = []

    async def before(call) -> None:
        if call.role == "reader" and call.key == PHOTO and call.action == "s3:GetObject" and len(failed) < 2:
            if not failed:
                await world.store("japan").put("talk", PHOTO, body)
            failed.append(call)
            raise Transient("twice")

    world.korea.before = before
    await world.run()
    assert failed
    await world.store().put("talk", PHOTO, b"changed at the source")
    summary = await world.run()
    assert [named.key for named in summary.conflicts] == [PHOTO]
    assert world.bodies("japan")[PHOTO] == body


async def test_an_upload_that_met_the_same_bytes_is_not_left_behind(world, monkeypatch):
    """Where the completion meets an object of the same layout, the upload that is not needed any more is aborted."""
    tried = []

    async def complete(call, store, *_, **__):
        if store.role != "writer":
            return await call()
        tried.append(True)
        if len(tried) == 1:
            (upload,) = world.japan.buckets["talk"].uploads.values()
            await put_in_parts(world.store("japan"), "talk", VIDEO, [upload.parts[number][0] for number in (1, 2, 3)])
        if len(tried) <= 2:
            raise Transient("no answer, and no effect")
        return await call()

    wrap(monkeypatch, "complete_upload", "japan", complete)
    await world.run()
    assert len(tried) == 3
    assert uploads(world) == []


async def test_a_write_whose_answer_was_lost_once_stays_ours(world, monkeypatch):
    """N10: after one lost answer, the object that our next try meets is known as ours, and replaced when the source changes."""
    lost = []

    async def put(call, store, _bucket, key, *_, **__):
        answer = await call()
        if key == PHOTO and not lost:
            lost.append(key)
            raise Transient("no answer")
        return answer

    wrap(monkeypatch, "put", "japan", put)
    await world.run()
    await world.store().put("talk", PHOTO, b"changed since")
    summary = await world.run()
    assert not summary.conflicts
    assert world.bodies("japan") == world.bodies("korea")


async def test_what_the_last_try_wrote_stays_ours(world, monkeypatch):
    """N10, D31: a write that took effect, and whose every answer was lost, leaves an object that is known as ours."""
    tried = []

    async def put(call, store, _bucket, key, *_, **__):
        if store.role != "writer" or key != PHOTO or len(tried) >= 3:
            return await call()
        tried.append(key)
        if len(tried) == 3:
            await call()
        raise Transient("no answer")

    wrap(monkeypatch, "put", "japan", put)
    first = await world.run()
    assert PHOTO in world.bodies("japan")
    assert not first.foreign
    await world.store().put("talk", PHOTO, b"changed since")
    summary = await world.run()
    assert not summary.conflicts
    assert world.bodies("japan") == world.bodies("korea")


async def test_after_a_crash_our_object_is_known_also_where_etags_are_opaque(tmp_path):
    """D31: where no ETag can be foretold (SSE-KMS), an object of ours is still not a conflict for ever after a crash."""
    world = await _made(tmp_path, japan=Behaviour(etag="opaque"))
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
    await world.run()
    await world.store().put("talk", "empty", b"changed since")
    assert not (await world.run()).conflicts
    assert world.bodies("japan") == world.bodies("korea")


async def test_facts_stand_in_the_order_of_their_runs_whatever_the_clock_said(world):
    """C11: a clock that was put back between two runs does not bring an old fact back, or make our object foreign."""
    await world.run()
    world.clock.seconds -= 7200
    await world.store().put("talk", PHOTO, b"another version")
    await world.run()
    assert world.bodies("japan") == world.bodies("korea")
    summary = await world.run()
    assert not summary.conflicts
    assert summary.counts["keep"] == summary.counts["listed"]


async def test_rot_found_with_the_clock_put_back_is_healed(world):
    """C11, S5: a failed verification counts against an earlier success, also when its clock was behind."""
    await world.run()
    world.clock.seconds -= 7200
    world.japan.rot("talk", PHOTO)
    assert (await world.verify()).mismatched
    summary = await world.run()
    assert summary.outcomes["verified"] == summary.counts["listed"]
    assert world.bodies("japan") == world.bodies("korea")


async def test_what_somebody_put_in_place_of_ours_is_not_ours_for_having_the_same_bytes(world):
    """I3: when a Prove finds another ETag than the plan saw, the object that stands there now is not the one we wrote."""
    await world.run()
    world.japan.rot("talk", PHOTO)
    await world.verify()
    body = world.bodies("korea")[PHOTO]
    done = []

    async def before(call) -> None:
        if call.role == "writer" and call.key == PHOTO and not done:
            done.append(True)
            await put_in_parts(world.store("japan"), "talk", PHOTO, [body])

    world.japan.before = before
    await world.run()
    assert done
    await world.store().put("talk", PHOTO, b"changed at the source")
    summary = await world.run()
    assert [named.key for named in summary.conflicts] == [PHOTO]
    assert world.bodies("japan")[PHOTO] == body


async def test_what_appears_while_parts_travel_is_not_overwritten(tmp_path, monkeypatch):
    """I3: where only a look guards a write by parts, the look is taken before the completion, not hours earlier."""
    world = await _made(tmp_path, japan=Behaviour(if_none_match="ignored"))
    done = []

    async def part(call, *_, **__):
        if not done:
            done.append(True)
            await world.store("japan").put("talk", VIDEO, b"not ours")
        return await call()

    wrap(monkeypatch, "put_part", "japan", part)
    summary = await world.run()
    assert world.bodies("japan")[VIDEO] == b"not ours"
    assert [named.key for named in summary.conflicts] == [VIDEO]


async def test_a_touched_source_with_the_same_bytes_is_no_conflict(world):
    """D29: somebody else's copy that equals the source is proved again when the source was only written anew."""
    await world.store("japan").put("talk", "empty", b"")
    await world.run()
    world.clock.seconds += 3600
    await world.store().put("talk", "empty", b"")
    summary = await world.run()
    assert not summary.conflicts
    assert summary.outcomes["verified"] == summary.counts["listed"]


# --- stuck


async def test_ours_deleted_at_the_target_after_the_plan_does_not_stop_the_wave(world):
    """A Replace whose object is gone by now concerns this object alone, and the next run brings it home."""
    await world.run()
    await world.store().put("talk", PHOTO, b"another version")
    done = []

    async def before(call) -> None:
        if call.role == "writer" and call.key == PHOTO and not done:
            done.append(True)
            await world.store("japan").delete("talk", PHOTO)

    world.japan.before = before
    await world.run()
    assert done
    world.revive()
    await world.run()
    assert world.bodies("japan") == world.bodies("korea")


async def test_a_proof_whose_object_is_gone_does_not_stop_the_wave(world):
    """A Prove whose object was deleted at the target by now concerns this object alone, and the next run brings it home."""
    await world.store("japan").put("talk", PHOTO, world.bodies("korea")[PHOTO])
    done = []

    async def before(call) -> None:
        if call.role == "writer" and call.key == PHOTO and not done:
            done.append(True)
            await world.store("japan").delete("talk", PHOTO)

    world.japan.before = before
    await world.run()
    assert done
    world.revive()
    await world.run()
    assert world.bodies("japan") == world.bodies("korea")


async def test_an_object_deleted_before_its_tags_were_read_is_gone_and_no_error(world):
    """D4: a deletion between an object's bytes and its tags stops no wave."""

    async def before(call) -> None:
        if call.action == "s3:GetObjectTagging" and call.key in world.bodies("korea"):
            await world.store().delete("talk", call.key)

    world.korea.before = before
    summary = await world.run()
    assert [named.key for named in summary.gone] == [PHOTO]


async def test_one_forbidden_object_does_not_stop_a_verification(world, monkeypatch):
    """A single object that may not be read is a failure by name; the others are proved."""
    for key, body in world.bodies("korea").items():
        await world.store("japan").put("talk", key, body)

    async def get(call, _store, _bucket, key, *_, **__):
        if key == PHOTO:
            raise Forbidden("another key encrypts it")
        return await call()

    wrap(monkeypatch, "get", "japan", get)
    summary = await world.verify()
    assert [named.key for named in summary.failed] == [PHOTO]


async def test_what_of_ours_can_not_be_read_at_the_target_is_written_again(world, monkeypatch):
    """S5, S16: rot that answers 503 is healed from the source like rot that answers other bytes."""
    await world.run()
    stored = world.japan.buckets["talk"].keys[PHOTO][-1]

    async def get(call, _store, _bucket, key, *_, **__):
        if key == PHOTO and world.japan.buckets["talk"].keys[PHOTO][-1] is stored:
            raise SlowDown("SlowDownRead")
        return await call()

    wrap(monkeypatch, "get", "japan", get)
    assert [named.key for named in (await world.verify()).failed] == [PHOTO]
    for _ in range(2):
        summary = await world.run()
    assert summary.outcomes["verified"] == summary.counts["listed"]


def test_an_archived_object_is_a_failure_of_its_own_and_no_missing_right():
    """D13: InvalidObjectState (Glacier) concerns one object; two of them must not stop the wave as a missing right."""
    body = b"<Error><Code>InvalidObjectState</Code><Message>archived</Message></Error>"
    error = refusal(Asked("korea", "reader", "s3:GetObject", "talk", "k"), Response(403, {}, memoryview(body)), now=0.0)
    assert isinstance(error, BadRequest)


async def test_a_listing_whose_tokens_go_round_in_a_circle_is_refused(world, monkeypatch):
    """S8: empty pages that lead back to a token already sent are no progress."""
    asked = []

    async def listed(_call, *_, token="", **__):
        asked.append(token)
        if len(asked) > 50:
            raise Refusal("it would go on for ever")
        return Page((), "b" if token == "a" else "a")

    wrap(monkeypatch, "list_objects", "korea", listed)
    async with world.context() as context:
        with pytest.raises(Transient):
            [item async for item in list_all(context, world.store(), "talk", "")]


async def test_an_upload_that_somebody_aborted_does_not_stop_the_wave(world, monkeypatch):
    """A lifecycle rule, or a person, that clears an upload away under our hands is a failure of that object alone."""

    async def part(call, *_, **__):
        world.japan.buckets["talk"].uploads.clear()
        return await call()

    wrap(monkeypatch, "put_part", "japan", part)
    summary = await world.run()
    assert [named.key for named in summary.failed] == [VIDEO]


# --- uploads


async def test_uploads_whose_answers_were_cut_short_are_aborted(world, monkeypatch):
    """An object that ends as failed because each answer to the upload's beginning broke off leaves no upload behind."""

    async def create(call, store, *_, **__):
        await call()
        raise CutShort("the answer broke off")

    wrap(monkeypatch, "create_upload", "japan", create)
    summary = await world.run()
    assert [named.key for named in summary.failed] == [VIDEO]
    assert uploads(world) == []


async def test_an_upload_whose_abort_failed_once_is_aborted_all_the_same(world, monkeypatch):
    """An object that drifts while its parts travel leaves no upload behind, also when the first abort is not answered."""
    aborted = []

    async def changed(call, _store, _bucket, key, *_, **__):
        if key == VIDEO:
            raise PreconditionFailed("another version")
        return await call()

    async def abort(call, *_, **__):
        aborted.append(True)
        if len(aborted) == 1:
            raise SlowDown("not now")
        return await call()

    wrap(monkeypatch, "get", "korea", changed)
    wrap(monkeypatch, "abort_upload", "japan", abort)
    await world.run()
    assert uploads(world) == []


async def _killed_at(world: World, monkeypatch, name: str) -> None:
    """Kill the process after the effect of a call of the target's."""
    mortal = Mortal()
    world.watch(mortal)
    with monkeypatch.context() as patch:

        async def kill(call, *_, **__):
            answer = await call()
            mortal.dead = True
            raise SimulatedKill(answer)

        wrap(patch, name, "japan", kill)
        with pytest.raises(SimulatedKill):
            await world.run()
    world.revive()


async def test_two_crashes_leave_no_upload_behind(world, monkeypatch):
    """A second crash, in the middle of the upload that was gone on with, hides it from nobody."""
    await _killed_at(world, monkeypatch, "create_upload")
    await _killed_at(world, monkeypatch, "put_part")
    await _killed_at(world, monkeypatch, "put_part")
    await world.run()
    assert world.bodies("japan") == world.bodies("korea")
    assert uploads(world) == []


async def test_an_upload_of_a_run_that_nobody_goes_on_with_is_aborted(world, monkeypatch):
    """Where a changed configuration begins a new run, what the crashed one left unfinished is cleared away."""
    await _killed_at(world, monkeypatch, "put_part")
    with_policy(world, part_bytes=8 * MIB)
    await world.run()
    assert world.bodies("japan") == world.bodies("korea")
    assert uploads(world) == []


async def test_an_upload_that_somebody_began_before_our_run_is_left_alone(world, monkeypatch):
    """I3: a lost answer does not make us abort what stood there before we came."""
    foreign = await world.store("japan").create_upload("talk", VIDEO)
    world.clock.seconds += 60
    lost = []

    async def create(call, *_, **__):
        answer = await call()
        if not lost:
            lost.append(answer)
            raise Transient("no answer")
        return answer

    wrap(monkeypatch, "create_upload", "japan", create)
    await world.run()
    assert list(world.japan.buckets["talk"].uploads) == [foreign]


# --- leases


async def test_a_pause_right_after_the_lease_is_a_lease_that_ran_out(world):
    """C6: a lane that was stopped just after it leased a shard writes nothing on the strength of that lease."""
    leased_at: list[float] = []
    wrote: list[float] = []

    async def before(call) -> None:
        if call.role == "writer" and call.action == "s3:PutObject" and len(leased_at) == 1:
            wrote.append(world.clock.now())

    world.japan.before = before
    async with world.context() as context:
        lease_shard = context.ledger._ledger.lease_shard

        async def paused(*args, **kwargs):
            lease = await lease_shard(*args, **kwargs)
            if lease is not None:
                leased_at.append(world.clock.now())
            if len(leased_at) == 1:
                world.clock.seconds += 3600
            return lease

        context.ledger._ledger.lease_shard = paused
        summary = await run_wave(context, WaveRequest("talk", "all"))
    assert wrote == []
    assert summary.outcomes["verified"] == summary.counts["listed"]


# --- reports


async def test_a_second_try_that_succeeds_is_two_attempts(world, monkeypatch):
    """What a fact says of attempts is how often the hardest step was tried, the try that succeeded included."""
    failed = []

    async def get(call, _store, _bucket, key, *_, **__):
        if key == PHOTO and not failed:
            failed.append(key)
            raise Transient("once")
        return await call()

    wrap(monkeypatch, "get", "korea", get)
    async with world.context() as context:
        await run_wave(context, WaveRequest("talk", "all"))
        facts = await facts_of(context, "talk")
    assert [fact.attempts for fact in facts if fact.source_key == PHOTO] == [2]


async def test_an_object_deleted_at_the_target_is_not_called_gone(world, monkeypatch):
    """`gone` says that the source's object is not there any more: what vanished at the target while it was proved is not that."""
    await world.store("japan").put("talk", PHOTO, world.bodies("korea")[PHOTO])

    async def get(call, _store, _bucket, key, *_, **__):
        if key == PHOTO:
            raise NotFound("deleted at the target")
        return await call()

    wrap(monkeypatch, "get", "japan", get)
    summary = await world.run()
    assert PHOTO not in [named.key for named in summary.gone]


async def test_an_object_changed_at_the_target_is_not_called_drifted(world, monkeypatch):
    """`drifted` says that the source changed: what was replaced at the target while it was proved is not that."""
    await world.store("japan").put("talk", PHOTO, world.bodies("korea")[PHOTO])

    async def get(call, _store, _bucket, key, *_, **__):
        if key == PHOTO:
            raise PreconditionFailed("replaced at the target")
        return await call()

    wrap(monkeypatch, "get", "japan", get)
    summary = await world.run()
    assert PHOTO not in [named.key for named in summary.drifted]


async def test_a_verification_does_not_call_a_vanished_object_altered(world, monkeypatch):
    """`mismatched` says that bytes came back different: what is not there at all is not that."""
    await world.run()
    world.japan.rot("talk", PHOTO)
    await world.verify()

    async def head(call, _store, _bucket, key, *_, **__):
        if key == PHOTO:
            raise NotFound("deleted at the target")
        return await call()

    wrap(monkeypatch, "head", "japan", head)
    summary = await world.verify()
    assert PHOTO not in [named.key for named in summary.mismatched]


async def test_a_declared_loss_stands_in_every_report(world):
    """What the target does not keep is in the second report as it was in the first, as long as nothing changed."""
    await world.store("japan").put("talk", PHOTO, world.bodies("korea")[PHOTO])
    first, second = await world.run(), await world.run()
    assert first.losses
    assert second.losses == first.losses


async def test_a_source_that_vanished_is_not_reported_as_a_missing_target(tmp_path):
    """Naming the losses looks at the source again: what is gone there says nothing against the target."""
    world = await _made(tmp_path, japan=Behaviour(loses_headers=("content-type",)))

    async def before(call) -> None:
        if call.role == "reader" and call.key == PHOTO and PHOTO in world.bodies("korea"):
            await world.store().delete("talk", PHOTO)

    world.japan.before = before
    summary = await world.run()
    assert not [named.reason for named in summary.failed if "not at the target" in named.reason]


async def test_a_source_that_shows_nothing_all_of_a_sudden_is_refused(world, monkeypatch):
    """S10: a listing that ends by protocol and is empty, where the last one was not, is no reason to plan the removal of all."""
    await world.run()

    async def nothing(_call, *_, **__):
        return Page((), "")

    wrap(monkeypatch, "list_objects", "korea", nothing)
    with pytest.raises(Refusal, match=r"shows 0 objects .*, and showed \d+ to run .*Nothing was planned"):
        await world.run()


# --- gates


async def test_a_bucket_moved_onto_itself_is_refused_every_time(world):
    """C8: the refusal stands when the same command is given again."""

    class Alias(MemoryStores):
        def __init__(self) -> None:
            super().__init__({"korea": world.japan, "japan": world.japan})

    world.clock.seconds += 100_000  # the answers are stale
    for _ in range(2):
        with pytest.raises(Refusal, match="same bucket"):
            await world.run(stores=Alias())


async def test_a_bucket_moved_onto_itself_is_refused_when_only_the_source_was_readdressed(world):
    """C8: a source whose address was changed to the target's is looked at anew, though the target's answers are young."""

    class Alias(MemoryStores):
        def __init__(self) -> None:
            super().__init__({"korea": world.japan, "japan": world.japan})

    endpoints = dict(world.settings.endpoints)
    endpoints["korea"] = endpoints["korea"].model_copy(update={"url": "http://127.0.0.1:9"})
    world.settings = world.settings.model_copy(update={"endpoints": endpoints})
    with pytest.raises(Refusal, match="same bucket"):
        await world.run(stores=Alias())


async def test_a_bucket_moved_onto_itself_is_refused_also_after_a_probe_by_hand(tmp_path):
    """C8: young answers of both buckets do not stand for a look at whether they are one (`hikkoshi probe` gives them)."""
    world = World.made(tmp_path)
    await world.seed(plain=1)
    await world.probe(as_a_pair=False)

    class Alias(MemoryStores):
        def __init__(self) -> None:
            super().__init__({"korea": world.japan, "japan": world.japan})

    with pytest.raises(Refusal, match="same bucket"):
        await world.run(stores=Alias())


async def test_a_plan_that_was_put_in_place_of_the_sealed_one_is_refused(world):
    """The plan that is carried out is the one whose root the ledger holds, not whatever the vault shows under its name."""
    async with world.context() as context:
        await run_wave(context, WaveRequest("talk", "all", until="plan"))
    (name,) = [key for key in world.japan.buckets["evidence"].keys if key.endswith("plan.json")]
    fields = json.loads(world.japan.buckets["evidence"].latest(name).data)
    fields |= {"shards": [], "source_objects": 0, "source_bytes": 0, "actions": []}
    await world.store("japan").put("evidence", name, canonical(fields))
    with pytest.raises(StateMismatch):
        await world.run()


async def test_a_plan_made_by_other_rules_is_not_gone_on_with(world):
    """C10: a plan that other rules decided is not carried out by these."""
    async with world.context() as context:
        before = await run_wave(context, WaveRequest("talk", "all", until="plan"))
    try:
        after = await world.run(rules_sha256="newer rules")
    except Refusal:
        return
    assert after.run_id != before.run_id


# --- the ledger falters


async def test_facts_that_the_ledger_did_not_take_are_offered_again(world):
    """A ledger that was busy once loses no fact: the shard that is given back has them all."""
    async with world.context() as context:
        record = context.ledger._ledger.record
        lost: list[str] = []

        async def busy(lease, facts):
            if not lost:
                lost.extend(fact.target_key for fact in facts)
                raise Transient("the ledger was held by another process")
            await record(lease, facts)

        context.ledger._ledger.record = busy
        with contextlib.suppress(Transient):
            await run_wave(context, WaveRequest("talk", "all"))
        assert lost
        tails = {fact.target_key for fact in await context.ledger.open_tails("talk")}
        (run, *_) = await context.ledger.list_runs()
        sealed = sum(segment.objects for segment in await context.ledger.segments(run_id=run.id))
    assert set(lost) <= tails or sealed
