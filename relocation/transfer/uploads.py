"""Begin an upload, and abort those of ours that nobody will complete: where an answer was lost, or the run that began it is gone.

The intent says that we are about to begin one under this very key, so an upload of it that began after our run did is ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from relocation.rules.errors import CutShort, NotFound, Transient, Unreachable
from relocation.rules.objects import Attributes
from relocation.rules.records import PlanRow
from relocation.transfer.hands import Hands
from relocation.transfer.retry import Tries

ROUNDING = timedelta(seconds=2)
"""Stores tell times in whole seconds, and the probe knows their clocks to half a one."""


async def begin_upload(hands: Hands, row: PlanRow, attributes: Attributes, tries: Tries) -> str:
    """Begin an upload and return its id. What a try whose answer was lost may have begun as well is aborted."""
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
    return upload_id


async def uploads_of(hands: Hands, row: PlanRow, tries: Tries) -> list[str]:
    """Return the ids of our unfinished uploads under a row's target key: those begun since our run did."""
    page = await tries.run(lambda: hands.target.list_uploads(row.target_bucket, prefix=row.target_key))
    since = datetime.fromisoformat(hands.begun_at) + timedelta(seconds=hands.seen.target_skew_s) - ROUNDING
    return [
        upload.upload_id
        for upload in page.items
        if upload.key == row.target_key and datetime.fromisoformat(upload.initiated) >= since
    ]


async def abort_uploads(hands: Hands, row: PlanRow, upload_ids: Iterable[str], tries: Tries) -> None:
    """Abort these uploads under a row's target key; one that was completed or aborted before is fine."""
    for upload_id in upload_ids:
        hands.check_lease()  # else it may be the upload of the lane that has the shard now
        with contextlib.suppress(NotFound):
            await tries.run(partial(hands.target.abort_upload, row.target_bucket, row.target_key, upload_id))
