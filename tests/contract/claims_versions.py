"""Claims about deletes, versions, delete markers and object lock: what an erase relies on."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from relocation.rules.errors import BadRequest, Forbidden, NotFound, PreconditionFailed, Refusal
from tests.contract.lab import CLAIMS, Lab, refused

keeps = CLAIMS.add("versions")
refuses = CLAIMS.add("versions", refusal=True)


async def two_versions(lab: Lab) -> tuple[str, str, str]:
    """Return a bucket in which `k` has two versions, and their ids, the older first."""
    bucket = await lab.bucket(versioning="Enabled")
    first = await lab.store.put(bucket, "k", b"first")
    second = await lab.store.put(bucket, "k", b"second")
    return bucket, first.version_id, second.version_id


async def listed(lab: Lab, bucket: str, **asked: object) -> list[tuple[str, str, bool, bool]]:
    """Return (key, version id, is latest, is a marker) of one page of the versions."""
    items = (await lab.store.list_versions(bucket, **asked)).items  # type: ignore[arg-type]
    return [(item.key, item.version_id, item.is_latest, item.is_delete_marker) for item in items]


def in_an_hour() -> str:
    return datetime.fromtimestamp(int(time.time()) + 3600, UTC).isoformat().replace("+00:00", "Z")


@keeps
async def a_delimiter_folds_versions_and_markers_that_lie_below(lab: Lab) -> None:
    """One level of a tree, with its common prefixes, one of which everything was deleted included: also page by page."""
    bucket = await lab.bucket(versioning="Enabled")
    for key in ("a/1", "a/2", "b", "gone/1"):
        await lab.store.put(bucket, key, b"x")
    await lab.store.delete(bucket, "gone/1")
    for page_keys in (1000, 1):
        found, token = [], ""
        while True:
            page = await lab.store.list_versions(bucket, token=token, delimiter="/", page_keys=page_keys)
            found += [(item.key, bool(item.version_id)) for item in page.items]
            if not (token := page.next_token):
                break
        assert found == [("a/", False), ("b", True), ("gone/", False)]


@keeps
async def a_deleted_object_is_gone(lab: Lab) -> None:
    """After a delete neither HEAD nor GET finds it."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello")
    await lab.store.delete(bucket, "k")
    await refused(lab.store.head(bucket, "k"), NotFound)
    await refused(lab.read(bucket, "k"), NotFound)


@keeps
async def deleting_what_is_not_there_is_no_error(lab: Lab) -> None:
    """A delete whose answer was lost can be sent again."""
    bucket = await lab.bucket()
    await lab.store.delete(bucket, "k")
    assert await lab.keys(bucket) == []


@refuses
async def a_delete_with_a_wrong_if_match_is_refused(lab: Lab) -> None:
    """What was overwritten since is not deleted in its place."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "k", b"first")).etag
    await lab.store.put(bucket, "k", b"second")
    await refused(lab.store.delete(bucket, "k", if_match=etag), PreconditionFailed)
    assert await lab.read(bucket, "k") == b"second"


@keeps
async def a_delete_with_the_right_if_match_is_done(lab: Lab) -> None:
    """A condition that holds changes nothing."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "k", b"hello")).etag
    await lab.store.delete(bucket, "k", if_match=etag)
    await refused(lab.store.head(bucket, "k"), NotFound)


@keeps
async def a_bucket_says_whether_it_keeps_versions(lab: Lab) -> None:
    """Never turned on, on, suspended: three states."""
    bucket = await lab.bucket()
    assert await lab.store.get_versioning(bucket) == ""
    await lab.set_versioning(bucket, "Enabled")
    assert await lab.store.get_versioning(bucket) == "Enabled"
    await lab.set_versioning(bucket, "Suspended")
    assert await lab.store.get_versioning(bucket) == "Suspended"


@keeps
async def an_overwritten_version_can_be_read(lab: Lab) -> None:
    """Each PUT makes a version with an id of its own; without an id the newest answers."""
    bucket, first, second = await two_versions(lab)
    assert first
    assert second
    assert await lab.read(bucket, "k", version_id=first) == b"first"
    assert await lab.read(bucket, "k", version_id=second) == b"second"
    body, head = await lab.fetch(bucket, "k")
    assert (body, head.version_id) == (b"second", second)


@keeps
async def versions_are_listed_newest_first(lab: Lab) -> None:
    """Every version of every key is in the versions listing; one of each key is the latest."""
    bucket, first, second = await two_versions(lab)
    await lab.store.put(bucket, "a", b"x")
    rows = await listed(lab, bucket)
    assert [(key, latest) for key, _, latest, _ in rows] == [("a", True), ("k", True), ("k", False)]
    assert [id_ for key, id_, _, _ in rows if key == "k"] == [second, first]


@keeps
async def pages_of_versions_hold_every_version_once(lab: Lab) -> None:
    """Small pages one after the other make the whole listing, also within one key."""
    bucket, first, second = await two_versions(lab)
    third = (await lab.store.put(bucket, "k2", b"x")).version_id
    ids: list[str] = []
    token = ""
    for _ in range(10):
        page = await lab.store.list_versions(bucket, token=token, page_keys=1)
        ids += [item.version_id for item in page.items]
        token = page.next_token
        if not token:
            break
    assert ids == [second, first, third]


@keeps
async def versions_can_be_listed_from_behind_a_key(lab: Lab) -> None:
    """`key-marker` alone begins behind all versions of that key, whether or not the key exists."""
    bucket, _, _ = await two_versions(lab)
    third = (await lab.store.put(bucket, "k2", b"x")).version_id
    for after, rest in (("a", ["k", "k", "k2"]), ("k", ["k2"]), ("k1", ["k2"]), ("k2", [])):
        assert [row[0] for row in await listed(lab, bucket, start_after=after)] == rest
    assert [row[1] for row in await listed(lab, bucket, start_after="k", page_keys=1)] == [third]


@keeps
async def versions_are_listed_by_prefix(lab: Lab) -> None:
    """A prefix narrows the versions listing."""
    bucket = await lab.bucket(versioning="Enabled")
    for key in ("a/1", "b/1", "b/2"):
        await lab.store.put(bucket, key, b"x")
    assert [row[0] for row in await listed(lab, bucket, prefix="b/")] == ["b/1", "b/2"]


@keeps
async def a_delete_lays_a_marker(lab: Lab) -> None:
    """On a versioned bucket a delete hides the object and keeps its versions."""
    bucket, first, second = await two_versions(lab)
    await lab.store.delete(bucket, "k")
    assert await lab.keys(bucket) == []
    rows = await listed(lab, bucket)
    assert [(latest, marker) for _, _, latest, marker in rows] == [(True, True), (False, False), (False, False)]
    assert await lab.read(bucket, "k", version_id=second) == b"second"
    assert await lab.read(bucket, "k", version_id=first) == b"first"


@keeps
async def deleted_is_told_from_never_there(lab: Lab) -> None:
    """A key under a delete marker is "deleted" for HEAD and GET; one that was never written is not (I10)."""
    bucket, _, _ = await two_versions(lab)
    await lab.store.delete(bucket, "k")
    assert (await refused(lab.store.head(bucket, "k"), NotFound)).deleted
    assert (await refused(lab.read(bucket, "k"), NotFound)).deleted
    assert not (await refused(lab.store.head(bucket, "other"), NotFound)).deleted


@keeps
async def taking_a_marker_away_brings_the_object_back(lab: Lab) -> None:
    """A delete marker has an id, and can be deleted by it."""
    bucket, _, _ = await two_versions(lab)
    await lab.store.delete(bucket, "k")
    marker = next(id_ for _, id_, _, is_marker in await listed(lab, bucket) if is_marker)
    await lab.store.delete(bucket, "k", version_id=marker)
    assert await lab.read(bucket, "k") == b"second"


@refuses
async def a_delete_by_version_takes_nothing_else(lab: Lab) -> None:
    """Exactly the version that was named is gone; the other one is there, byte for byte, and no marker was laid."""
    bucket, first, second = await two_versions(lab)
    await lab.store.delete(bucket, "k", version_id=first)
    assert await listed(lab, bucket) == [("k", second, True, False)]
    assert await lab.read(bucket, "k") == b"second"
    await refused(lab.read(bucket, "k", version_id=first), NotFound)


@refuses
async def a_version_that_is_not_there_is_not_found(lab: Lab) -> None:
    """Another version never answers for the one that was asked for."""
    bucket, first, _ = await two_versions(lab)
    await lab.store.delete(bucket, "k", version_id=first)
    await refused(lab.store.head(bucket, "k", version_id=first), NotFound)
    await refused(lab.read(bucket, "k", version_id=first), NotFound)


@refuses
async def a_version_of_one_key_is_not_found_under_another(lab: Lab) -> None:
    """A version id belongs to its key."""
    bucket, first, _ = await two_versions(lab)
    await lab.store.put(bucket, "other", b"x")
    await refused(lab.read(bucket, "other", version_id=first), Refusal)


@keeps
async def what_was_there_before_versioning_is_version_null(lab: Lab) -> None:
    """Turning versioning on pins what is there as `null`; a later PUT makes a new version."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"before")
    await lab.set_versioning(bucket, "Enabled")
    await lab.store.put(bucket, "k", b"after")
    assert [(id_ == "null", latest) for _, id_, latest, _ in await listed(lab, bucket)] == [(False, True), (True, False)]
    assert await lab.read(bucket, "k", version_id="null") == b"before"


@refuses
async def erasing_version_null_leaves_what_came_later(lab: Lab) -> None:
    """The safe erase: DELETE `versionId=null` takes what was pinned, and never what was written since."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"before")
    await lab.set_versioning(bucket, "Enabled")
    await lab.store.put(bucket, "k", b"after")
    await lab.store.delete(bucket, "k", version_id="null")
    assert [(id_ == "null", latest, marker) for _, id_, latest, marker in await listed(lab, bucket)] == [(False, True, False)]
    assert await lab.read(bucket, "k") == b"after"


@keeps
async def tags_belong_to_a_version(lab: Lab) -> None:
    """Tags of an older version are read and set by its id, and are not the newest one's."""
    bucket, first, _ = await two_versions(lab)
    await lab.store.put_tags(bucket, "k", (("which", "first"),), version_id=first)
    assert await lab.store.get_tags(bucket, "k", version_id=first) == (("which", "first"),)
    assert await lab.store.get_tags(bucket, "k") == ()


@keeps
async def a_bucket_says_whether_it_has_object_lock(lab: Lab) -> None:
    """With and without; lock brings versioning with it."""
    locked, plain = await lab.bucket(object_lock=True), await lab.bucket()
    assert await lab.store.get_object_lock(locked)
    assert not await lab.store.get_object_lock(plain)
    assert await lab.store.get_versioning(locked) == "Enabled"


@refuses
async def a_retained_version_can_not_be_deleted(lab: Lab) -> None:
    """Under COMPLIANCE nobody deletes a version before its time, the administrator neither."""
    bucket = await lab.bucket(object_lock=True)
    written = await lab.store.put(bucket, "k", b"evidence", retain_until=in_an_hour())
    await refused(lab.store.delete(bucket, "k", version_id=written.version_id), Forbidden, BadRequest)
    assert await lab.read(bucket, "k", version_id=written.version_id) == b"evidence"


@refuses
async def a_marker_hides_a_retained_version_and_loses_nothing(lab: Lab) -> None:
    """A plain delete in a lock bucket lays a marker; the evidence is there by its version."""
    bucket = await lab.bucket(object_lock=True)
    written = await lab.store.put(bucket, "k", b"evidence", retain_until=in_an_hour())
    await lab.store.delete(bucket, "k")
    await refused(lab.store.head(bucket, "k"), NotFound)
    assert await lab.read(bucket, "k", version_id=written.version_id) == b"evidence"


@refuses
async def evidence_is_written_once(lab: Lab) -> None:
    """In a lock bucket If-None-Match refuses a second version of a name."""
    bucket = await lab.bucket(object_lock=True)
    await lab.store.put(bucket, "k", b"evidence", retain_until=in_an_hour(), if_none_match=True)
    await refused(lab.store.put(bucket, "k", b"forged", retain_until=in_an_hour(), if_none_match=True), PreconditionFailed)
    assert await lab.read(bucket, "k") == b"evidence"


@refuses
async def retention_without_object_lock_is_refused(lab: Lab) -> None:
    """A retention that nobody would enforce is not taken in silence."""
    bucket = await lab.bucket()
    await refused(lab.store.put(bucket, "k", b"evidence", retain_until=in_an_hour()), BadRequest)
    await refused(lab.store.head(bucket, "k"), NotFound)


@refuses
async def two_writers_with_if_none_match_make_one_object(lab: Lab) -> None:
    """Of eight writers at once exactly one wins; the others are told so."""
    bucket = await lab.bucket()
    bodies = [f"writer {index}".encode() for index in range(8)]
    answers = await asyncio.gather(
        *(lab.store.put(bucket, "k", body, if_none_match=True) for body in bodies), return_exceptions=True
    )
    won = [body for body, answer in zip(bodies, answers, strict=True) if not isinstance(answer, BaseException)]
    assert len(won) == 1, answers
    assert await lab.read(bucket, "k") == won[0]
