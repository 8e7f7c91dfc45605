"""Carry out one row of a plan: copy, replace or prove, and return the one fact that says how it ended.

What stops the whole wave (a missing right, a full target, an endpoint that is gone, a lost lease) is raised; everything that
concerns this object alone is a fact with its reason.
"""

from __future__ import annotations

from relocation.rules import digests, parts
from relocation.rules.errors import CutShort, NotFound, Transient, Unreachable
from relocation.rules.records import Action, Fact, Intent, PlanRow
from relocation.transfer.copy_parts import copy_parts
from relocation.transfer.copy_whole import copy_whole
from relocation.transfer.endings import settled
from relocation.transfer.hands import Hands
from relocation.transfer.prove import prove, prove_occupied
from relocation.transfer.retry import Tries
from relocation.transfer.uploads import abort_uploads, uploads_of
from relocation.transfer.write import Occupied


async def copy_object(hands: Hands, row: PlanRow, earlier: Intent | None = None) -> Fact:
    """Bring one object level. `earlier` is the intent of a run that was cut off: what it may have written is looked at first."""
    tries = hands.tries()

    async def after_a_look() -> Fact:
        looked = await _after_a_crash(hands, row, earlier, tries) if earlier is not None else row
        return await settled(lambda: _carry_out(hands, looked, tries), looked, tries, stage="copy")

    return await settled(after_a_look, row, tries, stage="copy")


async def _carry_out(hands: Hands, row: PlanRow, tries: Tries) -> Fact:
    if row.action == Action.PROVE:
        fact = await _proved(hands, row, tries)
        if fact is not None:
            return fact
    try:
        return await (copy_parts if _by_parts(hands, row) else copy_whole)(hands, row, tries)
    except Occupied as occupied:
        return await prove_occupied(hands, row, occupied, tries)


async def _proved(hands: Hands, row: PlanRow, tries: Tries) -> Fact | None:
    """Prove a row; None where it must be written, as is one of ours that can't be read: rot may answer like a busy server."""
    try:
        return await prove(hands, row, tries)
    except Transient as error:
        if not row.ours or (isinstance(error, Unreachable) and not isinstance(error, CutShort)):
            raise
        return None


async def _after_a_crash(hands: Hands, row: PlanRow, earlier: Intent, tries: Tries) -> PlanRow:
    """Look at what the cut-off run left: abort its upload, and prove what it may have written instead of writing it again."""
    await abort_uploads(hands, row, await _left_behind(hands, row, earlier, tries), tries)
    try:
        found = await tries.run(lambda: hands.target.head(row.target_bucket, row.target_key))
    except NotFound:
        return row
    if found.etag == row.found_etag:
        return row  # untouched since the plan
    ours = found.etag == earlier.expected_etag
    return row._replace(action=Action.PROVE, found_etag=found.etag, found_size=found.size, ours=ours)


async def _left_behind(hands: Hands, row: PlanRow, earlier: Intent, tries: Tries) -> list[str]:
    """Return the uploads of ours under this key: the one on record, and one that began after it, before a crash."""
    on_record = [earlier.upload_id] if earlier.upload_id else []
    begun = await uploads_of(hands, row, tries) if _by_parts(hands, row) else []
    return list(dict.fromkeys(on_record + begun))


def _by_parts(hands: Hands, row: PlanRow) -> bool:
    return digests.parts_in(row.source_etag) > 0 or row.size > min(hands.budget.total_bytes, parts.PART_BYTES_MAX)
