"""Read an object back from the target and hold it against what was written: on another connection than the write's.

Guarantees: `read_back` is proved only by bytes that hash to the same XXH3-128; a read that came back different is repeated over the
other HTTP stack, which tells a wire that alters bytes from a target that holds others, and counts as failed either way.
"""

from __future__ import annotations

from typing import NamedTuple

from relocation.ports import Store
from relocation.rules.errors import BadRequest, CutShort, Drift, Forbidden, SourceChanged, SourceGone, Transient, Unreachable
from relocation.rules.fidelity import differences
from relocation.rules.keys import shown
from relocation.rules.objects import LOCK_HEADERS
from relocation.rules.records import Fact, Outcome, PlanRow, Proof
from relocation.transfer.compare import Hashed, hash_object
from relocation.transfer.endings import ended, reason_of
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import attributes_sha256
from relocation.transfer.read import as_kept, read_head, to_send
from relocation.transfer.retry import Tries
from relocation.transfer.source_proof import read_source_again, wants_source_twice

LOCK_NAMES = frozenset(LOCK_HEADERS)


class Expected(NamedTuple):
    """What the target must hold, by the standing fact."""

    etag: str
    xxh3: str
    attributes_sha256: str
    proofs: tuple[str, ...]
    losses: tuple[str, ...]
    ours: bool
    sha256: str = ""


async def read_back(hands: Hands, other: Store, row: PlanRow, expected: Expected) -> Fact:
    """Return the fact of one object's verification. `hands.target` reads; `other` is the same store over the other stack."""
    tries = hands.tries()
    try:
        hashed = await _hash(hands, hands.target, row, expected, tries)
        if hashed.xxh3 != expected.xxh3 or hashed.sha256 != (expected.sha256 or hashed.sha256):
            return await _mismatch(hands, other, row, expected, tries)
        losses = await _losses(hands, row, expected, hashed, tries)
        fact = _verified(row, expected, hashed, losses, tries)
        again = fact.outcome == Outcome.VERIFIED and wants_source_twice(hands, fact.proofs)
        return await read_source_again(hands, row, fact, tries) if again else fact
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


async def confirm(hands: Hands, other: Store, row: PlanRow, copied: Fact) -> Fact:
    """Read back what was just copied, and return its fact with what came of it: verified, or failed and proved no more."""
    expected = Expected(
        copied.target_etag, copied.xxh3, copied.attributes_sha256, copied.proofs, copied.losses, copied.ours, copied.sha256
    )
    back = await read_back(hands, other, row, expected)
    return copied._replace(
        stage="verify",
        outcome=back.outcome,
        reason=back.reason or copied.reason,
        mismatch=back.mismatch,
        target_version_id=back.target_version_id or copied.target_version_id,
        proofs=back.proofs,
        losses=back.losses,
        attempts=max(copied.attempts, back.attempts),
    )


async def _hash(hands: Hands, store: Store, row: PlanRow, expected: Expected, tries: Tries) -> Hashed:
    place = (row.target_bucket, row.target_key)
    return await hash_object(hands, store, place, etag=expected.etag, size=row.size, tries=tries)


async def _mismatch(hands: Hands, other: Store, row: PlanRow, expected: Expected, tries: Tries) -> Fact:
    again = await _hash(hands, other, row, expected, tries)
    if again.xxh3 == expected.xxh3 and again.sha256 == (expected.sha256 or again.sha256):
        reason = (
            "the bytes came back altered, though size and ETag agree; a second read over the other HTTP stack was right: "
            "something on the way back changes bytes"
        )
    else:
        reason = f"the target's bytes are not those that were written (XXH3-128 {again.xxh3}, written {expected.xxh3}), twice"
    return _failed(row, expected, reason, tries, mismatch=True)


async def _losses(hands: Hands, row: PlanRow, expected: Expected, hashed: Hashed, tries: Tries) -> tuple[str, ...]:
    """Name what the target did not keep beside the bytes: compared with the source only where the hash of it differs."""
    if not expected.attributes_sha256:
        return expected.losses
    kept = await as_kept(hands.fidelity, hands.target, (row.target_bucket, row.target_key), hashed.head, tries)
    if attributes_sha256(kept) == expected.attributes_sha256:
        return expected.losses
    place = (row.source_bucket, row.source_key)
    try:
        head = await read_head(hands.source, place, etag=row.source_etag, tries=tries)
        sent, left = await to_send(hands.fidelity, hands.source, place, head, tries, now=hands.clock.now())
    except Drift:  # of the source: says nothing against the target
        return tuple(sorted({*expected.losses, "attributes (which ones can't be told: the source has changed since)"}))
    return tuple(sorted({*expected.losses, *left, *differences(sent, kept)}))


def _verified(row: PlanRow, expected: Expected, hashed: Hashed, losses: tuple[str, ...], tries: Tries) -> Fact:
    if losses and not LOCK_NAMES.isdisjoint(losses):
        return _failed(row, expected, f"the target holds it less firmly than the source does: {', '.join(losses)}", tries)
    return Fact(
        stage="verify",
        outcome=Outcome.VERIFIED,
        source_bucket=row.source_bucket,
        source_key=row.source_key,
        target_bucket=row.target_bucket,
        target_key=row.target_key,
        size=row.size,
        source_etag=row.source_etag,
        source_last_modified=row.source_last_modified,
        target_etag=expected.etag,
        target_version_id=hashed.head.version_id,
        xxh3=hashed.xxh3,
        crc64nvme=hashed.crc64nvme,
        proofs=tuple(sorted({*expected.proofs, Proof.READ_BACK})),
        losses=losses,
        attempts=tries.count,
        attributes_sha256=expected.attributes_sha256,
        ours=expected.ours,
        sha256=hashed.sha256,
    )


def _failed(row: PlanRow, expected: Expected, reason: str, tries: Tries, *, mismatch: bool = False) -> Fact:
    fact = ended(row, Outcome.FAILED, reason, tries, stage="verify", mismatch=mismatch)
    return fact._replace(target_etag=expected.etag, ours=expected.ours)
