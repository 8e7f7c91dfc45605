"""Claims about PUT: what is written is what was meant, and nothing is overwritten that should stand."""

from __future__ import annotations

import hashlib

from relocation.ports import Blocks
from relocation.rules.errors import (
    BadRequest,
    BucketMissing,
    ChecksumRejected,
    Forbidden,
    NotFound,
    PreconditionFailed,
    WrongCredentials,
)
from relocation.rules.objects import Attributes
from tests.contract.digests import crc64nvme
from tests.contract.lab import CLAIMS, PART, Lab, blocks_of, refused

writes = CLAIMS.add("writing")
refuses = CLAIMS.add("writing", refusal=True)


class Unfinished(Exception):
    """Why the last block does not come."""


CRC_OF_HELLO = "M3eFcAZSQlc="
CRC_OF_OTHERS = "rosUhgp5mIg="


@writes
async def a_put_answers_the_etag_that_head_shows(lab: Lab) -> None:
    """The ETag of the answer is the one under which the object is known from now on."""
    bucket = await lab.bucket()
    written = await lab.store.put(bucket, "k", b"hello")
    assert written.etag == (await lab.store.head(bucket, "k")).etag


@writes
async def the_etag_of_a_whole_put_is_its_md5(lab: Lab) -> None:
    """Without encryption, the ETag of an object written in one request is the MD5 of its bytes, without quotes."""
    bucket = await lab.bucket()
    written = await lab.store.put(bucket, "k", b"hello")
    assert written.etag == hashlib.md5(b"hello", usedforsecurity=False).hexdigest()


@writes
async def a_put_answers_the_checksum_that_was_sent(lab: Lab) -> None:
    """Only a store that verified the CRC64NVME says it in its answer."""
    bucket = await lab.bucket()
    assert (await lab.store.put(bucket, "k", b"hello", crc64nvme=CRC_OF_HELLO)).crc64nvme == CRC_OF_HELLO


@writes
async def a_put_in_blocks_is_one_object(lab: Lab) -> None:
    """A body that comes block by block, and is never in memory whole, is the object that was meant."""
    bucket = await lab.bucket()
    written = await lab.store.put(bucket, "k", Blocks(len(PART), blocks_of(PART)), crc64nvme=crc64nvme(PART))
    assert written.etag == hashlib.md5(PART, usedforsecurity=False).hexdigest()
    assert await lab.read(bucket, "k", room=len(PART)) == PART


@refuses
async def a_put_that_breaks_off_writes_nothing(lab: Lab) -> None:
    """A body whose last block never comes is no object, and overwrites none."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "old", b"old")
    for key in ("k", "old"):
        broken_off = Blocks(len(PART), blocks_of(PART, fails=Unfinished()))
        await refused(lab.store.put(bucket, key, broken_off), Unfinished)
    await refused(lab.store.head(bucket, "k"), NotFound)
    assert await lab.read(bucket, "old") == b"old"


@refuses
async def a_put_with_a_wrong_checksum_is_refused(lab: Lab) -> None:
    """Bytes that changed on their way are not stored."""
    bucket = await lab.bucket()
    await refused(lab.store.put(bucket, "k", b"hello", crc64nvme=CRC_OF_OTHERS), ChecksumRejected)
    await refused(lab.store.head(bucket, "k"), NotFound)


@refuses
async def a_wrong_checksum_leaves_what_stood_there(lab: Lab) -> None:
    """A refused overwrite changes nothing."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"first")
    await refused(lab.store.put(bucket, "k", b"hello", crc64nvme=CRC_OF_OTHERS), ChecksumRejected)
    assert await lab.read(bucket, "k") == b"first"


@writes
async def if_none_match_writes_where_nothing_is(lab: Lab) -> None:
    """A condition that holds changes nothing."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello", if_none_match=True)
    assert await lab.read(bucket, "k") == b"hello"


@refuses
async def if_none_match_never_overwrites(lab: Lab) -> None:
    """What somebody else wrote stands, whatever we want to write."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"theirs")
    await refused(lab.store.put(bucket, "k", b"ours", if_none_match=True), PreconditionFailed)
    assert await lab.read(bucket, "k") == b"theirs"


@writes
async def if_match_replaces_what_it_names(lab: Lab) -> None:
    """Our own object is replaced when it is still the one that we wrote."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "k", b"stale")).etag
    await lab.store.put(bucket, "k", b"fresh", if_match=etag)
    assert await lab.read(bucket, "k") == b"fresh"


@refuses
async def a_put_with_a_wrong_if_match_is_refused(lab: Lab) -> None:
    """Our own object is not replaced when somebody else changed it since."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "k", b"ours")).etag
    await lab.store.put(bucket, "k", b"theirs")
    await refused(lab.store.put(bucket, "k", b"fresh", if_match=etag), PreconditionFailed)
    assert await lab.read(bucket, "k") == b"theirs"


@refuses
async def a_put_with_if_match_where_nothing_is_is_refused(lab: Lab) -> None:
    """What was deleted since is not written again."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "other", b"ours")).etag
    await refused(lab.store.put(bucket, "k", b"fresh", if_match=etag), PreconditionFailed, NotFound)
    await refused(lab.store.head(bucket, "k"), NotFound)


@writes
async def an_overwrite_leaves_nothing_of_the_old_object(lab: Lab) -> None:
    """Bytes, headers, metadata and tags are all the new ones."""
    bucket = await lab.bucket()
    old = Attributes((("cache-control", "max-age=60"),), (("owner", "a"),), (("team", "x"),))
    await lab.store.put(bucket, "k", b"long and old", attributes=old)
    await lab.store.put(bucket, "k", b"new", attributes=Attributes((("content-type", "text/plain"),)))
    body, head = await lab.fetch(bucket, "k")
    assert (body, head.tag_count, head.attributes.metadata) == (b"new", 0, ())
    assert dict(head.attributes.headers) == {"content-type": "text/plain"}


@writes
async def system_headers_are_kept(lab: Lab) -> None:
    """Type, encoding, language, disposition, cache control and expiry come back as the very text."""
    bucket = await lab.bucket()
    headers = (
        ("cache-control", "private, max-age=31536000"),
        ("content-disposition", "attachment; filename*=UTF-8''%E5%86%99%E7%9C%9F.png"),
        ("content-encoding", "gzip"),
        ("content-language", "ja, ko"),
        ("content-type", "image/png; charset=binary"),
        ("expires", "Wed, 21 Oct 2026 07:28:00 GMT"),
    )
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(headers=headers))
    assert (await lab.store.head(bucket, "k")).attributes.headers == headers


@writes
async def a_website_redirect_is_kept(lab: Lab) -> None:
    """`x-amz-website-redirect-location` comes back."""
    bucket = await lab.bucket()
    header = ("x-amz-website-redirect-location", "/elsewhere")
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(headers=(header,)))
    assert header in (await lab.store.head(bucket, "k")).attributes.headers


@writes
async def user_metadata_is_kept(lab: Lab) -> None:
    """Names and values of user metadata come back, inner blanks too."""
    bucket = await lab.bucket()
    metadata = (("album", "2019 summer"), ("x-y_z", "a=b; c"))
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(metadata=metadata))
    assert (await lab.store.head(bucket, "k")).attributes.metadata == metadata


@writes
async def empty_user_metadata_is_kept(lab: Lab) -> None:
    """A name with an empty value comes back."""
    bucket = await lab.bucket()
    metadata = (("empty", ""), ("full", "x"))
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(metadata=metadata))
    assert (await lab.store.head(bucket, "k")).attributes.metadata == metadata


@writes
async def user_metadata_in_utf8_is_kept_byte_for_byte(lab: Lab) -> None:
    """Raw UTF-8 in a value comes back as the very bytes (shown here, as everywhere, as Latin-1)."""
    bucket = await lab.bucket()
    metadata = (("title", "写真".encode().decode("latin-1")),)
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(metadata=metadata))
    assert (await lab.store.head(bucket, "k")).attributes.metadata == metadata


@refuses
async def metadata_with_a_line_break_is_refused(lab: Lab) -> None:
    """A value that would end its header and begin another is never sent."""
    bucket = await lab.bucket()
    smuggled = Attributes(metadata=(("a", "b\r\nx-amz-acl: public-read"),))
    await refused(lab.store.put(bucket, "k", b"hello", attributes=smuggled), BadRequest)
    await refused(lab.store.head(bucket, "k"), NotFound)


@refuses
async def too_much_metadata_is_refused(lab: Lab) -> None:
    """9 KiB of user metadata (S3 takes 2, MinIO 8) are not cut, but refused."""
    bucket = await lab.bucket()
    metadata = tuple((f"n{index}", "v" * 1000) for index in range(9))
    await refused(lab.store.put(bucket, "k", b"hello", attributes=Attributes(metadata=metadata)), BadRequest)
    await refused(lab.store.head(bucket, "k"), NotFound)


@writes
async def tags_are_kept(lab: Lab) -> None:
    """Tags that go with a PUT come back, characters that a query would mangle too; HEAD counts them."""
    bucket = await lab.bucket()
    tags = (("a b", "c+d/e=f"), ("team", "messaging:platform"))
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(tags=tags))
    assert await lab.store.get_tags(bucket, "k") == tags
    assert (await lab.store.head(bucket, "k")).tag_count == 2


@writes
async def tags_in_japanese_are_kept(lab: Lab) -> None:
    """S3 takes letters of any language in tags."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(tags=(("種類", "写真"),)))
    assert await lab.store.get_tags(bucket, "k") == (("種類", "写真"),)


@writes
async def new_tags_replace_the_old_ones(lab: Lab) -> None:
    """PutObjectTagging leaves nothing of the old set, and an empty set is one."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(tags=(("old", "1"), ("both", "1"))))
    await lab.store.put_tags(bucket, "k", (("both", "2"),))
    assert await lab.store.get_tags(bucket, "k") == (("both", "2"),)
    await lab.store.put_tags(bucket, "k", ())
    assert await lab.store.get_tags(bucket, "k") == ()


@refuses
async def new_tags_change_neither_etag_nor_time(lab: Lab) -> None:
    """A change of tags alone shows in no listing: it has to be looked for."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(tags=(("old", "1"),)))
    before = (await lab.store.list_objects(bucket)).items
    await lab.store.put_tags(bucket, "k", (("new", "2"),))
    assert (await lab.store.list_objects(bucket)).items == before


@refuses
async def eleven_tags_are_refused(lab: Lab) -> None:
    """An object has ten tags at most; the eleventh is not dropped in silence."""
    bucket = await lab.bucket()
    tags = tuple((f"tag{index:02}", "v") for index in range(11))
    await refused(lab.store.put(bucket, "k", b"hello", attributes=Attributes(tags=tags)), BadRequest)
    await refused(lab.store.head(bucket, "k"), NotFound)


@refuses
async def tags_of_what_is_not_there_are_not_found(lab: Lab) -> None:
    """No tags and no object are two things."""
    bucket = await lab.bucket()
    await refused(lab.store.get_tags(bucket, "k"), NotFound)
    await refused(lab.store.put_tags(bucket, "k", (("a", "b"),)), NotFound)


@refuses
async def writing_into_a_missing_bucket_is_refused(lab: Lab) -> None:
    """A bucket is not made in passing."""
    await refused(lab.store.put("no-such-bucket-here", "k", b"hello"), BucketMissing)
    assert "no-such-bucket-here" not in await lab.store.list_buckets()


@refuses
async def a_role_that_may_not_write_is_refused_by_name(lab: Lab) -> None:
    """The error names the role, the right that it lacks and the object; the object is not there."""
    bucket = await lab.bucket()
    error = await refused(lab.reader.put(bucket, "a b", b"hello"), Forbidden)
    assert all(word in str(error) for word in ("role reader", "s3:PutObject", f"{bucket}/a%20b"))
    await refused(lab.store.head(bucket, "a b"), NotFound)


@refuses
async def a_role_that_may_not_delete_is_refused(lab: Lab) -> None:
    """A reader deletes nothing."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello")
    error = await refused(lab.reader.delete(bucket, "k"), Forbidden)
    assert "s3:DeleteObject" in str(error)
    assert await lab.read(bucket, "k") == b"hello"


@refuses
async def a_wrong_secret_is_refused_as_such(lab: Lab) -> None:
    """A signature with a wrong secret is not "forbidden": the credentials are wrong, not the rights."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello")
    error = await refused(lab.stranger.put(bucket, "k", b"changed"), WrongCredentials)
    assert "role stranger" in str(error)
    assert await lab.read(bucket, "k") == b"hello"


@refuses
async def an_unknown_access_key_is_refused_as_such(lab: Lab) -> None:
    """Nobody with a key that the store does not know sees anything."""
    bucket = await lab.bucket()
    await refused(lab.unknown.list_objects(bucket), WrongCredentials)
