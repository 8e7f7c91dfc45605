"""Write one object whole, so that nothing that somebody else wrote is ever overwritten.

Guarantees: a new object goes out with `If-None-Match: *`, one that replaces ours with If-Match and our own ETag; where the probe
saw a condition ignored, the target is looked at first, and only where its versioning would keep what a race overwrote. A lost
answer is settled by looking: our own object is success, another's is `Occupied`.
"""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from relocation.rules import digests
from relocation.rules.errors import CutShort, NotFound, PreconditionFailed, Refusal, Transient, Unreachable
from relocation.rules.keys import shown
from relocation.rules.objects import Attributes, Head, Written
from relocation.rules.records import Action, PlanRow
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import Fingerprint
from relocation.transfer.retry import Tries


class Occupied(Exception):
    """Something stands under the target key that is not known for what we meant to write. `found` is its HEAD; `intended`, the
    XXH3-128 of what a try of ours may have written there all the same: having these bytes, it is ours."""

    def __init__(self, found: Head, intended: str = "") -> None:
        super().__init__(found.etag)
        self.found = found
        self.intended = intended


class Body(NamedTuple):
    """What is sent: the bytes, their CRC64NVME (base64), and what travels beside them."""

    view: memoryview
    crc64nvme: str
    attributes: Attributes


async def write_whole(hands: Hands, row: PlanRow, body: Body, tries: Tries) -> Written:
    """PUT an object and return the target's answer. Raises Occupied where the target holds something else."""
    await look_first(hands, row, tries, by_parts=False)
    conditions = write_conditions(hands, row, by_parts=False)
    before = await version_before(hands, row, _expected(row, body), tries) if row.found_etag else ""
    asked = 0

    async def once() -> Written:
        nonlocal asked
        asked += 1
        if asked > 1 and (written := await written_since(hands, row, before)):
            return written
        hands.check_lease()
        crc64nvme = body.crc64nvme if hands.seen.sends_checksum else ""
        return await hands.target.put(
            row.target_bucket, row.target_key, body.view, attributes=body.attributes, crc64nvme=crc64nvme, **conditions
        )

    try:
        return await tries.run(once)
    except (PreconditionFailed, NotFound):  # If-Match on what is gone by now is a 404
        return await settle(hands, row, _expected(row, body), tries, asked=asked, intended=_intended(hands, body.view))
    except Transient as error:
        return await settle_unanswered(hands, row, _expected(row, body), tries, error, intended=_intended(hands, body.view))


def _expected(row: PlanRow, body: Body) -> str:
    """Return the ETag that the target will give the body; hashed only where somebody asks: the listing foretells most."""
    return row.foretold_etag or digests.etag_of_whole(body.view)


def _intended(hands: Hands, view: memoryview) -> str:
    """Return what tells our object from others' where ETags don't; empty where they do."""
    if hands.seen.target_etag_is_md5:
        return ""
    print_ = Fingerprint()
    print_.update(view)
    return print_.xxh3


class Conditions(TypedDict, total=False):
    """The condition under which a row may be written, as keyword arguments of the store's writes."""

    if_match: str
    if_none_match: bool


def write_conditions(hands: Hands, row: PlanRow, *, by_parts: bool) -> Conditions:
    """Return what a write must carry: our own ETag where it replaces ours, else that nothing may be there.

    A condition that was seen ignored is not sent: what takes it away on its way would break the signature.
    """
    if _replaces(row):
        return {"if_match": row.found_etag} if hands.seen.replace == "condition" else {}
    return {"if_none_match": True} if hands.seen.guard(replaces=False, by_parts=by_parts) == "condition" else {}


async def look_first(hands: Hands, row: PlanRow, tries: Tries, *, by_parts: bool) -> None:
    """HEAD the target where its conditions can't be relied on; raise Occupied if what is there is not what was planned for."""
    guard = hands.seen.guard(replaces=_replaces(row), by_parts=by_parts)
    if guard == "refuse":
        raise Refusal(
            "the target was not seen to honour the condition of this write, and its bucket is not versioned: a race could "
            "overwrite what somebody else wrote; turn on versioning of the target bucket, run `hikkoshi probe`, and run again"
        )
    if guard == "condition":
        return
    found = await _head(hands, row, tries)
    if found is not None and (not _replaces(row) or found.etag != row.found_etag):
        raise Occupied(found)


def _replaces(row: PlanRow) -> bool:
    return row.action in (Action.REPLACE, Action.PROVE) and row.found_etag != ""


async def version_before(hands: Hands, row: PlanRow, expected_etag: str, tries: Tries) -> str:
    """Return the version that an object is about to take the place of with its very bytes (other metadata, rot); else nothing.

    The condition of such a write, the ETag that it leaves, holds after it as before: only the version tells a try that took
    effect, and whose answer was lost, from one that did not. A second one would be a version too many.
    """
    if expected_etag != row.found_etag:
        return ""
    found = await _head(hands, row, tries)
    return found.version_id if found is not None else ""


async def written_since(hands: Hands, row: PlanRow, version_id: str) -> Written | None:
    """Return what a try before this one wrote in place of that version; None where nothing was, or where no version tells."""
    if not version_id:
        return None
    try:
        found = await hands.target.head(row.target_bucket, row.target_key)
    except NotFound:
        return None
    return _as_written(found) if found.etag == row.found_etag and found.version_id != version_id else None


def _as_written(found: Head) -> Written:
    return Written(etag=found.etag, version_id=found.version_id, crc64nvme=found.checksum("crc64nvme"))


async def settle(hands: Hands, row: PlanRow, expected_etag: str, tries: Tries, *, asked: int, intended: str = "") -> Written:
    """After a 412: return what stands there if an earlier try of ours wrote it (the answer was lost), else raise Occupied.

    `asked` is how often this very write was tried: only one of the tries before the last can have written. `intended` goes along
    with Occupied then, where the target's ETags can't tell.
    """
    found = await _head(hands, row, tries)
    if found is None:
        raise Occupied(Head(size=-1, etag="", last_modified=""))
    if asked > 1 and found.etag == expected_etag:
        return _as_written(found)
    raise Occupied(found, intended if asked > 1 else "")


async def settle_unanswered(
    hands: Hands, row: PlanRow, expected_etag: str, tries: Tries, error: Transient, *, intended: str = ""
) -> Written:
    """After the last try: return what stands there if one of ours wrote it in spite of its answer, else raise `error`."""
    if isinstance(error, Unreachable) and not isinstance(error, CutShort):
        raise error  # the run stops, and its intent stays
    found = await _head(hands, row, tries)
    if found is not None and intended and found.etag not in {expected_etag, row.found_etag}:
        raise Occupied(found, intended)
    if found is None or found.etag != expected_etag or found.etag == row.found_etag:
        raise error
    return _as_written(found)


async def _head(hands: Hands, row: PlanRow, tries: Tries) -> Head | None:
    try:
        return await tries.run(lambda: hands.target.head(row.target_bucket, row.target_key))
    except NotFound:
        return None


def occupied_reason(row: PlanRow, found: Head) -> str:
    """Say in words what stands in the way under a target key."""
    if found.size < 0:
        return f"{shown(row.target_key)} came and went at the target while it was written; run again"
    return f"the target holds another object under {shown(row.target_key)} ({found.size} bytes, ETag {found.etag}); not overwritten"
