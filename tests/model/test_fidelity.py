"""What travels beside the bytes, on stores that keep more, or less, than MinIO does (D3, D9, D11, D13, D18, D19, D27, S11)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.memory import Behaviour, MemoryStore
from connectors.memory.service import Care
from relocation.rules import fidelity
from relocation.rules.objects import LOCK_HOLD, LOCK_MODE, LOCK_UNTIL, RESTORE, SSE, SSE_KEY, Attributes, Place
from relocation.settings import Policy
from relocation.stages.probe import probe
from relocation.stages.wave import WaveRequest, dry_run
from relocation.transfer import compare, copy_parts, read
from tests.model.world import PART, World, put_in_parts

REDIRECT = ("x-amz-website-redirect-location", "/elsewhere")
UNTIL = "2033-01-01T00:00:00Z"


async def made(folder, *attributes: Attributes, policy: dict[str, object] | None = None, locked: str = "", **sides) -> World:
    """Return a world with one object for each of the attributes: `0`, `1`, …"""
    world = World.made(folder, **sides)
    for side in locked.split():
        {"korea": world.korea, "japan": world.japan}[side].make_bucket("talk", object_lock=True)
    category = world.settings.categories["talk"]
    changed = category.model_copy(update={"policy": Policy(**(policy or {}))})
    world.settings = world.settings.model_copy(update={"categories": {"talk": changed}})
    for number, each in enumerate(attributes):
        await world.store().put("talk", str(number), bytes([number]) * 99, attributes=each)
    await world.probe()
    return world


def kept(world: World, key: str, side: str = "japan"):
    return {"korea": world.korea, "japan": world.japan}[side].buckets["talk"].latest(key)


async def planned(world: World):
    async with world.context() as context:
        return await dry_run(context, WaveRequest("talk", "all"))


async def probe_target(world: World) -> None:
    """Ask the target anew: with the encryption that the policy names."""
    async with world.context() as context:
        await probe(context, Place("japan", "talk"), side="target")


def change_care(world: World, key: str, care: Care) -> None:
    versions = world.korea.buckets["talk"].keys[key]
    versions[-1] = replace(versions[-1], care=care)


async def test_what_a_target_drops_is_declared_before_the_first_byte_and_again_by_name_after(tmp_path):
    """D27: a website redirect that the target drops without a word stands in the dry run's report, with why, and in the run's."""
    japan = Behaviour(loses_headers=(REDIRECT[0],), encodes_metadata=True)
    world = await made(tmp_path, Attributes(headers=(REDIRECT,)), japan=japan)
    dry = await planned(world)
    assert any(text.startswith("x-amz-website-redirect-location: the target") for text in dry.declared)
    assert any(text.startswith("non-ASCII user metadata: the target") for text in dry.declared)
    assert [count for text, count in dry.declared.items() if text.startswith("Last-Modified")] == [1]
    summary = await world.run()
    assert summary.losses == {REDIRECT[0]: 1}
    assert [(each.key, each.reason) for each in summary.lost] == [("0", REDIRECT[0])]
    assert summary.lost_objects == 1
    assert summary.outcomes["verified"].objects == 1


async def test_what_a_target_keeps_is_not_declared_lost(tmp_path):
    """D27, D19: the same object on a target that keeps it all loses nothing but its Last-Modified and its ACL."""
    world = await made(tmp_path, Attributes(headers=(REDIRECT,), storage_class="GLACIER_IR"))
    dry = await planned(world)
    assert {text.split(":")[0] for text in dry.declared} == {"Last-Modified", "ACL"}
    assert (await world.run()).losses == {}
    assert REDIRECT in kept(world, "0").attributes.headers
    assert kept(world, "0").attributes.storage_class == "GLACIER_IR"


@pytest.mark.parametrize(("drops", "losses"), [((), {}), (("expires",), {"expires": 1})])
async def test_an_expires_that_is_no_date_is_kept_as_text_or_named(tmp_path, drops, losses):
    """D19: `Expires: 0` is text like any other; MinIO shows none that is no date, and then the report says so."""
    world = await made(tmp_path, Attributes(headers=(("expires", "0"),)), japan=Behaviour(loses_headers=drops))
    assert (await world.run()).losses == losses
    assert (("expires", "0") in kept(world, "0").attributes.headers) == (not drops)


async def test_tags_that_the_target_does_not_take_are_a_declared_loss_and_the_object_comes_home(tmp_path):
    """D18: a Japanese tag on a target of ASCII tags is left out and named; the others go along."""
    world = await made(tmp_path, Attributes(tags=(("album", "写真"), ("kind", "image"))), japan=Behaviour(ascii_tags=True))
    summary = await world.run()
    assert summary.losses == {"tags beyond ASCII (the target does not take them)": 1}
    assert kept(world, "0").attributes.tags == (("kind", "image"),)
    assert summary.outcomes["verified"].objects == 1
    assert (await world.run()).losses == summary.losses


async def test_acls_are_mapped_by_the_policy_and_what_has_no_mapping_is_a_declared_loss(tmp_path):
    """D19: a canned ACL becomes what the policy says; one without a mapping, and a grant to a person, are named and not guessed."""
    acls = [Attributes(headers=(("x-amz-acl", name),)) for name in ("public-read", "authenticated-read", "private")]
    world = await made(tmp_path, *acls, policy={"acl_map": {"public-read": "authenticated-read"}})
    person = Care(grants=(("id:somebody", "READ"), ("id:owner", "FULL_CONTROL")))
    change_care(world, "2", person)
    summary = await world.run()
    assert ("group:AuthenticatedUsers", "READ") in kept(world, "0").care.grants
    assert kept(world, "1").care.grants == kept(world, "2").care.grants == Care().grants
    assert summary.losses == {
        "ACL: authenticated-read (no mapping in policy.acl_map)": 1,
        "ACL: READ of id:somebody (no canned ACL says it)": 1,
    }
    assert summary.outcomes["verified"].objects == 3


async def test_a_target_that_ignores_acls_is_found_out(tmp_path):
    """D19, D27: an ACL that was sent and is not there afterwards is a declared loss: the target's own answer counts."""
    acl = Attributes(headers=(("x-amz-acl", "public-read"),))
    world = await made(tmp_path, acl, policy={"acl_map": {"public-read": "public-read"}}, japan=Behaviour(acl="ignored"))
    assert (await world.run()).losses == {"x-amz-acl": 1}


async def test_without_a_map_no_acl_is_asked_for(tmp_path):
    """An ordinary object costs one read and one write: what the policy does not ask for is not requested."""
    world = await made(tmp_path, Attributes())
    await world.run()
    asked = [call.action for service in (world.korea, world.japan) for call in service.calls if call.key == "0"]
    assert not {"s3:GetObjectAcl", "s3:GetObjectTagging"} & set(asked)


async def test_a_storage_class_that_the_target_does_not_take_is_refused_at_plan_by_name(tmp_path):
    """D19: without a mapping it is refused with the setting that is missing; with one it comes home in the class that was named."""
    attributes = (Attributes(storage_class="STANDARD_IA"), Attributes())
    japan = Behaviour(storage_classes=("REDUCED_REDUNDANCY",))
    dry = await planned(await made(tmp_path / "without", *attributes, japan=japan))
    assert [(named.key, "STANDARD_IA" in named.reason) for named in dry.refused] == [("0", True)]
    assert "policy.storage_class_map" in dry.refused[0].reason
    policy = {"storage_class_map": {"STANDARD_IA": "REDUCED_REDUNDANCY"}}
    world = await made(tmp_path / "with", *attributes, japan=japan, policy=policy)
    summary = await world.run()
    assert (summary.refused, summary.losses) == ((), {})
    assert any("STANDARD_IA becomes REDUCED_REDUNDANCY" in text for text in summary.declared)
    assert kept(world, "0").attributes.storage_class == "REDUCED_REDUNDANCY"


async def test_an_archived_object_needs_to_be_restored_and_says_so_at_plan(tmp_path):
    """D13: GLACIER is refused by name before anything is read; restored, it comes home, in a class that the policy names."""
    policy = {"storage_class_map": {"GLACIER": "STANDARD", "DEEP_ARCHIVE": "STANDARD"}}
    deep, glacier = Attributes(storage_class="DEEP_ARCHIVE"), Attributes(storage_class="GLACIER")
    world = await made(tmp_path, glacier, deep, Attributes(storage_class="INTELLIGENT_TIERING"), policy=policy)
    before = kept(world, "1", "korea").care
    change_care(world, "1", Care((*before.rarer, (RESTORE, 'ongoing-request="true"')), before.grants))
    change_care(world, "2", Care((("x-amz-archive-status", "ARCHIVE_ACCESS"), *kept(world, "2", "korea").care.rarer)))
    dry = await planned(world)
    assert [named.key for named in dry.refused] == ["0", "1", "2"]
    assert all(named.reason.startswith("NEEDS_RESTORE") for named in dry.refused)
    until = (RESTORE, 'ongoing-request="false", expiry-date="Fri, 21 Dec 2035 00:00:00 GMT"')
    for key in "012":
        change_care(world, key, Care((*kept(world, key, "korea").care.rarer[:1], until)))
    summary = await world.run()
    assert summary.outcomes["verified"].objects == 3
    assert summary.losses == {}


async def test_without_the_look_at_plan_an_archived_object_would_be_tried(tmp_path, monkeypatch):
    """Negative control: it is the rule of archives that refuses."""
    monkeypatch.setattr(fidelity, "needs_restore", lambda *_: "")
    with pytest.raises(AssertionError):
        await test_an_archived_object_needs_to_be_restored_and_says_so_at_plan(tmp_path)


LOCKS = (
    Attributes(headers=((LOCK_MODE, "COMPLIANCE"), (LOCK_UNTIL, UNTIL))),
    Attributes(headers=((LOCK_MODE, "GOVERNANCE"), (LOCK_UNTIL, UNTIL), (LOCK_HOLD, "ON"))),
    Attributes(),
)


async def test_what_is_held_at_the_source_is_held_as_firmly_at_the_target(tmp_path):
    """D11: mode, end and legal hold go along; what is not held is not held there either."""
    world = await made(tmp_path, *LOCKS, locked="korea japan")
    summary = await world.run()
    assert summary.outcomes["verified"].objects == 3
    assert summary.losses == {}
    for key in "012":
        assert kept(world, key).care.rarer == kept(world, key, "korea").care.rarer


async def test_a_target_that_holds_less_firmly_fails_by_name(tmp_path, monkeypatch):
    """D11: never less than the source. A retention that the target dropped is no declared loss but a failure of that object."""
    world = await made(tmp_path, *LOCKS, locked="korea japan")
    put = MemoryStore.put

    async def forgets(self, bucket, key, body, *, attributes=LOCKS[2], **more):
        if self.endpoint == "japan" and bucket == "talk":
            attributes = replace(attributes, headers=tuple(pair for pair in attributes.headers if pair[0] != LOCK_HOLD))
        return await put(self, bucket, key, body, attributes=attributes, **more)

    monkeypatch.setattr(MemoryStore, "put", forgets)
    summary = await world.run()
    assert [(named.key, LOCK_HOLD in named.reason) for named in summary.failed] == [("1", True)]


async def test_without_the_comparison_of_locks_a_weaker_one_would_pass(tmp_path, monkeypatch):
    """Negative control: it is `weaker` that tells."""
    monkeypatch.setattr(fidelity, "weaker", lambda *_: ())
    with pytest.raises(AssertionError):
        await test_a_target_that_holds_less_firmly_fails_by_name(tmp_path, monkeypatch)


async def test_what_is_held_is_refused_at_plan_where_nothing_could_hold_it(tmp_path):
    """D11: a target bucket without object lock: what is held is refused by name, the rest comes home."""
    world = await made(tmp_path, *LOCKS, locked="korea")
    dry = await planned(world)
    assert [named.key for named in dry.refused] == ["0", "1"]
    assert all("object lock" in named.reason for named in dry.refused)
    summary = await world.run()
    assert set(world.bodies("japan")) == {"2"}
    assert summary.outcomes["verified"].objects == 1


async def test_a_retention_that_has_run_out_holds_nothing_any_more(tmp_path):
    """D11: no store takes a retention that ended in the past; its object comes home unheld, and that is no loss."""
    world = await made(tmp_path, LOCKS[0], locked="korea japan")
    change_care(world, "0", Care(((LOCK_MODE, "COMPLIANCE"), (LOCK_UNTIL, "2001-01-01T00:00:00Z"))))
    summary = await world.run()
    assert summary.outcomes["verified"].objects == 1
    assert summary.losses == {}
    assert kept(world, "0").care == Care()


async def test_encryption_follows_the_policy_and_an_opaque_etag_is_not_taken_for_other_bytes(tmp_path):
    """D9: a key service's key at the target makes ETags opaque: nothing is compared with them, all is verified by its bytes."""
    world = await made(tmp_path, Attributes(), Attributes(), policy={"sse": {"type": "kms", "key": "key-1"}})
    await put_in_parts(world.store(), "talk", "video.mp4", [bytes(PART), b"end"])
    await probe_target(world)
    summary = await world.run()
    assert summary.outcomes["verified"].objects == 3
    assert summary.losses == {}
    assert summary.proofs["same_etag"] == 0
    assert dict(kept(world, "0").care.rarer) == {SSE: "aws:kms", SSE_KEY: "key-1"}
    again = await world.run()
    assert again.counts["keep"].objects == 3


async def test_a_key_that_we_may_not_use_is_named_at_plan(tmp_path):
    """D9: the probe tries the very key that the policy names, and the plan refuses with its name before the first byte."""
    world = await made(tmp_path, Attributes(), policy={"sse": {"type": "kms", "key": "another-key"}})
    assert ["hikkoshi probe" in named.reason for named in (await planned(world)).refused] == [True]
    await probe_target(world)
    (named,) = (await planned(world)).refused
    assert "another-key" in named.reason
    assert "KMS.NotFoundException" in named.reason


async def test_a_source_encrypted_by_a_key_service_is_not_taken_for_altered_bytes(tmp_path):
    """D9: its ETag is no MD5, whatever that of the canaries was; its copy is verified by its bytes."""
    world = await made(tmp_path, Attributes(headers=((SSE, "aws:kms"),)), Attributes())
    versions = world.korea.buckets["talk"].keys["0"]
    versions[-1] = replace(versions[-1], etag="0" * 26)  # `opaque` and so much of it
    world.korea.buckets["talk"].keys["0"] = versions
    summary = await world.run()
    assert [named.reason for named in summary.failed] == []
    assert summary.outcomes["verified"].objects == 2


async def test_the_sources_last_modified_is_noted_where_the_policy_says_so(tmp_path):
    """D19: lost by nature, it is kept in the facts, and in user metadata; the note is no difference, whoever copied."""
    world = await made(tmp_path, Attributes(metadata=(("owner", "u1"),)), policy={"source_modified_in_metadata": True})
    summary = await world.run()
    assert summary.losses == {}
    head = await world.store("korea").head("talk", "0")
    assert dict(kept(world, "0").attributes.metadata) == {"owner": "u1", fidelity.SOURCE_MODIFIED: head.last_modified}
    other = await made(tmp_path / "other", Attributes(), policy={"source_modified_in_metadata": True})
    await other.store("japan").put("talk", "0", bytes(99))  # somebody else copied it, and noted nothing
    assert (await other.run()).losses == {}


async def test_a_change_of_metadata_alone_comes_home_with_the_next_run(tmp_path):
    """D3: the same bytes written anew with other metadata, between list and copy and after: what is at the target is the newest."""
    world = await made(tmp_path, Attributes(metadata=(("owner", "u1"),)))
    await world.run()
    world.clock.seconds += 5
    await world.store().put("talk", "0", bytes(99), attributes=Attributes(metadata=(("owner", "u2"),)))
    summary = await world.run()
    assert summary.outcomes["verified"].objects == 1
    assert dict(kept(world, "0").attributes.metadata) == {"owner": "u2"}


async def test_head_and_get_that_disagree_are_drift_and_neither_is_picked(tmp_path, monkeypatch):
    """S11: a HEAD that tells of another encoding than the GETs of the same object: drifted, by name, and nothing is written."""
    world = await made(tmp_path)
    await put_in_parts(world.store(), "talk", "video.mp4", [bytes(PART), b"end"])
    head = MemoryStore.head

    async def lies(self, bucket, key, **asked):
        answer = await head(self, bucket, key, **asked)
        if self.endpoint != "korea" or asked.get("part_number"):
            return answer
        headers = (("content-encoding", "gzip"), *answer.attributes.headers)
        return answer._replace(attributes=replace(answer.attributes, headers=headers))

    monkeypatch.setattr(MemoryStore, "head", lies)
    summary = await world.run()
    assert [(named.key, "content-encoding" in named.reason) for named in summary.drifted] == [("video.mp4", True)]
    assert world.bodies("japan") == {}


async def test_without_the_comparison_one_of_two_answers_would_be_picked(tmp_path, monkeypatch):
    """Negative control: it is the comparison of answers that finds it."""
    for module in (copy_parts, compare, read):
        monkeypatch.setattr(module, "check_same", lambda *_: None)
    with pytest.raises(AssertionError):
        await test_head_and_get_that_disagree_are_drift_and_neither_is_picked(tmp_path, monkeypatch)
