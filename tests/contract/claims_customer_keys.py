"""Claims about customers' own keys (SSE-C). Stores take these over TLS only, so they are tried on fewer stores than the others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from relocation.ports import Store
from relocation.rules.errors import BadRequest, ChecksumRejected, CustomerKeyNeeded, CustomerKeyWrong, Forbidden, NotFound
from relocation.rules.objects import SSE_CUSTOMER, Attributes
from tests.contract.lab import PART, Claims, MakeBucket, refused

KEYED_CLAIMS = Claims()
keys = KEYED_CLAIMS.add("customers' keys")
refuses = KEYED_CLAIMS.add("customers' keys", refusal=True)
BODY = b"hello, sealed"


@dataclass(frozen=True, slots=True)
class KeyedLab:
    """One store without a key, and the same with the first or the second of two customers' keys."""

    store: Store
    keyed: Store
    other: Store
    bucket: MakeBucket


async def read(store: Store, bucket: str, **asked: object) -> bytes:
    into = bytearray(len(PART) + 100)
    head = await store.get(bucket, "k", memoryview(into), **asked)  # type: ignore[arg-type]
    return bytes(into[: head.size])


async def upload(lab: KeyedLab, bucket: str) -> str:
    upload_id = await lab.keyed.create_upload(bucket, "k", checksum=False)
    parts = [await lab.keyed.put_part(bucket, "k", upload_id, number, body) for number, body in ((1, PART), (2, b"end"))]
    assert [part.size for part in await lab.keyed.list_parts(bucket, "k", upload_id)] == [len(PART), 3]
    return (await lab.keyed.complete_upload(bucket, "k", upload_id, parts)).etag


@keys
async def what_a_key_encrypts_is_read_with_it(lab: KeyedLab) -> None:
    """Whole, by range and by HEAD; the answers say that a customer's key encrypts it."""
    bucket = await lab.bucket()
    await lab.keyed.put(bucket, "k", BODY)
    head = await lab.keyed.head(bucket, "k")
    assert (head.size, dict(head.rarer).get(SSE_CUSTOMER)) == (len(BODY), "AES256")
    assert await read(lab.keyed, bucket) == BODY
    assert await read(lab.keyed, bucket, byte_range=(1, 3)) == BODY[1:4]


@refuses
async def without_its_key_an_object_is_refused(lab: KeyedLab) -> None:
    """GET and HEAD without the key say that one is needed."""
    bucket = await lab.bucket()
    await lab.keyed.put(bucket, "k", BODY)
    await refused(lab.store.head(bucket, "k"), CustomerKeyNeeded)
    await refused(read(lab.store, bucket), CustomerKeyNeeded)


@refuses
async def with_another_key_an_object_is_refused(lab: KeyedLab) -> None:
    """GET and HEAD with another key than the object's say that it is the wrong one."""
    bucket = await lab.bucket()
    await lab.keyed.put(bucket, "k", BODY)
    await refused(lab.other.head(bucket, "k"), CustomerKeyWrong)
    await refused(read(lab.other, bucket), CustomerKeyWrong)


@keys
async def what_no_key_encrypts_is_read_as_it_is(lab: KeyedLab) -> None:
    """Whoever has a key reads what it does not encrypt as well, and can tell."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", BODY)
    assert SSE_CUSTOMER not in dict((await lab.keyed.head(bucket, "k")).rarer)
    assert await read(lab.keyed, bucket) == BODY
    assert await read(lab.keyed, bucket, byte_range=(0, 0)) == BODY[:1]


@keys
async def the_etag_of_a_customers_key_is_no_md5(lab: KeyedLab) -> None:
    """It looks like one; write, HEAD, GET and listing agree on it, and it serves as a condition."""
    bucket = await lab.bucket()
    written = await lab.keyed.put(bucket, "k", BODY)
    assert written.etag != hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    (listed,) = (await lab.store.list_objects(bucket)).items
    assert written.etag == listed.etag == (await lab.keyed.head(bucket, "k")).etag
    assert await read(lab.keyed, bucket, if_match=written.etag) == BODY


@keys
async def an_upload_by_parts_takes_the_key_with_each_of_them(lab: KeyedLab) -> None:
    """Begun, sent, listed and completed with the key; read back whole and by part number."""
    bucket = await lab.bucket()
    etag = await upload(lab, bucket)
    head = await lab.keyed.head(bucket, "k", part_number=1)
    assert (head.size, head.parts_count, head.etag) == (len(PART), 2, etag)
    assert await read(lab.keyed, bucket, part_number=2) == b"end"
    await refused(lab.store.head(bucket, "k"), CustomerKeyNeeded)


@refuses
async def a_part_without_the_key_or_with_another_is_refused(lab: KeyedLab) -> None:
    """An upload that was begun with a key takes no part without that very key."""
    bucket = await lab.bucket()
    upload_id = await lab.keyed.create_upload(bucket, "k", checksum=False)
    await refused(lab.store.put_part(bucket, "k", upload_id, 1, BODY), BadRequest)
    await refused(lab.other.put_part(bucket, "k", upload_id, 1, BODY), BadRequest, Forbidden)
    await lab.keyed.abort_upload(bucket, "k", upload_id)


@keys
async def tags_need_no_key(lab: KeyedLab) -> None:
    """What lies beside the bytes and is asked for by itself is not encrypted; a delete needs no key either."""
    bucket = await lab.bucket()
    await lab.keyed.put(bucket, "k", BODY, attributes=Attributes(tags=(("kind", "image"),)))
    assert await lab.keyed.get_tags(bucket, "k") == await lab.store.get_tags(bucket, "k") == (("kind", "image"),)
    await lab.keyed.delete(bucket, "k")
    await refused(lab.keyed.head(bucket, "k"), NotFound)


@refuses
async def a_wrong_checksum_is_refused_under_a_key_too(lab: KeyedLab) -> None:
    """The checksum is of the bytes as they were sent, and verified before they are encrypted."""
    bucket = await lab.bucket()
    await refused(lab.keyed.put(bucket, "k", BODY, crc64nvme="AAAAAAAAAAA="), ChecksumRejected)


@refuses
async def encryption_that_is_asked_for_without_a_key_is_refused(lab: KeyedLab) -> None:
    """It is never left out: nothing is written."""
    bucket = await lab.bucket()
    asked = Attributes(headers=((SSE_CUSTOMER, "AES256"),))
    await refused(lab.store.put(bucket, "k", BODY, attributes=asked), BadRequest)
    await refused(lab.store.head(bucket, "k"), NotFound)
