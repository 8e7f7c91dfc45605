"""Take one object of ours away from the target, because people deleted it at the source.

Guarantees: nothing is deleted unless the source answers *not found* for its key just before, and the target's HEAD shows the very
ETag (and version) that our facts name; what a race puts there meanwhile is never destroyed: where versions are kept a marker is
laid, and taken back if it covers anything but ours; elsewhere the delete carries If-Match. Refuses where neither is to be had.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from relocation.ports import Clock, Store
from relocation.rules.capabilities import Question
from relocation.rules.errors import BadRequest, LeaseLost, NotFound, PreconditionFailed
from relocation.rules.keys import shown
from relocation.rules.objects import Head
from relocation.rules.records import Answers, Fact, InventoryRow, PlanRow, Removal
from relocation.transfer.endings import ended
from relocation.transfer.retry import Tries

STAGE = "remove"
Exact = Literal["marker", "condition", "no"]
"""How a delete at the target is kept from destroying what others wrote: versions keep it, If-Match does, or nothing would."""
UNVERSIONED = ("", "null")
INEXACT = (
    "the target keeps no versions and was not seen to honour If-Match on DELETE: a race could destroy what somebody else wrote; "
    "turn on versioning of the target bucket, run `hikkoshi probe`, and catch up again"
)
NO_VERSION = (
    "the target keeps no versions of it, though its bucket keeps them (MinIO, of keys that end in a slash): a race could destroy "
    "what somebody else wrote; whoever owns the bucket deletes it by hand"
)


@dataclass(frozen=True, slots=True)
class Removing:
    """What a removal works with. `history` lists all versions of a key at the target, oldest first; `deletes_version`: the policy
    wants our version gone as well, not just covered by a marker."""

    source: Store
    target: Store
    remover: Store
    exact: Exact
    deletes_version: bool
    history: Callable[[str, str], Awaitable[Sequence[InventoryRow]]]
    clock: Clock
    may_write_until: Callable[[], float]

    def check_lease(self) -> None:
        """Raise LeaseLost if the lease may have run out, as after a pause of the process."""
        if self.clock.monotonic() >= self.may_write_until():
            raise LeaseLost("the lease of this shard ran out before a delete; another lane has it now")


def exactness(target: Answers) -> Exact:
    """Return how a delete is kept exact at a bucket, as far as the probe saw it."""
    if target[Question.VERSIONING] == "enabled":
        return "marker"
    return "condition" if target[Question.DELETE_IF_MATCH] == "honoured" else "no"


async def remove_object(work: Removing, row: PlanRow, tries: Tries) -> Fact:
    """Remove one object and return the fact that says how it ended."""
    if work.exact == "no":
        return fact_of(row, Removal.STAYS, INEXACT, tries)
    if await _head(work.source, row.source_bucket, row.source_key, tries) is not None:
        return fact_of(row, Removal.STAYS, "it is at the source, though its listing did not show it: not removed", tries)
    found = await _head(work.target, row.target_bucket, row.target_key, tries)
    if found is None:
        return fact_of(row, Removal.REMOVED, "it was gone from the target already", tries)
    if not _is_what_we_wrote(found, row):
        return fact_of(row, Removal.STAYS, _not_ours(row, found), tries)
    if work.exact == "marker" and not found.version_id:
        return fact_of(row, Removal.STAYS, NO_VERSION, tries)
    work.check_lease()
    return await (_covered if work.exact == "marker" else _deleted)(work, row, found, tries)


async def _deleted(work: Removing, row: PlanRow, found: Head, tries: Tries) -> Fact:
    """Delete where no versions are kept: the store compares the ETag."""
    try:
        await tries.run(lambda: work.remover.delete(row.target_bucket, row.target_key, if_match=found.etag))
    except NotFound:
        return fact_of(row, Removal.REMOVED, "it was gone from the target already", tries)
    except PreconditionFailed:
        return fact_of(row, Removal.STAYS, "somebody else replaced it at the target just now: not ours to remove", tries)
    return fact_of(row, Removal.REMOVED, "", tries)


async def _covered(work: Removing, row: PlanRow, found: Head, tries: Tries) -> Fact:
    """Lay a delete marker, see that it covers our version and nothing else, and delete the version where the policy says so."""
    place = (row.target_bucket, row.target_key)
    await tries.run(lambda: work.remover.delete(*place))
    history = list(await work.history(*place))
    markers: list[str] = []
    while history and not history[-1].etag:
        markers.append(history.pop().version_id)
    if markers and (not history or history[-1].version_id != found.version_id):
        await tries.run(lambda: work.remover.delete(*place, version_id=markers[0]))
        return fact_of(row, Removal.STAYS, "somebody else wrote there in the same moment: our delete marker was taken back", tries)
    if not markers:
        return fact_of(row, Removal.STAYS, "somebody else wrote over our delete marker: not ours to remove", tries)
    if not work.deletes_version:
        return fact_of(row, Removal.REMOVED, "", tries)
    try:
        await tries.run(lambda: work.remover.delete(*place, version_id=found.version_id))
    except BadRequest as error:
        return fact_of(row, Removal.REMOVED, f"hidden by a delete marker; its version is held and stays: {error}", tries)
    return fact_of(row, Removal.REMOVED, "", tries)


def _is_what_we_wrote(found: Head, row: PlanRow) -> bool:
    """Tell whether the target still shows what the facts name: the ETag, and the version where both name one."""
    named = row.found_version_id
    same_version = named in UNVERSIONED or found.version_id in UNVERSIONED or named == found.version_id
    return found.etag == row.found_etag and found.size == row.found_size and same_version


def _not_ours(row: PlanRow, found: Head) -> str:
    there = f"{found.size} bytes, ETag {found.etag}"
    return f"{shown(row.target_key)} is another object at the target by now ({there}): not ours to remove"


async def _head(store: Store, bucket: str, key: str, tries: Tries) -> Head | None:
    try:
        return await tries.run(lambda: store.head(bucket, key))
    except NotFound:
        return None


def fact_of(row: PlanRow, outcome: Removal, reason: str, tries: Tries | None) -> Fact:
    """Return the fact of a removal."""
    return ended(row, outcome, reason, tries, stage=STAGE)._replace(target_version_id=row.found_version_id)
