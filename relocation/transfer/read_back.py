"""Read an object back from the target and hold it against what was written: on another connection than the write's.

Guarantees: `read_back` is proved only by bytes that hash to the same XXH3-128; a read that came back different is repeated over the
other HTTP stack, which tells a wire that alters bytes from a target that holds others, and counts as failed either way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from relocation.ports import Store
from relocation.rules.errors import BadRequest, CutShort, Drift, Forbidden, SourceChanged, SourceGone, Transient, Unreachable
from relocation.rules.keys import shown
from relocation.rules.records import Fact, Outcome, PlanRow, Proof
from relocation.transfer.compare import Hashed, hash_object, lost_attributes
from relocation.transfer.endings import ended, reason_of
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import attributes_sha256
from relocation.transfer.read import attributes_of, read_head
from relocation.transfer.retry import Tries


@dataclass(frozen=True, slots=True)
class Expected:
    """What the target must hold, by the standing fact."""

    etag: str
    xxh3: str
    attributes_sha256: str
    proofs: tuple[str, ...]
    losses: tuple[str, ...]
    ours: bool


async def read_back(hands: Hands, other: Store, row: PlanRow, expected: Expected) -> Fact:
    """Return the fact of one object's verification. `hands.target` reads; `other` is the same store over the other stack."""
    tries = hands.tries()
    try:
        hashed = await _hash(hands, hands.target, row, expected, tries)
        if hashed.xxh3 != expected.xxh3:
            return await _mismatch(hands, other, row, expected, tries)
        return _verified(row, expected, hashed, await _losses(hands, row, expected, hashed, tries), tries)
    except SourceGone:
        return _failed(row, expected, f"{shown(row.target_key)} is not at the target any more", tries)
    except SourceChanged as error:
        return _failed(row, expected, f"somebody else replaced it at the target: {error}", tries)
    except CutShort as error:
        return _failed(row, expected, f"could not be read back: {reason_of(error)}", tries)
    except Unreachable:
        raise
    except (Transient, BadRequest, Forbidden) as error:
        reason = reason_of(error) if not isinstance(error, Forbidden) else str(error)
        return _failed(row, expected, f"could not be read back: {reason}", tries)


async def _hash(hands: Hands, store: Store, row: PlanRow, expected: Expected, tries: Tries) -> Hashed:
    place = (row.target_bucket, row.target_key)
    return await hash_object(hands, store, place, etag=expected.etag, size=row.size, tries=tries)


async def _mismatch(hands: Hands, other: Store, row: PlanRow, expected: Expected, tries: Tries) -> Fact:
    again = await _hash(hands, other, row, expected, tries)
    if again.xxh3 == expected.xxh3:
        reason = (
            "the bytes came back altered, though size and ETag agree; a second read over the other HTTP stack was right: "
            "something on the way back changes bytes"
        )
    else:
        reason = f"the target's bytes are not those that were written (XXH3-128 {again.xxh3}, written {expected.xxh3}), twice"
    return _failed(row, expected, reason, tries, mismatch=True)


async def _losses(hands: Hands, row: PlanRow, expected: Expected, hashed: Hashed, tries: Tries) -> tuple[str, ...]:
    """Name what the target did not keep beside the bytes: compared with the source only where the hash of it differs."""
    if not expected.attributes_sha256 or attributes_sha256(hashed.attributes) == expected.attributes_sha256:
        return expected.losses
    place = (row.source_bucket, row.source_key)
    try:
        head = await read_head(hands.source, place, etag=row.source_etag, tries=tries)
        sent = await attributes_of(hands.source, place, head, tries)
    except Drift:  # of the source: says nothing against the target
        return tuple(sorted({*expected.losses, "attributes (which ones can't be told: the source has changed since)"}))
    return tuple(sorted({*expected.losses, *lost_attributes(sent, hashed.attributes)}))


def _verified(row: PlanRow, expected: Expected, hashed: Hashed, losses: tuple[str, ...], tries: Tries) -> Fact:
    fact = ended(row, Outcome.VERIFIED, "", tries, stage="verify")
    return replace(
        fact,
        target_etag=expected.etag,
        target_version_id=hashed.head.version_id,
        xxh3=hashed.xxh3,
        crc64nvme=hashed.crc64nvme,
        proofs=tuple(sorted({*expected.proofs, Proof.READ_BACK})),
        losses=losses,
        attributes_sha256=expected.attributes_sha256,
        ours=expected.ours,
    )


def _failed(row: PlanRow, expected: Expected, reason: str, tries: Tries, *, mismatch: bool = False) -> Fact:
    fact = ended(row, Outcome.FAILED, reason, tries, stage="verify", mismatch=mismatch)
    return replace(fact, target_etag=expected.etag, ours=expected.ours)
