"""Copy an object in one piece: one GET into a buffer, two hashes over it, one PUT that the target checks."""

from __future__ import annotations

from relocation.rules import digests
from relocation.rules.fidelity import etag_is_opaque
from relocation.rules.objects import Written
from relocation.rules.records import Fact, Intent, Outcome, PlanRow, Proof
from relocation.transfer.endings import copied
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import Fingerprint, agrees, attributes_sha256
from relocation.transfer.read import read_piece, to_send
from relocation.transfer.retry import Tries
from relocation.transfer.write import Body, write_whole


async def copy_whole(hands: Hands, row: PlanRow, tries: Tries) -> Fact:
    """Copy one object and return its fact, outcome `copied`. Raises Drift, Occupied, or what the stores raise."""
    lease = await hands.budget.lease(row.size)
    try:
        place = (row.source_bucket, row.source_key)
        head = await read_piece(hands.source, place, lease.view, etag=row.source_etag, tries=tries)
        attributes, losses = await to_send(hands.fidelity, hands.source, place, head, tries, now=hands.clock.now())
        if head.rarer and etag_is_opaque(head):
            row = row._replace(foretold_etag="")  # a key service's or a customer's key: the ETag is no MD5
        print_ = Fingerprint(sha256=hands.sha256)
        crc64nvme = print_.update(lease.view)
        source_checksum = agrees(lease.view, head.checksums)
        if not row.foretold_etag:
            await _amend(hands, row, lease.view, print_)
        written = await write_whole(hands, row, Body(lease.view, crc64nvme, attributes), tries)
    finally:
        lease.release()
    fact = copied(
        row,
        tries,
        read=head,
        there=written,
        prints=print_,
        layout=str(row.size),
        proofs=proofs_of_write(hands, row, written, crc64nvme=crc64nvme, source_checksum=bool(source_checksum)),
        losses=losses,
        attributes_sha256=attributes_sha256(attributes, losses),
    )
    return fact if written.etag == row.foretold_etag or not row.foretold_etag else await altered(hands, fact)


async def altered(hands: Hands, fact: Fact) -> Fact:
    """Name an object whose ETag is not the one foretold: the same layout of the same bytes has the same MD5-based ETag, so the
    bytes that we read are not the source's. It is ours, and wrong: the next run proves, and replaces it."""
    await hands.amend(Intent(-1, fact.target_bucket, fact.target_key, fact.source_etag, fact.target_etag))
    reason = (
        f"the bytes changed on their way from the source: the target's ETag of them is {fact.target_etag}, the source's "
        f"{fact.source_etag}, both MD5 of the same layout; the next run writes it again"
    )
    return fact._replace(outcome=Outcome.FAILED, mismatch=True, proofs=(), reason=reason)


def proofs_of_write(hands: Hands, row: PlanRow, written: Written, *, crc64nvme: str, source_checksum: bool) -> tuple[str, ...]:
    """Return what the answers to a read and a write prove, and no more: an ignored checksum is never `received`."""
    proofs = []
    by_parts = digests.parts_in(written.etag) > 0
    counts = hands.seen.counts_received_parts if by_parts else hands.seen.counts_received
    if counts and written.crc64nvme == crc64nvme:
        proofs.append(Proof.RECEIVED)
    if row.foretold_etag and written.etag == row.source_etag:
        proofs.append(Proof.SAME_ETAG)
    if source_checksum:
        proofs.append(Proof.SOURCE_CHECKSUM)
    return tuple(proofs)


async def _amend(hands: Hands, row: PlanRow, body: memoryview, print_: Fingerprint) -> None:
    """Say before the write what the listing could not, the ETag and the bytes: so our object is known as ours after a crash."""
    expected = digests.etag_of_whole(body) if hands.seen.target_etag_is_md5 else ""
    place = (row.target_bucket, row.target_key)
    await hands.amend(Intent(-1, *place, row.source_etag, expected, size=row.size, xxh3=print_.xxh3))
