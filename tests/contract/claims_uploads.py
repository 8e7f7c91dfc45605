"""Claims about multipart uploads: the parts in their order, all or nothing."""

from __future__ import annotations

import hashlib

from relocation.ports import Blocks
from relocation.rules.digests import etag_of_whole
from relocation.rules.errors import BadRequest, BucketMissing, ChecksumRejected, NotFound, PreconditionFailed, Refusal
from relocation.rules.objects import Attributes, Part
from tests.contract.digests import crc64nvme
from tests.contract.lab import CLAIMS, PART, Lab, blocks_of, refused

keeps = CLAIMS.add("uploads")
refuses = CLAIMS.add("uploads", refusal=True)
END = b"the end"
WHOLE = PART + END
NO_ATTRIBUTES = Attributes()


async def upload(
    lab: Lab, bucket: str, key: str = "k", *, attributes: Attributes = NO_ATTRIBUTES, checksum: bool = True
) -> tuple[str, list[Part]]:
    """Begin an upload and send both parts of `WHOLE`."""
    upload_id = await lab.store.create_upload(bucket, key, attributes=attributes, checksum=checksum)
    parts = [
        await lab.store.put_part(bucket, key, upload_id, number, body, crc64nvme=crc64nvme(body) if checksum else "")
        for number, body in enumerate((PART, END), 1)
    ]
    return upload_id, parts


async def is_not_there(lab: Lab, bucket: str, key: str = "k") -> None:
    await refused(lab.store.head(bucket, key), NotFound)


@keeps
async def parts_become_one_object(lab: Lab) -> None:
    """The object is the parts in the order of their numbers, whatever order they came in."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k", checksum=False)
    second = await lab.store.put_part(bucket, "k", upload_id, 2, END)
    first = await lab.store.put_part(bucket, "k", upload_id, 1, PART)
    await lab.store.complete_upload(bucket, "k", upload_id, [first, second])
    assert await lab.read(bucket, "k", room=len(WHOLE)) == WHOLE


@keeps
async def the_etag_of_an_upload_tells_its_layout(lab: Lab) -> None:
    """The ETag is the MD5 of the parts' MD5s and their count, in the answer and in HEAD."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    written = await lab.store.complete_upload(bucket, "k", upload_id, parts)
    sums = b"".join(bytes.fromhex(etag_of_whole(body)) for body in (PART, END))
    assert written.etag == f"{hashlib.md5(sums, usedforsecurity=False).hexdigest()}-2"
    assert (await lab.store.head(bucket, "k")).etag == written.etag


@keeps
async def an_upload_may_have_one_part(lab: Lab) -> None:
    """One part, smaller than all limits, is an object whose ETag ends in -1."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k")
    part = await lab.store.put_part(bucket, "k", upload_id, 1, END, crc64nvme=crc64nvme(END))
    assert (await lab.store.complete_upload(bucket, "k", upload_id, [part])).etag.endswith("-1")
    assert await lab.read(bucket, "k") == END


@keeps
async def a_head_of_part_one_tells_the_layout(lab: Lab) -> None:
    """HEAD with `partNumber=1` says the size of the first part and how many there are."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    await lab.store.complete_upload(bucket, "k", upload_id, parts)
    head = await lab.store.head(bucket, "k", part_number=1)
    assert (head.size, head.parts_count) == (len(PART), 2)
    assert (await lab.store.head(bucket, "k", part_number=2)).size == len(END)


@keeps
async def a_part_is_read_alone(lab: Lab) -> None:
    """GET with `partNumber` gives that part's bytes and the count of parts."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    await lab.store.complete_upload(bucket, "k", upload_id, parts)
    body, head = await lab.fetch(bucket, "k", part_number=2)
    assert (body, head.parts_count) == (END, 2)
    body, head = await lab.fetch(bucket, "k", part_number=1, room=len(PART))
    assert (body == PART, head.parts_count) == (True, 2)


@keeps
async def part_one_of_a_whole_put_is_the_object(lab: Lab) -> None:
    """An object that was written in one request can be asked for its part 1."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello")
    body, head = await lab.fetch(bucket, "k", part_number=1)
    assert (body, head.size) == (b"hello", 5)


@refuses
async def a_part_behind_the_last_is_refused(lab: Lab) -> None:
    """A part that is not there is an error, not the whole object."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    await lab.store.complete_upload(bucket, "k", upload_id, parts)
    await refused(lab.store.head(bucket, "k", part_number=3), Refusal)
    await refused(lab.read(bucket, "k", part_number=3, room=len(WHOLE)), Refusal)


@refuses
async def a_part_never_carries_the_checksum_of_the_whole(lab: Lab) -> None:
    """A checksum that comes with a part is that part's, or none comes."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    await lab.store.complete_upload(bucket, "k", upload_id, parts, crc64nvme=crc64nvme(WHOLE))
    head = await lab.store.head(bucket, "k", part_number=2)
    assert head.checksum("crc64nvme") in {"", crc64nvme(END)}


@keeps
async def an_upload_keeps_the_checksum_of_the_whole(lab: Lab) -> None:
    """A full-object CRC64NVME is in the answer to the completion, in HEAD and in GET."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    written = await lab.store.complete_upload(bucket, "k", upload_id, parts, crc64nvme=crc64nvme(WHOLE))
    assert written.crc64nvme == crc64nvme(WHOLE)
    assert (await lab.store.head(bucket, "k")).checksum("crc64nvme") == crc64nvme(WHOLE)


@keeps
async def a_part_answers_the_checksum_that_was_sent(lab: Lab) -> None:
    """Each part's CRC64NVME is verified and answered."""
    bucket = await lab.bucket()
    _, parts = await upload(lab, bucket)
    assert [part.crc64nvme for part in parts] == [crc64nvme(PART), crc64nvme(END)]


@refuses
async def a_part_with_a_wrong_checksum_is_refused(lab: Lab) -> None:
    """A part that changed on its way is not kept."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k")
    await refused(lab.store.put_part(bucket, "k", upload_id, 1, END, crc64nvme=crc64nvme(b"other")), ChecksumRejected)
    assert await lab.store.list_parts(bucket, "k", upload_id) == ()


@refuses
async def a_completion_with_a_wrong_checksum_is_refused(lab: Lab) -> None:
    """Parts that do not make the object that was meant make none."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    await refused(
        lab.store.complete_upload(bucket, "k", upload_id, parts, crc64nvme=crc64nvme(b"other")), ChecksumRejected, BadRequest
    )
    await is_not_there(lab, bucket)


@refuses
async def a_completion_with_a_wrong_part_is_refused(lab: Lab) -> None:
    """A part with another ETag than the uploaded one's makes no object."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    wrong = Part(2, etag_of_whole(b"other"), parts[1].crc64nvme)
    await refused(lab.store.complete_upload(bucket, "k", upload_id, [parts[0], wrong]), BadRequest)
    await is_not_there(lab, bucket)


@refuses
async def a_completion_with_a_part_that_never_came_is_refused(lab: Lab) -> None:
    """A part that was not uploaded makes no object."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    await refused(lab.store.complete_upload(bucket, "k", upload_id, [*parts, Part(3, etag_of_whole(b""))]), BadRequest)
    await is_not_there(lab, bucket)


@refuses
async def a_completion_without_parts_is_refused(lab: Lab) -> None:
    """No parts make no object, not an empty one."""
    bucket = await lab.bucket()
    upload_id, _ = await upload(lab, bucket)
    await refused(lab.store.complete_upload(bucket, "k", upload_id, []), BadRequest, NotFound)
    await is_not_there(lab, bucket)


@refuses
async def parts_out_of_order_are_refused(lab: Lab) -> None:
    """The order of the list must be that of the numbers."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    await refused(lab.store.complete_upload(bucket, "k", upload_id, parts[::-1]), BadRequest)
    await is_not_there(lab, bucket)


@refuses
async def a_small_part_before_the_last_is_refused(lab: Lab) -> None:
    """A part under 5 MiB is taken only as the last one."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k", checksum=False)
    parts = [await lab.store.put_part(bucket, "k", upload_id, number, END) for number in (1, 2)]
    await refused(lab.store.complete_upload(bucket, "k", upload_id, parts), BadRequest)
    await is_not_there(lab, bucket)


@refuses
async def a_completion_with_if_none_match_never_overwrites(lab: Lab) -> None:
    """What came under the key while the parts went up stands."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket)
    await lab.store.put(bucket, "k", b"theirs")
    await refused(lab.store.complete_upload(bucket, "k", upload_id, parts, if_none_match=True), PreconditionFailed)
    assert await lab.read(bucket, "k") == b"theirs"


@refuses
async def a_completion_with_a_wrong_if_match_is_refused(lab: Lab) -> None:
    """Our own object is not replaced by an upload when somebody else changed it since."""
    bucket = await lab.bucket()
    etag = (await lab.store.put(bucket, "k", b"ours")).etag
    upload_id, parts = await upload(lab, bucket)
    await lab.store.put(bucket, "k", b"theirs")
    await refused(lab.store.complete_upload(bucket, "k", upload_id, parts, if_match=etag), PreconditionFailed)
    assert await lab.read(bucket, "k") == b"theirs"


@refuses
async def an_upload_leaves_the_old_object_until_it_is_complete(lab: Lab) -> None:
    """Readers see the old bytes until the new ones are whole."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"old")
    upload_id, parts = await upload(lab, bucket)
    assert await lab.read(bucket, "k") == b"old"
    await lab.store.complete_upload(bucket, "k", upload_id, parts)
    assert (await lab.store.head(bucket, "k")).size == len(WHOLE)


@refuses
async def an_aborted_upload_leaves_nothing(lab: Lab) -> None:
    """No object, and no upload in the listing."""
    bucket = await lab.bucket()
    upload_id, _ = await upload(lab, bucket)
    await lab.store.abort_upload(bucket, "k", upload_id)
    await is_not_there(lab, bucket)
    assert (await lab.store.list_uploads(bucket)).items == ()


@refuses
async def an_unknown_upload_is_not_found(lab: Lab) -> None:
    """Nothing can be sent to, listed or made of an upload that is not there."""
    bucket = await lab.bucket()
    upload_id, parts = await upload(lab, bucket, checksum=False)
    await lab.store.abort_upload(bucket, "k", upload_id)
    await refused(lab.store.list_parts(bucket, "k", upload_id), NotFound)
    await refused(lab.store.put_part(bucket, "k", upload_id, 1, END), NotFound)
    await refused(lab.store.complete_upload(bucket, "k", upload_id, parts), NotFound)


@refuses
async def aborting_an_unknown_upload_is_refused(lab: Lab) -> None:
    """Taking away what is not there says so."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k")
    await lab.store.abort_upload(bucket, "k", upload_id)
    await refused(lab.store.abort_upload(bucket, "k", upload_id), NotFound)


@refuses
async def a_part_without_the_agreed_checksum_is_refused(lab: Lab) -> None:
    """An upload that was begun with a checksum takes no part without one."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k", checksum=True)
    await refused(lab.store.put_part(bucket, "k", upload_id, 1, END), BadRequest)


@refuses
async def an_upload_belongs_to_its_key(lab: Lab) -> None:
    """The id of one key's upload is of no use under another key."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k")
    await refused(lab.store.put_part(bucket, "other", upload_id, 1, END), NotFound)


@refuses
async def an_upload_into_a_missing_bucket_is_refused(lab: Lab) -> None:
    """A bucket is not made in passing."""
    await refused(lab.store.create_upload("no-such-bucket-here", "k"), BucketMissing)


@keeps
async def uploaded_parts_are_listed(lab: Lab) -> None:
    """Number, size and ETag of each part; one that was sent again is listed once, as the last one sent."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k", checksum=False)
    await lab.store.put_part(bucket, "k", upload_id, 2, b"first try")
    for number, body in ((2, END), (1, PART)):
        await lab.store.put_part(bucket, "k", upload_id, number, body)
    wanted = ((1, len(PART), etag_of_whole(PART)), (2, len(END), etag_of_whole(END)))
    found = await lab.store.list_parts(bucket, "k", upload_id)
    assert tuple((part.number, part.size, part.etag) for part in found) == wanted


@keeps
async def a_listed_part_never_carries_a_wrong_checksum(lab: Lab) -> None:
    """The CRC64NVME of a listed part is the one that was verified when it came, or none is told."""
    bucket = await lab.bucket()
    upload_id, _ = await upload(lab, bucket)
    found = await lab.store.list_parts(bucket, "k", upload_id)
    assert [part.number for part in found] == [1, 2]
    for part, body in zip(found, (PART, END), strict=True):
        assert part.crc64nvme in {"", crc64nvme(body)}


@keeps
async def a_part_may_come_in_blocks(lab: Lab) -> None:
    """A part that is sent block by block is the part that was meant."""
    bucket = await lab.bucket()
    upload_id = await lab.store.create_upload(bucket, "k", checksum=False)
    part = await lab.store.put_part(bucket, "k", upload_id, 1, Blocks(len(PART), blocks_of(PART)))
    await lab.store.complete_upload(bucket, "k", upload_id, [part])
    assert crc64nvme(await lab.read(bucket, "k", room=len(PART))) == crc64nvme(PART)


@keeps
async def unfinished_uploads_are_listed(lab: Lab) -> None:
    """Key and id of each upload that is neither complete nor aborted."""
    bucket = await lab.bucket()
    ids = {key: await lab.store.create_upload(bucket, key) for key in ("a/写 真", "b+c")}
    uploads = (await lab.store.list_uploads(bucket)).items
    assert {item.key: item.upload_id for item in uploads} == ids
    assert all(item.initiated.startswith("20") for item in uploads)


@keeps
async def unfinished_uploads_are_listed_by_prefix(lab: Lab) -> None:
    """A prefix narrows the listing of uploads as it does that of objects."""
    bucket = await lab.bucket()
    for key in ("a/1", "a/2", "b/1"):
        await lab.store.create_upload(bucket, key)
    assert [item.key for item in (await lab.store.list_uploads(bucket, prefix="a/")).items] == ["a/1", "a/2"]


@keeps
async def an_upload_carries_its_attributes(lab: Lab) -> None:
    """Headers, metadata and tags are given at the beginning and are those of the object."""
    bucket = await lab.bucket()
    given = Attributes((("cache-control", "no-cache"), ("content-type", "video/mp4")), (("owner", "a b"),), (("team", "x y"),))
    upload_id, parts = await upload(lab, bucket, attributes=given)
    await lab.store.complete_upload(bucket, "k", upload_id, parts)
    kept = (await lab.store.head(bucket, "k")).attributes
    assert (kept.headers, kept.metadata) == (given.headers, given.metadata)
    assert await lab.store.get_tags(bucket, "k") == given.tags
