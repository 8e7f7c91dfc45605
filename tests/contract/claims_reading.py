"""Claims about HEAD and GET: the very bytes, the very object, or an error."""

from __future__ import annotations

import gzip
import time

from relocation.rules.errors import BadRequest, BucketMissing, NotFound, PreconditionFailed, ProtocolError
from relocation.rules.objects import Attributes
from tests.contract.digests import crc64nvme
from tests.contract.lab import CLAIMS, MIB, Lab, refused

reads = CLAIMS.add("reading")
refuses = CLAIMS.add("reading", refusal=True)
GZIP = gzip.compress(b"hello " * 50, mtime=0)


@reads
async def bytes_come_back_as_they_were_put(lab: Lab) -> None:
    """Every value of a byte comes back in its place."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", bytes(range(256)))
    assert await lab.read(bucket, "k") == bytes(range(256))


@reads
async def a_large_object_comes_back_whole(lab: Lab) -> None:
    """6 MiB and one byte, written in one request, come back in one."""
    bucket = await lab.bucket()
    body = bytes(range(251)) * (6 * MIB // 251) + b"."
    await lab.store.put(bucket, "k", body)
    assert crc64nvme(await lab.read(bucket, "k", room=len(body))) == crc64nvme(body)  # pytest would draw up a diff of megabytes


@reads
async def an_empty_object_is_an_object(lab: Lab) -> None:
    """Nothing is also something: an object of no bytes has a size, an ETag and a line in the listing."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"")
    body, head = await lab.fetch(bucket, "k", room=0)
    assert (body, head.size) == (b"", 0)
    assert (await lab.store.head(bucket, "k")).etag == head.etag
    assert await lab.keys(bucket) == ["k"]


@reads
async def head_and_get_say_the_same(lab: Lab) -> None:
    """Size, ETag, time, checksums and attributes of HEAD are those of GET."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello", crc64nvme="M3eFcAZSQlc=")
    _, got = await lab.fetch(bucket, "k")
    assert await lab.store.head(bucket, "k") == got
    assert got.size == 5


@reads
async def a_listing_and_a_head_say_the_same(lab: Lab) -> None:
    """Size and ETag of the listing are those of HEAD; the times agree to the second."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello")
    head = await lab.store.head(bucket, "k")
    (listed,) = (await lab.store.list_objects(bucket)).items
    assert (listed.size, listed.etag, listed.last_modified[:19]) == (head.size, head.etag, head.last_modified[:19])


@reads
async def a_read_with_the_right_if_match_is_served(lab: Lab) -> None:
    """A condition that holds changes nothing."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "k", b"hello")).etag
    assert await lab.read(bucket, "k", if_match=etag) == b"hello"
    assert (await lab.store.head(bucket, "k", if_match=etag)).etag == etag


@refuses
async def a_get_with_a_wrong_if_match_is_refused(lab: Lab) -> None:
    """What was overwritten since it was listed is not read as if it were the same."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "k", b"first")).etag
    await lab.store.put(bucket, "k", b"second")
    await refused(lab.read(bucket, "k", if_match=etag), PreconditionFailed)


@refuses
async def a_head_with_a_wrong_if_match_is_refused(lab: Lab) -> None:
    """HEAD obeys conditions as GET does."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "k", b"first")).etag
    await lab.store.put(bucket, "k", b"second")
    await refused(lab.store.head(bucket, "k", if_match=etag), PreconditionFailed)


@reads
async def a_range_is_read_exactly(lab: Lab) -> None:
    """First and last byte are both part of a range."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"0123456789")
    assert await lab.read(bucket, "k", byte_range=(2, 5)) == b"2345"
    assert await lab.read(bucket, "k", byte_range=(0, 0)) == b"0"


@reads
async def a_range_is_cut_at_the_end_of_the_object(lab: Lab) -> None:
    """A range that begins inside and ends outside gives what there is."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"0123456789")
    assert await lab.read(bucket, "k", byte_range=(7, 99)) == b"789"


@refuses
async def a_range_behind_the_end_is_refused(lab: Lab) -> None:
    """A range that begins behind the last byte is an error (416), not an empty answer."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"0123456789")
    error = await refused(lab.read(bucket, "k", byte_range=(10, 12)), BadRequest)
    assert error.status == 416


@refuses
async def a_range_never_carries_the_checksum_of_the_whole(lab: Lab) -> None:
    """A checksum that covers more than what was asked for is not passed on: comparing it would cry wolf."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello", crc64nvme="M3eFcAZSQlc=")
    body, head = await lab.fetch(bucket, "k", byte_range=(0, 1))
    assert (body, head.checksums) == (b"he", ())


@refuses
async def a_body_longer_than_the_room_is_refused(lab: Lab) -> None:
    """An object that grew is not cut to the buffer, and nothing is written behind it."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"0123456789")
    memory = bytearray(b"-" * 16)
    await refused(lab.store.get(bucket, "k", memoryview(memory)[:4]), ProtocolError)
    assert memory[4:] == b"-" * 12


@refuses
async def what_is_not_there_is_not_found(lab: Lab) -> None:
    """A key that was never written is not found by HEAD nor GET, and not "deleted" either."""
    bucket = await lab.bucket()
    assert not (await refused(lab.store.head(bucket, "k"), NotFound)).deleted
    assert not (await refused(lab.read(bucket, "k"), NotFound)).deleted


@refuses
async def reading_from_a_missing_bucket_names_the_bucket(lab: Lab) -> None:
    """A bucket that is not there is another error than a key that is not there: the second may be normal, the first never is."""
    error = await refused(lab.read("no-such-bucket-here", "k"), BucketMissing)
    assert "no-such-bucket-here" in str(error)


@refuses
async def a_head_in_a_missing_bucket_names_the_bucket(lab: Lab) -> None:
    """HEAD too tells a missing bucket from a missing key."""
    await refused(lab.store.head("no-such-bucket-here", "k"), BucketMissing)


@reads
async def the_stored_checksum_comes_back(lab: Lab) -> None:
    """A CRC64NVME that was sent is stored, and GET and HEAD show it when they are asked to."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello", crc64nvme="M3eFcAZSQlc=")
    assert (await lab.store.head(bucket, "k")).checksum("crc64nvme") == "M3eFcAZSQlc="
    _, head = await lab.fetch(bucket, "k")
    assert head.checksum("crc64nvme") == "M3eFcAZSQlc="


@reads
async def compressed_bytes_are_not_unpacked(lab: Lab) -> None:
    """An object that says `Content-Encoding: gzip` comes back as the very bytes, with the header."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", GZIP, attributes=Attributes(headers=(("content-encoding", "gzip"),)))
    body, head = await lab.fetch(bucket, "k")
    assert body == GZIP
    assert ("content-encoding", "gzip") in head.attributes.headers


@reads
async def the_store_tells_its_time(lab: Lab) -> None:
    """`Date` is near this machine's clock: both run here."""
    bucket = await lab.bucket()
    assert abs(await lab.store.server_time(bucket) - time.time()) < 5
