"""What a kill leaves of a large object: uploads that are gone on with, and objects of ours that are known as ours."""

from __future__ import annotations

import pytest

from connectors.memory import Behaviour, MemoryStore
from tests.model.large import BIG, RANDOM, etag, made
from tests.model.test_review import crc, uploads, wrap
from tests.model.world import PART, Mortal, SimulatedKill, World, put_in_parts


@pytest.fixture
async def world(tmp_path):
    return await made(tmp_path)


async def test_an_upload_left_behind_is_gone_on_with(world, monkeypatch):
    """C2: after a kill, the parts that the target has got are not sent again, and nothing of ours is left behind."""
    bodies = [RANDOM.randbytes(PART) for _ in range(6)]
    await put_in_parts(world.store(), "talk", BIG, bodies)
    await _killed_after_parts(world, monkeypatch, 4)
    assert uploads(world) == [BIG]
    held = [len(upload.parts) for upload in world.japan.buckets["talk"].uploads.values()]
    world.forget_calls()
    numbers: list[int] = []

    async def put_part(call, _store, *args, **__):
        numbers.append(args[3])
        return await call()

    wrap(monkeypatch, "put_part", "japan", put_part)
    summary = await world.run()
    assert len(numbers) == 6 - held[0]
    assert held[0] >= 4
    assert (world.bodies("japan"), uploads(world)) == (world.bodies("korea"), [])
    assert etag(world, "japan") == etag(world, "korea")
    assert summary.outcomes["verified"].objects == 1


async def _killed_after_parts(world: World, monkeypatch, count: int) -> None:
    mortal = Mortal()
    world.watch(mortal)
    done = []
    with monkeypatch.context() as patch:

        async def put_part(call, *_, **__):
            answer = await call()
            done.append(answer)
            if len(done) == count:
                mortal.dead = True
                raise SimulatedKill
            return answer

        wrap(patch, "put_part", "japan", put_part)
        with pytest.raises(SimulatedKill):
            await world.run()
    world.revive()


@pytest.mark.parametrize("checksum", ["verified", "ignored"])
async def test_a_part_left_behind_with_other_bytes_is_sent_again(tmp_path, monkeypatch, checksum):
    """What an upload holds counts only by a verified checksum or by its MD5: bytes that rotted there are replaced."""
    world = await made(tmp_path, japan=Behaviour(checksum=checksum))
    await put_in_parts(world.store(), "talk", BIG, [RANDOM.randbytes(PART) for _ in range(6)])
    await _killed_after_parts(world, monkeypatch, 3)
    (upload,) = world.japan.buckets["talk"].uploads.values()
    other = RANDOM.randbytes(PART)
    from connectors.memory.rules import md5_of

    number = min(upload.parts)
    upload.parts[number] = (other, md5_of(other), crc(other) if upload.parts[number][2] else "")
    await world.run()
    assert (world.bodies("japan"), uploads(world)) == (world.bodies("korea"), [])


async def test_an_upload_of_another_version_is_not_gone_on_with(world, monkeypatch):
    """A source that changed its metadata meanwhile gets a new upload: what travels beside the bytes is given at its beginning."""
    bodies = [RANDOM.randbytes(PART) for _ in range(4)]
    await put_in_parts(world.store(), "talk", BIG, bodies)
    await _killed_after_parts(world, monkeypatch, 2)
    await world.store().put_tags("talk", BIG, (("kind", "new"),))
    await world.run()
    assert world.japan.buckets["talk"].latest(BIG).attributes.tags == (("kind", "new"),)
    assert uploads(world) == []


async def test_an_upload_of_others_under_our_key_is_left_alone(world, monkeypatch):
    """I3: what somebody else had begun before our run stays, also after a crash."""
    theirs = await world.store("japan").create_upload("talk", BIG, checksum=False)
    world.clock.seconds += 60
    await put_in_parts(world.store(), "talk", BIG, [RANDOM.randbytes(PART) for _ in range(4)])
    await _killed_after_parts(world, monkeypatch, 2)
    await world.run()
    assert list(world.japan.buckets["talk"].uploads) == [theirs]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_after_a_crash_a_large_object_of_ours_is_known_where_etags_are_opaque(tmp_path, monkeypatch, when):
    """D31: also by parts, our object is never foreign: the intent names its bytes before the upload is completed."""
    world = await made(tmp_path, japan=Behaviour(etag="opaque"))
    await put_in_parts(world.store(), "talk", BIG, [RANDOM.randbytes(PART), b"end"])
    mortal = Mortal()
    world.watch(mortal)
    with monkeypatch.context() as patch:

        async def complete(call, *_, **__):
            if when == "after":
                await call()
            mortal.dead = True
            raise SimulatedKill

        wrap(patch, "complete_upload", "japan", complete)
        with pytest.raises(SimulatedKill):
            await world.run()
    world.revive()
    await world.store().put("talk", BIG, b"changed since")
    for _ in range(3):
        summary = await world.run()
        assert not summary.conflicts
    assert world.bodies("japan") == world.bodies("korea")


async def test_a_lost_answer_does_not_make_ours_foreign_where_etags_are_opaque(tmp_path):
    """D31: a write whose answer was lost meets its own object at the second try, and knows it by its bytes."""
    world = await made(tmp_path, japan=Behaviour(etag="opaque"))
    await world.store().put("talk", "small", b"some bytes")
    lost = []

    async def after(call) -> None:
        if call.role == "writer" and call.action == "s3:PutObject" and not lost:
            lost.append(call)
            from relocation.rules.errors import CutShort

            raise CutShort("the answer was lost")

    world.japan.after = after
    await world.run()
    world.japan.after = None
    await world.store().put("talk", "small", b"changed since")
    assert not (await world.run()).conflicts
    assert world.bodies("japan") == world.bodies("korea")


async def test_bytes_of_others_are_never_ours_where_etags_are_opaque(tmp_path):
    """I3: an intent of ours does not claim what somebody else wrote under the same key, with other bytes of the same size."""
    world = await made(tmp_path, japan=Behaviour(etag="opaque"))
    await world.store().put("talk", "small", b"some bytes")
    mortal = Mortal()
    world.watch(mortal)

    async def before(call) -> None:
        if call.role == "writer" and call.action == "s3:PutObject":
            mortal.dead = True
        mortal.before(f"{call.action} {call.key}")

    world.japan.before = before
    with pytest.raises(SimulatedKill):
        await world.run()
    world.revive()
    await world.store("japan").put("talk", "small", b"their bytes")
    await world.store("japan").put("talk", "small", b"same sizes")
    summary = await world.run()
    assert [named.key for named in summary.conflicts] == ["small"]
    assert world.bodies("japan")["small"] == b"same sizes"


async def test_if_parts_left_behind_were_trusted_wrong_bytes_would_be_completed(world, monkeypatch):
    """Control: with what an upload holds taken unseen, the ETag that was foretold is all that keeps wrong bytes out."""
    monkeypatch.setattr("relocation.transfer.copy_parts.holds_already", lambda *_: True)
    monkeypatch.setattr("relocation.transfer.copy_parts._Upload._check_foretold", lambda _self: None)
    monkeypatch.setattr(MemoryStore, "_check_checksum", lambda *_: None)
    await put_in_parts(world.store(), "talk", BIG, [RANDOM.randbytes(PART) for _ in range(4)])
    await _killed_after_parts(world, monkeypatch, 2)
    (upload,) = world.japan.buckets["talk"].uploads.values()
    number = min(upload.parts)
    upload.parts[number] = (bytes(PART), *upload.parts[number][1:])
    await world.run()
    assert world.bodies("japan") != world.bodies("korea")
