"""Objects larger than one buffer: their layouts, how they are streamed, and that they starve nobody."""

from __future__ import annotations

import asyncio

import pytest

from connectors.memory import Behaviour, MemoryStore
from relocation.rules.objects import Attributes
from relocation.rules.records import Proof
from relocation.transfer.promise import Watch
from tests.model.large import BIG, BODY, RANDOM, asked, etag, fact_of, made
from tests.model.test_review import crc, with_policy, wrap
from tests.model.world import MIB, PART, World, put_in_parts


@pytest.fixture
async def world(tmp_path):
    return await made(tmp_path)


# --- layouts


LAYOUTS = {
    "uneven": [3 * PART, PART, 2 * PART, 1],
    "one part": [PART + 1],
    "one small part": [3],
    "a part beyond one buffer first": [15 * MIB, PART, 9],
    "a part beyond one buffer in the middle": [PART, 15 * MIB, PART, 9],
    "parts beyond one buffer, and beyond all": [17 * MIB, 18 * MIB],
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("checksums", [True, False], ids=["with checksums", "without"])
async def test_the_sources_own_parts_are_kept(world, layout, checksums):
    """D5: whatever the part sizes, the target's ETag is the source's, and every byte is the same."""
    store = world.store()
    bodies = [RANDOM.randbytes(size) for size in layout]
    upload_id = await store.create_upload("talk", BIG, checksum=checksums)
    parts = [
        await store.put_part("talk", BIG, upload_id, number, body, crc64nvme=crc(body) if checksums else "")
        for number, body in enumerate(bodies, 1)
    ]
    await store.complete_upload("talk", BIG, upload_id, parts)
    summary = await world.run()
    assert world.bodies("japan") == world.bodies("korea")
    assert etag(world, "japan") == etag(world, "korea")
    assert (summary.outcomes["verified"].objects, summary.losses) == (1, {})
    fact = await fact_of(world)
    assert Proof.SAME_ETAG in fact.proofs
    assert (Proof.SOURCE_CHECKSUM in fact.proofs) == checksums


async def test_ten_thousand_parts_are_kept(world, monkeypatch):
    """D6: an object of as many parts as S3 takes keeps every one of them (here of a few bytes each)."""
    monkeypatch.setattr("connectors.memory.rules.PART_BYTES_MIN", 1)
    monkeypatch.setattr("relocation.rules.parts.PART_BYTES_MIN", 1)
    await put_in_parts(world.store(), "talk", BIG, [b"%d" % number for number in range(10_000)])
    await world.run()
    assert etag(world, "japan") == etag(world, "korea")
    assert etag(world, "japan").endswith("-10000")


async def test_a_layout_that_can_not_be_kept_is_said(tmp_path):
    """By `keep_etag: prefer`, an object whose parts can't be asked for is cut by the limits, and the report names the loss."""
    world = await made(tmp_path, korea=Behaviour(part_number="ignored"))
    await put_in_parts(world.store(), "talk", BIG, [bytes(PART), BODY[:MIB]])
    summary = await world.run()
    assert world.bodies("japan") == world.bodies("korea")
    assert summary.losses == {"part layout, and with it the ETag": 1}


# --- streams


async def test_a_whole_object_beyond_one_buffer_keeps_its_etag(world):
    """A single PUT larger than the budget stays one: read and sent at once, in blocks, and the ETag with it."""
    await world.store().put("talk", BIG, BODY, attributes=Attributes(metadata=(("owner", "u"),)), crc64nvme=crc(BODY))
    with_policy(world, sha256=True)
    summary = await world.run()
    stored = world.japan.buckets["talk"].latest(BIG)
    assert (stored.data == BODY, stored.etag, stored.parts) == (True, etag(world, "korea"), ())
    assert stored.attributes.metadata == (("owner", "u"),)
    assert summary.outcomes["verified"].objects == 1
    assert {Proof.SAME_ETAG, Proof.SOURCE_CHECKSUM, Proof.RECEIVED, Proof.READ_BACK} <= {*(await fact_of(world)).proofs}


async def test_where_nobody_asks_for_the_etag_a_large_object_goes_by_parts(world):
    """`keep_etag: no`: parts can be tried again, so a large object goes by them."""
    with_policy(world, keep_etag="no")
    await world.store().put("talk", BIG, BODY)
    summary = await world.run()
    assert len(world.japan.buckets["talk"].latest(BIG).parts) > 1
    assert (world.bodies("japan")[BIG] == BODY, summary.losses) == (True, {})


async def test_a_stream_without_a_stored_checksum_is_read_twice(world):
    """D30: what the source can't vouch for is read once before, over the other HTTP stack, and that is a proof."""
    await world.store().put("talk", BIG, BODY)
    await world.run()
    assert asked(world, "korea", "s3:GetObject", role="reader over the other wire") >= len(BODY) // (4 * MIB)
    assert Proof.SOURCE_TWICE in (await fact_of(world)).proofs


def _flips(world: World, *, beyond: int) -> None:
    """Flip a bit of every reading of the source's big object but the first few."""
    reads = 0

    def flip(_bucket: str, key: str, body: memoryview) -> None:
        nonlocal reads
        reads += key == BIG
        if key == BIG and reads > beyond:
            body[0] ^= 1

    world.korea.on_read = flip


@pytest.mark.parametrize("checksum", [True, False], ids=["a stored checksum", "a first reading"])
async def test_wrong_bytes_of_a_stream_never_become_the_object(world, checksum):
    """D30: bytes that are not what the source stored, or read before, are broken off: nothing stands at the target."""
    await world.store().put("talk", BIG, BODY, crc64nvme=crc(BODY) if checksum else "")
    blocks = -(-len(BODY) // (int(14 * MIB) // 4))
    _flips(world, beyond=0 if checksum else blocks)
    summary = await world.run()
    assert BIG not in world.bodies("japan")
    assert [named.key for named in summary.failed] == [BIG]
    world.korea.on_read = None
    await world.run()
    assert world.bodies("japan")[BIG] == BODY


async def test_without_holding_the_last_block_back_wrong_bytes_do_become_the_object(world, monkeypatch):
    """Control: with the protection taken out, and a target that verifies nothing, the wrong bytes stand there."""
    monkeypatch.setattr(Watch, "_check", lambda _self: None)
    world.japan.behaviour = Behaviour(checksum="ignored")
    await world.store().put("talk", BIG, BODY, crc64nvme=crc(BODY))
    _flips(world, beyond=0)
    wrap_checks(monkeypatch)
    summary = await world.run()
    assert world.bodies("japan")[BIG] != BODY
    assert [named.key for named in summary.mismatched] == [BIG]  # the ETag still tells


def wrap_checks(monkeypatch) -> None:
    monkeypatch.setattr(MemoryStore, "_check_checksum", lambda *_: None)


async def test_a_source_that_changes_in_the_middle_of_a_stream_has_drifted(world, monkeypatch):
    """D23: an object that grows while it is read is never half old, half new."""
    await world.store().put("talk", BIG, BODY, crc64nvme=crc(BODY))
    reads = []

    async def get(call, store, *args, **kwargs):
        head = await call()
        reads.append(args)
        if len(reads) == 2:
            await world.store().put("talk", BIG, BODY + b"more")
        return head

    wrap(monkeypatch, "get", "korea", get)
    summary = await world.run()
    assert [named.key for named in summary.drifted] == [BIG]
    assert BIG not in world.bodies("japan")


# --- memory and turns


async def test_small_objects_go_on_beside_a_large_one(tmp_path, monkeypatch):
    """No object starves another: while a large object is on its way, small ones keep finishing, and memory stays in its budget."""
    world = World.made(tmp_path, shard_objects=1000, intent_objects=256, concurrency=8)
    await world.probe()
    await put_in_parts(world.store(), "talk", "a-large", [bytes(5 * MIB)] * 40)
    for number in range(200):
        await world.store().put("talk", f"b/{number:03}", b"%d" % number)
    finished: list[str] = []
    parts = 0

    async def slow(call, *_, **__):
        nonlocal parts
        parts += 1
        finished.append("part")
        for _ in range(100):
            await asyncio.sleep(0)
        return await call()

    async def whole(call, store, bucket, key, *_, **__):
        finished.append(key)
        return await call()

    wrap(monkeypatch, "put_part", "japan", slow)
    wrap(monkeypatch, "put", "japan", whole)
    most = 0
    async with world.context() as context:
        budget = context.budget
        lease = budget.lease

        async def watched(size):
            nonlocal most
            got = await lease(size)
            most = max(most, budget.out_bytes)
            return got

        monkeypatch.setattr(budget, "lease", watched)
        from relocation.stages.wave import WaveRequest, run_wave

        await run_wave(context, WaveRequest("talk", "all"))
    assert world.bodies("japan") == world.bodies("korea")
    quarter = [at for at, name in enumerate(finished) if name == "part"][10]
    small = [name for name in finished[:quarter] if name.startswith("b/")]
    assert len(small) >= 150  # of 200, before a quarter of the large one had begun
    assert most <= 16 * MIB
