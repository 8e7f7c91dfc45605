"""Prove an object that is at the target already, whoever wrote it: read both sides, and compare.

Equal bytes are kept and from then on proved. Ours and wrong is replaced. Not ours and different is a conflict, and stays.
A difference is believed when both sides were read twice: one byte that flips on the way is none.
"""

from __future__ import annotations

from typing import NamedTuple

from relocation.rules import digests
from relocation.rules.errors import CutShort, Drift, NotFound, Transient, Unreachable
from relocation.rules.fidelity import differences
from relocation.rules.objects import Attributes, Head
from relocation.rules.records import Action, Fact, Outcome, PlanRow, Proof
from relocation.transfer.compare import Hashed, hash_object
from relocation.transfer.endings import copied, ended, reason_of
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import attributes_sha256
from relocation.transfer.read import as_kept, to_send
from relocation.transfer.retry import Tries
from relocation.transfer.write import Occupied


class Anew(NamedTuple):
    """What one of ours must be written again for. `mismatch`: it is there, and holds other bytes."""

    reason: str
    mismatch: bool = False


GONE = Anew("not at the target any more")
WRONG = Anew("the target's bytes are not the source's", mismatch=True)
WRITTEN_ANEW = "written anew: "
"""So begins the reason in the fact of an object that had been at the target, and was written again."""


class _There(NamedTuple):
    """What stands at the target, as it was read."""

    found: Head
    hashed: Hashed
    kept: Attributes


async def prove(hands: Hands, row: PlanRow, tries: Tries) -> Fact | Anew:
    """Read both sides of a row and return the fact; Anew where what is there is ours, and wrong or not to be read, or gone."""
    place = (row.source_bucket, row.source_key)
    for source in (hands.source, hands.source_again or hands.source):
        there = await _there(hands, row, tries)
        if not isinstance(there, _There):
            return there
        hashed = await hash_object(hands, source, place, etag=row.source_etag, size=row.size, tries=tries)
        if hashed.xxh3 == there.hashed.xxh3:
            return await _proved(hands, row, hashed, there, tries)
    return WRONG if row.ours else conflict(row, "the target holds other bytes of the same size, which are not ours")


async def _there(hands: Hands, row: PlanRow, tries: Tries) -> _There | Fact | Anew:
    """Read the target's side; where that can't be the source's object, say what becomes of it."""
    place = (row.target_bucket, row.target_key)
    try:
        found = await found_at_target(hands, row, tries)
        if found is None:
            return GONE
        if found.size != row.size:
            return WRONG if row.ours else conflict(row, f"the target holds another object of {found.size} bytes")
        hashed = await hash_object(hands, hands.target, place, etag=found.etag, size=row.size, tries=tries)
        return _There(found, hashed, await as_kept(hands.fidelity, hands.target, place, hashed.head, tries))
    except Drift:  # of the target: says nothing about the source
        return conflict(row, "the target changed while it was looked at; run again")
    except Transient as error:
        if not row.ours or (isinstance(error, Unreachable) and not isinstance(error, CutShort)):
            raise
        return Anew(reason_of(error))  # rot may answer like a busy server


async def _proved(hands: Hands, row: PlanRow, source: Hashed, there: _There, tries: Tries) -> Fact:
    """Return the fact of an object that is the same on both sides."""
    place = (row.source_bucket, row.source_key)
    sent, losses = await to_send(hands.fidelity, hands.source, place, source.head, tries, now=hands.clock.now())
    found, seen = there.found, hands.seen
    md5s = (seen.source_etag_is_md5, seen.target_etag_is_md5)
    if digests.parts_in(found.etag):
        md5s = (seen.source_parts_etag_is_md5, seen.target_parts_etag_is_md5)
    same_etag = found.etag == row.source_etag and all(md5s)
    return copied(row, tries, read=source.head, there=found, prints=source)._replace(
        proofs=(Proof.READ_BACK, Proof.SAME_ETAG) if same_etag else (Proof.READ_BACK,),
        losses=(*losses, *differences(sent, there.kept)),
        attributes_sha256=attributes_sha256(sent, losses),
        ours=row.ours and found.etag == row.found_etag,
    )


async def claimed(hands: Hands, row: PlanRow, tries: Tries) -> PlanRow:
    """Return the row as one of ours if the bytes found are those that an intent of ours names: where ETags can't tell, these do.

    They are read twice before they are another's: what is not ours is never replaced again.
    """
    place = (row.target_bucket, row.target_key)
    try:
        for _ in range(2):
            hashed = await hash_object(hands, hands.target, place, etag=row.found_etag, size=row.found_size, tries=tries)
            if hashed.xxh3 in row.intended:
                return row._replace(ours=True)
    except Drift:  # whatever stands there now was not there when we looked
        return row
    return row._replace(ours=False)


async def found_at_target(hands: Hands, row: PlanRow, tries: Tries) -> Head | None:
    """Return the HEAD of what stands under a row's target key, None for nothing."""
    try:
        return await tries.run(lambda: hands.target.head(row.target_bucket, row.target_key))
    except NotFound:
        return None


def conflict(row: PlanRow, reason: str) -> Fact:
    """Return the fact of an object that somebody else wrote under our target key: named, never overwritten."""
    return ended(row._replace(ours=False), Outcome.CONFLICTED, reason, None)


async def prove_occupied(hands: Hands, row: PlanRow, occupied: Occupied, tries: Tries) -> Fact:
    """Settle what a write met: the same bytes are kept, other bytes are a conflict."""
    met = row._replace(action=Action.PROVE, found_etag=occupied.found.etag, found_size=occupied.found.size, ours=False)
    if occupied.intended:
        met = await claimed(hands, met._replace(intended=(occupied.intended,)), tries)
    proved = await prove(hands, met, tries)
    return conflict(met, f"{proved.reason}; run again") if isinstance(proved, Anew) else proved
