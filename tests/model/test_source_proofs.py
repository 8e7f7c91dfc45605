"""The proofs of the source's side, and SHA-256 beside XXH3-128."""

from __future__ import annotations

import pytest

from connectors.memory import Behaviour
from tests.model.large import BIG, BODY, asked, fact_of, made
from tests.model.test_review import crc, with_policy


@pytest.fixture
async def world(tmp_path):
    return await made(tmp_path)


async def test_the_source_is_read_twice_where_nothing_else_proves_it(tmp_path):
    """D30: without a checksum and without comparable ETags, the source is read again, over the other HTTP stack."""
    world = await made(tmp_path, japan=Behaviour(etag="opaque"))
    await world.store().put("talk", "plain", b"no checksum")
    await world.store().put("talk", "summed", b"a checksum", crc64nvme=crc(b"a checksum"))
    summary = await world.run()
    assert (summary.proofs["source_twice"], summary.proofs["source_checksum"]) == (1, 1)
    assert asked(world, "korea", "s3:GetObject", "plain", role="reader over the other wire") == 1
    assert asked(world, "korea", "s3:GetObject", "summed", role="reader over the other wire") == 0


@pytest.mark.parametrize(("policy", "count"), [("always", 2), ("when_missing", 0), ("never", 0)])
async def test_the_policy_says_when_the_source_is_read_twice(world, policy, count):
    """`source_proof`: always, only where it is missing (not where ETags agree), or never."""
    with_policy(world, source_proof=policy)
    for key in ("a", "b"):
        await world.store().put("talk", key, key.encode())
    summary = await world.run()
    assert (summary.proofs["source_twice"], summary.outcomes["verified"].objects) == (count, 2)


@pytest.mark.parametrize("policy", ["when_missing", "never"])
async def test_a_bit_that_flipped_on_the_way_in_is_found_by_the_second_reading(tmp_path, policy):
    """D30: copied wrong and read back as equal; the second reading tells (control: without it the object counts as verified)."""
    world = await made(tmp_path, japan=Behaviour(etag="opaque"))
    with_policy(world, source_proof=policy)
    await world.store().put("talk", "plain", b"no checksum")
    reads = []

    def flip(_bucket: str, key: str, body: memoryview) -> None:
        reads.append(key)
        if len(reads) == 1:
            body[0] ^= 1

    world.korea.on_read = flip
    summary = await world.run()
    if policy == "never":
        assert summary.outcomes["verified"].objects == 1
        assert world.bodies("japan") != world.bodies("korea")
        return
    assert [named.key for named in summary.mismatched] == ["plain"]
    await world.run()
    assert world.bodies("japan") == world.bodies("korea")


async def test_a_sha256_is_taken_and_compared_where_the_policy_asks(world):
    """SHA-256 stands in the facts beside XXH3-128, of copied objects whole and by parts, and of those that were kept."""
    import hashlib

    await world.store().put("talk", "before", b"before")
    await world.run()
    assert (await fact_of(world, "before")).sha256 == ""
    with_policy(world, sha256=True)
    await world.seed(plain=1)
    await world.store().put("talk", BIG, BODY)
    summary = await world.run()
    assert summary.outcomes["verified"] == summary.counts["listed"]
    for key, body in world.bodies("korea").items():
        assert (await fact_of(world, key)).sha256 == hashlib.sha256(body).hexdigest()
