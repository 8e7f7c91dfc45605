"""Copy an object in one piece that is larger than one buffer: read and sent at once, block by block, so that its ETag stays.

Guarantees: wrong bytes never become the object: the last block leaves only if all of them come to the checksum that the source has
stored or, without one, to what a first reading over the other HTTP stack came to; a reader that is slower than the writer, or the
other way round, waits.
"""

from __future__ import annotations

from relocation.ports import Blocks
from relocation.rules.errors import NotFound, PreconditionFailed, SourceChanged, Transient
from relocation.rules.fidelity import etag_is_opaque
from relocation.rules.objects import Attributes, Head, Written
from relocation.rules.records import Fact, PlanRow, Proof
from relocation.transfer.copy_parts import copy_parts
from relocation.transfer.copy_whole import altered, proofs_of_write
from relocation.transfer.endings import copied
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import Fingerprint, attributes_sha256
from relocation.transfer.promise import Promise, Span, Watch, promised, watched
from relocation.transfer.read import identity, read_head, to_send
from relocation.transfer.retry import Tries
from relocation.transfer.write import look_first, settle, settle_unanswered, version_before, write_conditions, written_since


async def copy_stream(hands: Hands, row: PlanRow, tries: Tries) -> Fact:
    """Copy one object and return its fact, outcome `copied`. Raises Drift, Occupied, or what the stores raise."""
    place = (row.source_bucket, row.source_key)
    head = await read_head(hands.source, place, etag=row.source_etag, tries=tries)
    if head.size != row.size:
        what = f"the source says {head.size} bytes where {row.size} were listed ({identity(head)}); planned was {row.source_etag}"
        raise SourceChanged(what)
    if head.rarer and etag_is_opaque(head):
        return await copy_parts(hands, row, tries)  # an ETag that can't be kept is no reason for one large piece
    attributes, losses = await to_send(hands.fidelity, hands.source, place, head, tries, now=hands.clock.now())
    sending = _Sending(hands, row, head, attributes, tries)
    written = await sending.carry()
    print_, promise = sending.print_, sending.promise
    source_checksum = promise.algorithm != "" or head.checksum("crc64nvme") == print_.crc64nvme
    proofs = proofs_of_write(hands, row, written, crc64nvme=print_.crc64nvme, source_checksum=source_checksum)
    fact = copied(row, tries, read=head, there=written, prints=print_)._replace(
        layout=str(row.size),
        proofs=(*proofs, Proof.SOURCE_TWICE) if promise.xxh3 and hands.source_again else proofs,
        losses=losses,
        attributes_sha256=attributes_sha256(attributes, losses),
    )
    return fact if written.etag == row.foretold_etag else await altered(hands, fact)


class _Sending:
    """One object on its way; `print_` is the fingerprint of what was sent by the try that counts."""

    def __init__(self, hands: Hands, row: PlanRow, head: Head, attributes: Attributes, tries: Tries) -> None:
        self.hands = hands
        self.row = row
        self.attributes = attributes
        self.tries = tries
        self.span = Span(0, head.size, head.checksums)
        self.promise = Promise()
        self.print_ = Fingerprint(sha256=hands.sha256)
        self.asked = 0
        self.before = ""

    async def carry(self) -> Written:
        """Learn what the bytes must come to, and send them; an answer that was lost is settled by looking."""
        hands, row, tries = self.hands, self.row, self.tries
        await look_first(hands, row, tries, by_parts=False)
        self.promise = await promised(hands, row, self.span, tries, needs_crc64nvme=False)
        self.before = await version_before(hands, row, row.foretold_etag, tries)
        try:
            return await tries.run(self._once)
        except (PreconditionFailed, NotFound):  # If-Match on what is gone by now is a 404
            return await settle(hands, row, row.foretold_etag, tries, asked=self.asked)
        except Transient as error:
            return await settle_unanswered(hands, row, row.foretold_etag, tries, error)

    async def _once(self) -> Written:
        hands, row = self.hands, self.row
        self.asked += 1
        if self.asked > 1 and (written := await written_since(hands, row, self.before)):
            return written
        watch = Watch(hands, row, self.span, self.promise, Fingerprint(sha256=hands.sha256))
        blocks = watched(hands, row, self.span, watch, self.tries)
        hands.check_lease()
        try:
            return await hands.target.put(
                row.target_bucket,
                row.target_key,
                Blocks(self.span.size, blocks, self.promise.sha256),
                attributes=self.attributes,
                crc64nvme=self.promise.crc64nvme if hands.seen.sends_checksum else "",
                **write_conditions(hands, row, by_parts=False),
            )
        finally:
            await blocks.close()
            if watch.own.size == self.span.size:  # else nothing was written
                self.print_ = watch.whole
