"""Carry out one row of a plan: copy, replace or prove, and return the one fact that says how it ended.

What stops the whole wave (a missing right, a full target, an endpoint that is gone, a lost lease) is raised; everything that
concerns this object alone is a fact with its reason.
"""

from __future__ import annotations

from relocation.rules import digests, parts
from relocation.rules.records import Action, Fact, Intent, PlanRow
from relocation.transfer.copy_parts import copy_parts
from relocation.transfer.copy_stream import copy_stream
from relocation.transfer.copy_whole import copy_whole
from relocation.transfer.endings import settled
from relocation.transfer.hands import Hands
from relocation.transfer.prove import WRITTEN_ANEW, claimed, found_at_target, prove, prove_occupied
from relocation.transfer.retry import Tries
from relocation.transfer.uploads import abort_uploads, uploads_of
from relocation.transfer.write import Occupied


async def copy_object(hands: Hands, row: PlanRow, earlier: Intent | None = None) -> Fact:
    """Bring one object level. `earlier` is the intent of a run that was cut off: what it may have written is looked at first."""
    tries = hands.tries()
    if earlier is None and not row.intended:
        return await settled(lambda: _carry_out(hands, row, tries, None), row, tries, stage="copy")

    async def after_a_look() -> Fact:
        looked = await _after_a_crash(hands, row, earlier, tries) if earlier is not None else row
        resume = earlier if looked is row else None
        if looked.intended and not looked.ours:
            looked = await claimed(hands, looked, tries)
        return await settled(lambda: _carry_out(hands, looked, tries, resume), looked, tries, stage="copy")

    return await settled(after_a_look, row, tries, stage="copy")


async def _carry_out(hands: Hands, row: PlanRow, tries: Tries, resume: Intent | None) -> Fact:
    anew = ""
    if row.action == Action.PROVE:
        proved = await prove(hands, row, tries)
        if isinstance(proved, Fact):
            return proved
        anew = WRITTEN_ANEW + proved.reason
    try:
        fact = await _written(hands, row, tries, resume)
    except Occupied as occupied:
        return await prove_occupied(hands, row, occupied, tries)
    return fact._replace(reason=fact.reason or anew) if anew else fact


async def _written(hands: Hands, row: PlanRow, tries: Tries, resume: Intent | None) -> Fact:
    if row.size <= hands.budget.lease_bytes_max and not digests.parts_in(row.source_etag):
        return await copy_whole(hands, row, tries)
    if _by_parts(hands, row):
        return await copy_parts(hands, row, tries, resume)
    return await copy_stream(hands, row, tries)


async def _after_a_crash(hands: Hands, row: PlanRow, earlier: Intent, tries: Tries) -> PlanRow:
    """Look at what the cut-off run left, and prove what it may have written instead of writing it again.

    Where nothing of it stands, the row itself is returned, and the upload on record is kept, to be gone on with; all others of ours
    under this key are aborted.
    """
    begun = await uploads_of(hands, row, tries) if _by_parts(hands, row) else []
    found = await found_at_target(hands, row, tries)
    untouched = found is None or found.etag == row.found_etag  # since the plan
    keeps = earlier.upload_id if untouched and _by_parts(hands, row) else ""
    left = [earlier.upload_id, *begun] if earlier.upload_id else begun
    await abort_uploads(hands, row, (upload_id for upload_id in dict.fromkeys(left) if upload_id != keeps), tries)
    if found is None or untouched:
        return row
    intended = (earlier.xxh3,) if earlier.xxh3 and earlier.size == found.size else ()
    ours = found.etag == earlier.expected_etag
    return row._replace(action=Action.PROVE, found_etag=found.etag, found_size=found.size, ours=ours, intended=intended)


def _by_parts(hands: Hands, row: PlanRow) -> bool:
    """Tell whether an object goes by parts: its source has it so, or it is large and its ETag can't be, or need not be, kept."""
    if digests.parts_in(row.source_etag):
        return True
    streams = row.foretold_etag and not hands.may_change_etag and row.size <= parts.PART_BYTES_MAX
    return row.size > hands.budget.lease_bytes_max and not streams
