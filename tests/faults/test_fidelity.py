"""What travels beside the bytes arrives, byte for byte; what the target can't keep is a declared loss (D7, D18-D21, D27)."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from relocation.rules import digests
from relocation.rules.fidelity import SOURCE_MODIFIED
from relocation.rules.objects import Attributes
from tests.faults.stack import MIB, Case, case_of

pytestmark = pytest.mark.server

KEPT = ("ContentType", "ContentEncoding", "ContentLanguage", "ContentDisposition", "CacheControl", "Expires", "Metadata", "ETag")
JAPANESE = "引越し/写真 été"


def seed(case: Case) -> dict[str, bytes]:
    """Put one object for each thing that a copy could lose, and return the bodies."""
    text = gzip.compress("同じ文 ".encode() * 400, mtime=0)
    bodies = {
        "gzip.json": text,
        "headers.jpg": b"\xff\xd8jpeg",
        "metadata": b"m",
        "tags": b"t",
        "empty": b"",
        "empty with type": b"",
    }
    case.put("gzip.json", text, ContentType="application/json", ContentEncoding="gzip")
    case.put(
        "headers.jpg",
        bodies["headers.jpg"],
        ContentType="image/jpeg; charset=none",
        ContentLanguage="ja-JP, ko",
        ContentDisposition="attachment; filename=\"x.jpg\"; filename*=UTF-8''%E5%86%99.jpg",
        CacheControl="private, max-age=31536000",
        Expires=datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC),
    )
    case.put("metadata", b"m", Metadata={"owner": "u1", "empty": "", "spaces": "a  b", "mixed-case": "AbC", "long": "x" * 1500})
    case.put("tags", b"t", Tagging="kind=image&empty=&a%20b=%2B%2F%3D")
    case.put("empty")
    case.put("empty with type", b"", ContentType="image/png", Metadata={"a": "b"})
    uneven = (b"\1" * (5 * MIB + 1), b"\2" * 6 * MIB, b"\3" * 123)
    bodies["uneven"] = b"".join(uneven)
    case.put_parts("uneven", uneven, ContentType="video/mp4", Metadata={"parts": "3"}, Tagging="kind=video")
    bodies["one part"] = b"\4" * 777
    case.put_parts("one part", (bodies["one part"],), ContentType="video/mp4")
    bodies["whole, large"] = b"\5" * (7 * MIB + 3)
    case.put("whole, large", bodies["whole, large"])
    return bodies


async def test_headers_metadata_tags_and_etags_arrive_as_they_were(case):
    """Compressed bytes stay compressed, parts keep their sizes, empty objects their type: boto3 sees the same on both sides."""
    bodies = seed(case)
    summary = await case.run()
    case.assert_reconciled(summary, objects=len(bodies))
    assert summary.losses == {}
    assert summary.proofs["same_etag"] == summary.proofs["received"] == summary.proofs["read_back"] == len(bodies)
    for key, body in bodies.items():
        where = {"Bucket": case.bucket, "Key": key}
        theirs, ours = case.korea.head_object(**where), case.japan.head_object(**where)
        assert {name: ours.get(name) for name in KEPT} == {name: theirs.get(name) for name in KEPT}, key
        assert case.japan.get_object_tagging(**where)["TagSet"] == case.korea.get_object_tagging(**where)["TagSet"], key
        assert case.japan.get_object(**where)["Body"].read() == body, key
    assert digests.parts_in(case.listed("japan")["one part"][1]) == 1


async def test_user_metadata_beyond_ascii_is_kept_or_a_declared_loss(case):
    """What HEAD gives for such a value on either side is the same, or the report names it: never changed in silence."""
    async with case.house.store("korea") as store:
        raw = JAPANESE.encode().decode("latin-1")
        await store.put(case.bucket, "beyond", b"b", attributes=Attributes(metadata=(("title", raw), ("plain", "yes"))))
        theirs = (await store.head(case.bucket, "beyond")).attributes
    summary = await case.run()
    async with case.house.store("japan") as store:
        ours = (await store.head(case.bucket, "beyond")).attributes
    assert dict(ours.metadata)["plain"] == "yes"
    assert (theirs == ours) != ("x-amz-meta-title" in summary.losses)
    assert summary.outcomes["verified"].objects == 1


async def test_text_that_is_odd_arrives_as_it_was(case):
    """D18, D19, D21: an Expires that is no date, encoded words, mixed case, two kilobytes of metadata; a Content-Encoding
    that an SDK left behind is kept or named."""
    words = (("title", "=?UTF-8?B?5YaZ?="), ("mixed", "AbC, =?x"), ("note", "n" * 1900))
    odd = Attributes(headers=(("cache-control", 'no-cache , x="y"'), ("expires", "0")), metadata=words)
    chunked = Attributes(headers=(("content-encoding", "aws-chunked,gzip"),))
    async with case.house.store("korea") as store:
        await store.put(case.bucket, "odd", b"o", attributes=odd)
        await store.put(case.bucket, "chunked", b"c", attributes=chunked)
        theirs = {key: (await store.head(case.bucket, key)).attributes for key in ("odd", "chunked")}
    assert "expires" not in dict(theirs["odd"].headers)  # MinIO shows none that is no date: `tests/model` has stores that do
    summary = await case.run()
    async with case.house.store("japan") as store:
        ours = {key: (await store.head(case.bucket, key)).attributes for key in ("odd", "chunked")}
    assert ours["odd"] == theirs["odd"]
    assert (ours["chunked"] == theirs["chunked"]) != ("content-encoding" in summary.losses)
    assert summary.outcomes["verified"].objects == 2


async def test_classes_notes_and_acls_follow_the_policy(house, tmp_path):
    """D19: a storage class by the map, the source's Last-Modified as a note, ACLs asked for where they are mapped: nothing is lost,
    and what the policy changes stands in the report."""
    policy = (
        "{storage_class_map: {REDUCED_REDUNDANCY: STANDARD}, acl_map: {public-read: private}, source_modified_in_metadata: true}"
    )
    with case_of(house, tmp_path, policy=policy) as case:
        case.put("reduced", b"r", StorageClass="REDUCED_REDUNDANCY", Metadata={"a": "b"})
        summary = await case.run()
        assert (summary.losses, summary.outcomes["verified"].objects) == ({}, 1)
        theirs, ours = (case.client(site).head_object(Bucket=case.bucket, Key="reduced") for site in ("korea", "japan"))
        assert (theirs["StorageClass"], ours.get("StorageClass")) == ("REDUCED_REDUNDANCY", None)
        assert ours["Metadata"] == {"a": "b", SOURCE_MODIFIED: f"{theirs['LastModified']:%Y-%m-%dT%H:%M:%SZ}"}
        assert {text.split(":")[0] for text in summary.declared} >= {"Last-Modified", "storage class", "ACL"}
        assert (await case.run()).counts["keep"].objects == 1


async def test_a_class_that_the_target_does_not_take_is_refused_at_plan(house, tmp_path):
    """D19: what the probe saw refused is refused by name before the first byte; other objects come home."""
    with case_of(house, tmp_path, policy="{storage_class_map: {REDUCED_REDUNDANCY: STANDARD_IA}}") as case:
        case.put("reduced", b"r", StorageClass="REDUCED_REDUNDANCY")
        case.put("plain", b"p")
        summary = await case.run()
        assert [(named.key, "InvalidStorageClass" in named.reason) for named in summary.refused] == [("reduced", True)]
        assert set(case.listed("japan")) == {"plain"}
