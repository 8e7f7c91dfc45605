"""Keys that encrypt at either side: a customer's own, by reference (D10), and those of a key service at the source (D9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.memory import Behaviour, MemoryStore
from relocation.rules.errors import Forbidden
from relocation.rules.objects import SSE, SSE_CUSTOMER, SSE_KEY, Attributes, Place
from relocation.rules.records import Action
from relocation.settings import Policy
from relocation.stages import draw, encrypted, fidelity
from relocation.stages.probe import probe
from relocation.stages.wave import WaveRequest, dry_run
from tests.model.world import PART, MemoryStores, World, put_in_parts

KOREA, JAPAN = "env:KOREA_TALK", "env:JAPAN_TALK"


async def made(folder, *, source: str | None = None, target: str | None = None, policy=None, **sides) -> World:
    """Return a world whose category has customer's keys at these sides, with nothing in it."""
    world = World.made(folder, **sides)
    category = world.settings.categories["talk"]
    keys = {side: key for side, key in (("source", source), ("target", target)) if key}
    changed = category.model_copy(update={"policy": Policy(customer_keys=keys, **(policy or {}))})
    world.settings = world.settings.model_copy(update={"categories": {"talk": changed}})
    await world.probe()
    if target:
        async with world.context() as context:
            await probe(context, Place("japan", "talk"), side="target")
    return world


def keyed(world: World, key: str = KOREA, side: str = "korea") -> MemoryStore:
    return MemoryStore({"korea": world.korea, "japan": world.japan}[side], customer_key=key)


async def seed(store: MemoryStore) -> None:
    await store.put("talk", "empty", b"")
    await store.put("talk", "small", b"s" * 500, attributes=Attributes(metadata=(("owner", "u1"),), tags=(("kind", "image"),)))
    await put_in_parts(store, "talk", "video", [bytes(PART + 7), b"end"])


async def planned(world: World):
    async with world.context() as context:
        return await dry_run(context, WaveRequest("talk", "all"))


async def test_objects_of_customers_keys_come_home_under_the_key_of_the_target(tmp_path):
    """D10: read with the source's key, written and read back with the target's; one that no key encrypts comes along; ETags are
    not compared, and the report says so; a second run keeps everything."""
    world = await made(tmp_path, source=KOREA, target=JAPAN)
    await seed(keyed(world))
    await world.store().put("talk", "clear", b"c" * 100)
    dry = await planned(world)
    assert any(text.startswith("encryption: SSE-C") and "not compared" in text for text in dry.declared)
    summary = await world.run()
    assert summary.outcomes["verified"].objects == 4, (summary.failed, summary.refused)
    assert (summary.losses, summary.proofs["same_etag"], summary.proofs["read_back"]) == ({}, 0, 4)
    kept = {key: world.japan.buckets["talk"].latest(key) for key in ("empty", "small", "video", "clear")}
    assert {each.care.customer_key for each in kept.values()} == {JAPAN}
    assert {key: each.data for key, each in kept.items()} == {key: world.korea.buckets["talk"].latest(key).data for key in kept}
    again = await world.run()
    assert (again.counts["keep"].objects, again.outcomes["verified"].objects) == (4, 4)


async def test_without_the_key_in_the_read_back_nothing_would_be_verified(tmp_path, monkeypatch):
    """Negative control: the readers' stores without the key."""
    of = MemoryStores.of

    def forgetful(self, endpoint, role, *, other_wire=False, customer_key=""):
        return of(
            self,
            endpoint,
            role,
            other_wire=other_wire,
            customer_key="" if endpoint == "japan" and role == "reader" else customer_key,
        )

    world = await made(tmp_path, target=JAPAN)
    await world.store().put("talk", "small", b"s")
    monkeypatch.setattr(MemoryStores, "of", forgetful)
    summary = await world.run()
    assert summary.outcomes["verified"].objects == 0
    assert ["could not be read back" in named.reason for named in summary.failed] == [True]


async def test_what_a_customers_key_encrypts_is_refused_at_plan_where_none_is_named(tmp_path):
    """D10: one that the sample meets has every object of the move looked at: each is refused by name with what to do, the others
    come home."""
    world = await made(tmp_path)
    for number in range(30):
        await (keyed(world) if number % 10 == 0 else world.store()).put("talk", f"{number:02}", b"x" * 50)
    summary = await world.run()
    assert {named.key for named in summary.refused} == {"00", "10", "20"}
    assert all("name it in policy.customer_keys.source" in named.reason for named in summary.refused)
    assert (summary.outcomes["verified"].objects, summary.failed) == (27, ())


async def test_what_the_sample_missed_fails_by_name_and_stops_nobody(tmp_path, monkeypatch):
    """D10: a single one among many that nobody looked at."""
    monkeypatch.setattr(encrypted, "SAMPLE", 2)
    world = await made(tmp_path)
    for number in range(5):
        await (keyed(world) if number == 2 else world.store()).put("talk", f"{number:02}", b"x" * 50)
    summary = await world.run()
    assert [(named.key, "SSE-C" in named.reason) for named in summary.failed] == [("02", True)]
    assert summary.outcomes["verified"].objects == 4


async def test_a_wrong_key_is_a_refusal_that_says_so(tmp_path):
    """D10: the reference is named, never the key; nothing is written."""
    world = await made(tmp_path, source="env:ANOTHER")
    await seed(keyed(world))
    summary = await world.run()
    assert {named.key for named in summary.refused} == {"empty", "small", "video"}
    assert all("env:ANOTHER" in named.reason and "not the one" in named.reason for named in summary.refused)
    assert world.bodies("japan") == {}


async def test_a_target_that_takes_no_customers_keys_is_found_out_before_the_first_byte(tmp_path):
    """D10: SSE-C is blocked by default on new buckets of AWS: the probe sees it, the plan says what to do, nothing is written."""
    world = await made(tmp_path, target=JAPAN, japan=Behaviour(customer_keys="blocked"))
    await seed(world.store())
    summary = await world.run()
    assert {named.key for named in summary.refused} == {"empty", "small", "video"}
    assert all("BlockedEncryptionTypes" in named.reason for named in summary.refused)
    assert world.bodies("japan") == {}


async def test_an_etag_that_must_be_kept_and_is_a_customers_keys_is_refused_at_plan(tmp_path):
    """D10: such ETags are no MD5, on neither side."""
    for number, side in enumerate(("source", "target")):
        world = await made(tmp_path / str(number), policy={"keep_etag": "require"}, **{side: KOREA})
        await world.store().put("talk", "small", b"s")
        assert ["keep_etag: require" in named.reason for named in (await planned(world)).refused] == [True]


async def test_keys_of_a_key_service_that_we_may_not_use_are_named_before_anything_moves(tmp_path):
    """D9: of each key met one object is read, one byte of it; what a key that is gone encrypts is refused with the key's name, and
    what another one encrypts comes home."""
    world = await made(tmp_path, korea=Behaviour(kms_keys=("key-1", "key-2")))
    for number in range(6):
        headers = ((SSE, "aws:kms"), (SSE_KEY, f"key-{1 + number % 2}"))
        await world.store().put("talk", str(number), b"x" * 50, attributes=Attributes(headers=headers))
    world.korea.behaviour = replace(world.korea.behaviour, kms_keys=("key-1",))
    world.korea.calls.clear()
    dry = await planned(world)
    reads = [call for call in world.korea.calls if call.action == "s3:GetObject"]
    assert len(reads) == 6 + 3 + 2, "a HEAD each, once more where one was refused, and one byte of each key"
    assert {named.key for named in dry.refused} == {"1", "3", "5"}
    assert all("key-2" in named.reason and "KMS.NotFoundException" in named.reason for named in dry.refused)
    summary = await world.run()
    assert (summary.outcomes["verified"].objects, summary.failed) == (3, ())


@pytest.mark.parametrize(
    ("words", "refused"), [("AccessDenied (may not kms:Decrypt on arn:aws:kms:r:1:key/k-9)", 3), ("AccessDenied", 0)]
)
async def test_a_key_that_only_the_refusal_of_a_read_names_is_named_at_plan(tmp_path, monkeypatch, words, refused):
    """D9: AWS refuses HEAD without a word where the key is not ours to use; a GET says which key. Another missing right is not
    taken for one: the copy tells."""
    world = await made(tmp_path)
    for number in range(3):
        await world.store().put("talk", str(number), b"x" * 50)

    async def head(self, bucket, key, **asked):
        raise Forbidden("korea: role reader may not s3:GetObject: 403")

    async def get(self, bucket, key, into, **asked):
        raise Forbidden(f"korea: role reader may not s3:GetObject: 403 {words}")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryStore, "head", head)
        patch.setattr(MemoryStore, "get", get)
        async with world.context() as context:
            wave = context.settings.waves_of("talk")[0]
            drawn = await draw.draw(context, "talk", wave)
            rows = [row async for piece in drawn.pieces for row in piece.rows]
    assert [("key/k-9" in row.reason) for row in rows if row.action == Action.REFUSE] == [True] * refused


async def test_without_the_look_at_the_keys_the_plan_would_promise_what_can_not_be_read(tmp_path, monkeypatch):
    """Negative control for D9 and D10: nobody looks, and it fails when the bytes are already moving."""

    async def nobody_looks(context, category, rows):
        return rows

    monkeypatch.setattr(fidelity, "refuse_unreadable", nobody_looks)
    for test in (
        test_keys_of_a_key_service_that_we_may_not_use_are_named_before_anything_moves,
        test_what_a_customers_key_encrypts_is_refused_at_plan_where_none_is_named,
        test_a_wrong_key_is_a_refusal_that_says_so,
    ):
        with pytest.raises(AssertionError):
            await test(tmp_path / test.__name__)


async def test_ordinary_objects_cost_no_request_beyond_the_sample(tmp_path):
    """D9: a listing shows no keys; a few objects are asked, evenly spread, however many there are."""
    world = await made(tmp_path)
    for number in range(200):
        await world.store().put("talk", f"{number:03}", b"x")
    world.korea.calls.clear()
    await planned(world)
    asked = [call.key for call in world.korea.calls if call.action == "s3:GetObject"]
    assert (len(asked), asked[0], asked[-1]) == (encrypted.SAMPLE, "000", "199")


async def test_encryption_asked_for_without_a_key_is_never_left_out(tmp_path):
    """D10: a writer that lost its key is refused; nothing lies unencrypted at the target."""
    world = await made(tmp_path)
    with pytest.raises(Exception, match="InvalidArgument"):
        await world.store("japan").put("talk", "k", b"x", attributes=Attributes(headers=((SSE_CUSTOMER, "AES256"),)))
    assert world.bodies("japan") == {}
