"""Prove an object that is at the target already, whoever wrote it: read both sides, and compare.

Equal bytes are kept and from then on proved. Ours and wrong is replaced. Not ours and different is a conflict, and stays.
"""

from __future__ import annotations

from relocation.rules import digests
from relocation.rules.errors import Drift, NotFound
from relocation.rules.fidelity import differences
from relocation.rules.objects import Head
from relocation.rules.records import Action, Fact, Outcome, PlanRow, Proof
from relocation.transfer.compare import hash_object
from relocation.transfer.endings import copied, ended
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import attributes_sha256
from relocation.transfer.read import as_kept, to_send
from relocation.transfer.retry import Tries
from relocation.transfer.write import Occupied


async def prove(hands: Hands, row: PlanRow, tries: Tries) -> Fact | None:
    """Read both sides of a row and return the fact; None where what is there is ours and wrong, or gone: it must be written."""
    found = await found_at_target(hands, row, tries)
    if found is None:
        return None
    if found.size != row.size:
        return None if row.ours else conflict(row, f"the target holds another object of {found.size} bytes")
    place = (row.target_bucket, row.target_key)
    try:
        target = await hash_object(hands, hands.target, place, etag=found.etag, size=row.size, tries=tries)
        kept = await as_kept(hands.fidelity, hands.target, place, target.head, tries)
    except Drift:  # of the target: says nothing about the source
        return conflict(row, "the target changed while it was looked at; run again")
    place = (row.source_bucket, row.source_key)
    source = await hash_object(hands, hands.source, place, etag=row.source_etag, size=row.size, tries=tries)
    if source.xxh3 != target.xxh3:
        return None if row.ours else conflict(row, "the target holds other bytes of the same size, which are not ours")
    sent, losses = await to_send(hands.fidelity, hands.source, place, source.head, tries, now=hands.clock.now())
    seen = hands.seen
    md5s = (seen.source_etag_is_md5, seen.target_etag_is_md5)
    if digests.parts_in(found.etag):
        md5s = (seen.source_parts_etag_is_md5, seen.target_parts_etag_is_md5)
    same_etag = found.etag == row.source_etag and all(md5s)
    return copied(row, tries, read=source.head, there=found, prints=source)._replace(
        proofs=(Proof.READ_BACK, Proof.SAME_ETAG) if same_etag else (Proof.READ_BACK,),
        losses=(*losses, *differences(sent, kept)),
        attributes_sha256=attributes_sha256(sent, losses),
        ours=row.ours and found.etag == row.found_etag,
    )


async def claimed(hands: Hands, row: PlanRow, tries: Tries) -> PlanRow:
    """Return the row as one of ours if the bytes found are those that an intent of ours names: where ETags can't tell, these do."""
    place = (row.target_bucket, row.target_key)
    try:
        hashed = await hash_object(hands, hands.target, place, etag=row.found_etag, size=row.found_size, tries=tries)
    except Drift:  # whatever stands there now was not there when we looked
        return row
    return row._replace(ours=hashed.xxh3 in row.intended)


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
    return await prove(hands, met, tries) or conflict(met, "the target changed while it was looked at; run again")
