"""Begin an upload, or go on with one that a run left behind; abort those of ours that nobody will complete.

The intent says that we are about to begin one under this very key, so an upload of it that began after our run did is ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from relocation.rules import digests
from relocation.rules.errors import CutShort, NotFound, Transient, Unreachable
from relocation.rules.objects import Attributes, ListedPart, ListedUpload
from relocation.rules.records import Intent, PlanRow
from relocation.transfer.hands import Hands
from relocation.transfer.retry import Tries

ROUNDING = timedelta(seconds=2)
"""Stores tell times in whole seconds, and the probe knows their clocks to half a one."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload under way, and the parts that it holds already, by number."""

    upload_id: str
    parts: Mapping[int, ListedPart] = field(default_factory=dict)


async def resumed_upload(hands: Hands, row: PlanRow, resume: Intent | None, sent_sha256: str, tries: Tries) -> Begun | None:
    """Return the upload that a run before left behind, to be gone on with; None where there is none, or not of this very object:
    then it is aborted. `sent_sha256` is the hash of what travels beside the bytes: an upload takes that at its beginning."""
    if resume is None or not resume.upload_id:
        return None
    if (resume.source_etag, resume.attributes_sha256) == (row.source_etag, sent_sha256):
        with contextlib.suppress(NotFound):
            listed = await tries.run(partial(hands.target.list_parts, row.target_bucket, row.target_key, resume.upload_id))
            return Begun(resume.upload_id, {part.number: part for part in listed})
    await abort_uploads(hands, row, [resume.upload_id], tries)
    return None


def holds_already(hands: Hands, there: ListedPart, view: memoryview, crc64nvme: str) -> bool:
    """Tell whether a part that the target lists is made of these bytes, by a checksum that it verified or by their MD5."""
    if there.size != len(view):
        return False
    if there.crc64nvme and hands.seen.counts_received_parts:
        return there.crc64nvme == crc64nvme
    return hands.seen.target_parts_etag_is_md5 and there.etag == digests.etag_of_whole(view)


async def begin_upload(hands: Hands, row: PlanRow, attributes: Attributes, tries: Tries) -> Begun:
    """Begin an upload. What a try whose answer was lost may have begun as well is aborted."""
    asked = 0

    async def once() -> str:
        nonlocal asked
        asked += 1
        hands.check_lease()
        checksum = hands.seen.sends_checksum_parts
        return await hands.target.create_upload(row.target_bucket, row.target_key, attributes=attributes, checksum=checksum)

    try:
        upload_id = await tries.run(once)
    except Transient as error:
        if not isinstance(error, Unreachable) or isinstance(error, CutShort):  # else the run stops; the next one looks
            await abort_uploads(hands, row, await uploads_of(hands, row, tries), tries)
        raise
    if asked > 1:
        found = await uploads_of(hands, row, tries)
        await abort_uploads(hands, row, (other for other in found if other != upload_id), tries)
    return Begun(upload_id)


async def uploads_of(hands: Hands, row: PlanRow, tries: Tries) -> list[str]:
    """Return the ids of our unfinished uploads under a row's target key: those begun since our run did."""
    listed: list[ListedUpload] = []
    token = ""
    while True:
        page = await tries.run(partial(hands.target.list_uploads, row.target_bucket, prefix=row.target_key, token=token))
        listed += (upload for upload in page.items if upload.key == row.target_key)
        token = page.next_token
        if not token or (page.items and page.items[-1].key > row.target_key):  # they come in the order of their keys
            break
    since = datetime.fromisoformat(hands.begun_at) + timedelta(seconds=hands.seen.target_skew_s) - ROUNDING
    return [upload.upload_id for upload in listed if datetime.fromisoformat(upload.initiated) >= since]


async def abort_uploads(hands: Hands, row: PlanRow, upload_ids: Iterable[str], tries: Tries) -> None:
    """Abort these uploads under a row's target key; one that was completed or aborted before is fine."""
    for upload_id in upload_ids:
        hands.check_lease()  # else it may be the upload of the lane that has the shard now
        with contextlib.suppress(NotFound):
            await tries.run(partial(hands.target.abort_upload, row.target_bucket, row.target_key, upload_id))
