"""Conditions, checksums, ETags, versions and locks: asked by requests that must fail, and believed only if nothing changed."""

from __future__ import annotations

from relocation.rules.digests import etag_of_whole
from relocation.rules.errors import ChecksumRejected, NotFound, PreconditionFailed, Refusal
from relocation.rules.questions import Question
from relocation.stages.probing.asking import Found, Inquiry
from relocation.stages.probing.canaries import Canaries
from relocation.transfer.hashing import Fingerprint

OLD, NEW = b"a canary: what was there", b"a canary: what must not get in"
WRONG_ETAG = "0" * 32


def crc64nvme(body: bytes) -> str:
    """Return the CRC64NVME of a body, base64."""
    return Fingerprint().update(body)


async def put_if_none_match(canaries: Canaries, found: Found) -> None:
    """Write with If-None-Match where something stands (must fail), and where nothing does (must not)."""
    key = canaries.name("put-if-none-match")
    await canaries.put(key, OLD)
    try:
        await canaries.put(key, NEW, if_none_match=True)
    except PreconditionFailed:
        await canaries.put(canaries.name("fresh"), NEW, if_none_match=True)
        found[Question.PUT_IF_NONE_MATCH] = "honoured" if await canaries.holds(key, OLD) else "ignored"
    else:
        found[Question.PUT_IF_NONE_MATCH] = "ignored"


async def put_if_match(canaries: Canaries, found: Found) -> None:
    """Write with the If-Match of another object (must fail), then with the right one (must not)."""
    key = canaries.name("put-if-match")
    written = await canaries.put(key, OLD)
    try:
        await canaries.put(key, NEW, if_match=WRONG_ETAG)
    except PreconditionFailed:
        honoured = await canaries.holds(key, OLD)
        await canaries.put(key, NEW, if_match=written.etag)
    else:
        honoured = False
    found[Question.PUT_IF_MATCH] = "honoured" if honoured else "ignored"


async def get_if_match(canaries: Canaries, found: Found) -> None:
    """Read with the If-Match of another object (must fail), then with the right one (must not)."""
    key = canaries.name("get-if-match")
    written = await canaries.put(key, OLD)
    into = memoryview(bytearray(1024))
    try:
        await canaries.store.get(canaries.bucket, key, into, if_match=WRONG_ETAG)
    except PreconditionFailed:
        await canaries.store.get(canaries.bucket, key, into, if_match=written.etag)
        found[Question.GET_IF_MATCH] = "honoured"
    else:
        found[Question.GET_IF_MATCH] = "ignored"


async def delete_if_match(canaries: Canaries, found: Found) -> None:
    """Delete with the If-Match of another object (must fail), then with the right one (must not)."""
    key = canaries.name("delete-if-match")
    written = await canaries.put(key, OLD)
    try:
        await canaries.store.delete(canaries.bucket, key, if_match=WRONG_ETAG)
    except PreconditionFailed:
        stays = await canaries.holds(key, OLD)
        await canaries.store.delete(canaries.bucket, key, if_match=written.etag)
        found[Question.DELETE_IF_MATCH] = "honoured" if stays else "ignored"
    else:
        found[Question.DELETE_IF_MATCH] = "ignored"


async def delete_version(canaries: Canaries, found: Found) -> None:
    """Delete the older of two versions by its id: the newer one must stay on top, and the older must be gone."""
    if await canaries.store.get_versioning(canaries.bucket) != "Enabled" or canaries.locked:
        return
    key = canaries.name("delete-version")
    old = await canaries.put(key, OLD)
    await canaries.put(key, NEW)
    await canaries.store.delete(canaries.bucket, key, version_id=old.version_id)
    stays = await canaries.holds(key, NEW)
    try:
        await canaries.store.head(canaries.bucket, key, version_id=old.version_id)
    except NotFound:
        found[Question.DELETE_VERSION] = "exact" if stays else "inexact"
    else:
        found[Question.DELETE_VERSION] = "inexact"


async def checksum(canaries: Canaries, found: Found) -> None:
    """Send a wrong CRC64NVME (must be refused, and nothing kept), then a right one: is it echoed, is it stored?"""
    key = canaries.name("wrong-checksum")
    try:
        await canaries.put(key, OLD, crc64nvme=crc64nvme(NEW))
    except ChecksumRejected:
        found[Question.CHECKSUM] = "ignored" if await canaries.holds(key, OLD) else "verified"
    else:
        found[Question.CHECKSUM] = "ignored"
    right, key = crc64nvme(OLD), canaries.name("right-checksum")
    written = await canaries.put(key, OLD, crc64nvme=right)
    head = await canaries.store.head(canaries.bucket, key)
    found[Question.CHECKSUM_ECHOED] = "yes" if written.crc64nvme == right else "no"
    found[Question.CHECKSUM_STORED] = "yes" if head.checksum("crc64nvme") == right else "no"


async def put_etag(canaries: Canaries, found: Found) -> None:
    """Look whether the ETag of an object written whole is its MD5, in the answer and later."""
    key = canaries.name("etag")
    written = await canaries.put(key, OLD)
    head = await canaries.store.head(canaries.bucket, key)
    found[Question.PUT_ETAG] = "md5" if written.etag == head.etag == etag_of_whole(OLD) else "opaque"


async def versioning(canaries: Canaries, found: Found) -> None:
    """Ask for the bucket's versioning."""
    state = await canaries.store.get_versioning(canaries.bucket)
    found[Question.VERSIONING] = state.lower() or "off"


async def object_lock(canaries: Canaries, found: Found) -> None:
    """In a bucket with object lock, delete the version of a locked canary: it must stay."""
    found[Question.OBJECT_LOCK] = "on" if canaries.locked else "off"
    if not canaries.locked:
        return
    key = canaries.name("locked")
    written = await canaries.put(key, OLD)
    try:
        await canaries.store.delete(canaries.bucket, key, version_id=written.version_id)
    except Refusal:
        await canaries.store.head(canaries.bucket, key, version_id=written.version_id)
        found[Question.LOCK_ENFORCED] = "enforced" if await canaries.holds(key, OLD) else "ignored"
    else:
        found[Question.LOCK_ENFORCED] = "ignored"


OF_A_VAULT = (
    Inquiry(put_if_none_match, (Question.PUT_IF_NONE_MATCH,), by_header=True),
    Inquiry(get_if_match, (Question.GET_IF_MATCH,), by_header=True),
    Inquiry(checksum, (Question.CHECKSUM, Question.CHECKSUM_ECHOED, Question.CHECKSUM_STORED), by_header=True),
    Inquiry(put_etag, (Question.PUT_ETAG,)),
    Inquiry(versioning, (Question.VERSIONING,)),
    Inquiry(object_lock, (Question.OBJECT_LOCK, Question.LOCK_ENFORCED)),
)
CONDITIONS = (
    *OF_A_VAULT,
    Inquiry(put_if_match, (Question.PUT_IF_MATCH,), by_header=True),
    Inquiry(delete_if_match, (Question.DELETE_IF_MATCH,), by_header=True),
    Inquiry(delete_version, (Question.DELETE_VERSION,)),
)
