"""Read the source a second time, over the other HTTP stack, and hold it against what was copied: the proof `source_twice`.

A bit that flipped on its way in, or a fault in our own buffers, is copied and read back as equal: only the source can tell.
Guarantees: done where the policy asks for it, and by default wherever nothing else proves the source's side; different bytes are a
failure that the next run looks into, never a proof.
"""

from __future__ import annotations

from relocation.rules.errors import BadRequest, CutShort, Drift, Forbidden, SourceGone, Transient, Unreachable
from relocation.rules.keys import shown
from relocation.rules.records import Fact, Outcome, PlanRow, Proof
from relocation.transfer.compare import hash_object
from relocation.transfer.endings import reason_of
from relocation.transfer.hands import Hands
from relocation.transfer.retry import Tries

SOURCE_SIDE = frozenset({Proof.SAME_ETAG, Proof.SOURCE_CHECKSUM, Proof.SOURCE_TWICE})


def wants_source_twice(hands: Hands, proofs: tuple[str, ...]) -> bool:
    """Tell whether an object with these proofs has its source read once more."""
    if hands.source_proof == "always":
        return Proof.SOURCE_TWICE not in proofs
    return hands.source_proof == "when_missing" and SOURCE_SIDE.isdisjoint(proofs)


async def read_source_again(hands: Hands, row: PlanRow, fact: Fact, tries: Tries) -> Fact:
    """Return a verified fact with the proof `source_twice`, or with what the second reading came to instead.

    Raises Unreachable, which stops the run.
    """
    store = hands.source_again or hands.source
    place = (row.source_bucket, row.source_key)
    try:
        again = await hash_object(hands, store, place, etag=row.source_etag, size=row.size, tries=tries)
    except (Drift, Transient, BadRequest, Forbidden) as error:
        if isinstance(error, Unreachable) and not isinstance(error, CutShort):
            raise
        return _ended(fact, error)
    if again.xxh3 == fact.xxh3:
        return fact._replace(proofs=tuple(sorted({*fact.proofs, Proof.SOURCE_TWICE})), attempts=max(fact.attempts, tries.count))
    reason = (
        f"{shown(row.source_key)}: the source's bytes, read again over the other HTTP stack, are not those that were copied "
        f"(XXH3-128 {again.xxh3}, copied {fact.xxh3}); the next run reads both sides"
    )
    return fact._replace(outcome=Outcome.FAILED, mismatch=True, proofs=(), xxh3="", reason=reason)


def _ended(fact: Fact, error: Drift | Transient | BadRequest | Forbidden) -> Fact:
    if isinstance(error, Drift):
        return fact._replace(outcome=Outcome.GONE if isinstance(error, SourceGone) else Outcome.DRIFTED, reason=str(error))
    reason = str(error) if isinstance(error, Forbidden) else reason_of(error)
    return fact._replace(outcome=Outcome.FAILED, reason=f"the source could not be read a second time: {reason}")
