"""Multipart uploads: their conditions, checksums, ETags, part numbers and listings.

Not asked of a bucket with object lock: an upload can't carry a short retention, so a default one might keep the canary for years.
"""

from __future__ import annotations

import hashlib

from relocation.rules.digests import etag_of_parts
from relocation.rules.errors import ChecksumRejected, PreconditionFailed
from relocation.rules.objects import Part
from relocation.rules.questions import Question
from relocation.stages.probing.asking import Found, Inquiry
from relocation.stages.probing.canaries import Canaries
from relocation.stages.probing.conditions import NEW, OLD, crc64nvme

PART_BYTES = 5 * 1024 * 1024
"""The least that S3 takes for a part that is not the last."""


async def upload_of_two_parts(canaries: Canaries, found: Found) -> None:
    """Upload two parts without checksums, and look at the ETag and at what part 1 shows."""
    key, bodies = canaries.name("upload"), (bytes(PART_BYTES), NEW)
    upload_id = await canaries.begin_upload(key, checksum=False)
    parts = [await canaries.store.put_part(canaries.bucket, key, upload_id, number, body) for number, body in enumerate(bodies, 1)]
    await canaries.store.complete_upload(canaries.bucket, key, upload_id, parts)
    head = await canaries.store.head(canaries.bucket, key)
    md5s = [hashlib.md5(body, usedforsecurity=False).digest() for body in bodies]
    found[Question.UPLOAD_ETAG] = "md5" if head.etag == etag_of_parts(md5s) else "opaque"
    first = await canaries.store.head(canaries.bucket, key, part_number=1)
    found[Question.PART_NUMBER] = "honoured" if (first.size, first.parts_count) == (PART_BYTES, 2) else "ignored"


async def upload_with_checksums(canaries: Canaries, found: Found) -> None:
    """Upload a part with a wrong CRC64NVME (must be refused), then with the right one, and look whether the whole's is stored."""
    key, right = canaries.name("upload-checksum"), crc64nvme(OLD)
    upload_id = await canaries.begin_upload(key)
    try:
        await canaries.store.put_part(canaries.bucket, key, upload_id, 1, OLD, crc64nvme=crc64nvme(NEW))
    except ChecksumRejected:
        found[Question.PART_CHECKSUM] = "verified"
    else:
        found[Question.PART_CHECKSUM] = "ignored"
    part = await canaries.store.put_part(canaries.bucket, key, upload_id, 1, OLD, crc64nvme=right)
    await canaries.store.complete_upload(canaries.bucket, key, upload_id, [part], crc64nvme=right)
    head = await canaries.store.head(canaries.bucket, key)
    found[Question.UPLOAD_CHECKSUM_STORED] = "yes" if head.checksum("crc64nvme") == right else "no"


async def complete_if_none_match(canaries: Canaries, found: Found) -> None:
    """Complete an upload with If-None-Match where something stands: it must fail, and what stands must stay."""
    key = canaries.name("complete-if-none-match")
    await canaries.put(key, OLD)
    upload_id = await canaries.begin_upload(key, checksum=False)
    part: Part = await canaries.store.put_part(canaries.bucket, key, upload_id, 1, NEW)
    try:
        await canaries.store.complete_upload(canaries.bucket, key, upload_id, [part], if_none_match=True)
    except PreconditionFailed:
        found[Question.COMPLETE_IF_NONE_MATCH] = "honoured" if await canaries.holds(key, OLD) else "ignored"
    else:
        found[Question.COMPLETE_IF_NONE_MATCH] = "ignored"


async def uploads_listed(canaries: Canaries, found: Found) -> None:
    """Begin an upload and look for it: by the beginning of its key, by the whole key, in the listing of all."""
    key = canaries.name("unfinished")
    wanted = (key, await canaries.begin_upload(key))
    for prefix, word in ((canaries.root, "by prefix"), (key, "by whole key"), ("", "without prefix")):
        if wanted in [upload async for upload in canaries.uploads(prefix)]:
            found[Question.UPLOADS_LISTED] = word
            return
    found[Question.UPLOADS_LISTED] = "no"


UPLOADS = (
    Inquiry(upload_of_two_parts, (Question.UPLOAD_ETAG, Question.PART_NUMBER)),
    Inquiry(upload_with_checksums, (Question.PART_CHECKSUM, Question.UPLOAD_CHECKSUM_STORED), by_header=True),
    Inquiry(complete_if_none_match, (Question.COMPLETE_IF_NONE_MATCH,), by_header=True),
    Inquiry(uploads_listed, (Question.UPLOADS_LISTED,)),
)
