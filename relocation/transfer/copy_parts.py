"""Copy an object by parts, with the source's own layout wherever it can be asked for.

Guarantees: every part is read with the planned ETag, so mixed halves are impossible; parts travel side by side, the whole
object's XXH3-128 is taken in order; an upload that does not end well is aborted, and its id was recorded before its first part.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from relocation.ports import Blocks, Body
from relocation.rules import digests, parts
from relocation.rules.errors import HikkoshiError, NotFound, PreconditionFailed, ProtocolError, SourceChanged, Transient
from relocation.rules.fidelity import etag_is_opaque
from relocation.rules.keys import shown
from relocation.rules.objects import Head, Part, Written
from relocation.rules.records import Fact, Intent, PlanRow
from relocation.transfer.budget import Lease
from relocation.transfer.copy_whole import proofs_of_write
from relocation.transfer.crew import first_error
from relocation.transfer.endings import copied
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import Fingerprint, agrees, attributes_sha256
from relocation.transfer.layout import NOT_KEPT, Layout, layout_of
from relocation.transfer.promise import Promise, Span, Watch, drained, promised, watched
from relocation.transfer.read import check_same, identity, read_head, read_piece, to_send
from relocation.transfer.retry import Tries
from relocation.transfer.uploads import Begun, begin_upload, holds_already, resumed_upload
from relocation.transfer.write import look_first, settle, settle_unanswered, write_conditions

ABORT_S_MAX = 5.0


async def copy_parts(hands: Hands, row: PlanRow, tries: Tries, resume: Intent | None = None) -> Fact:
    """Copy one object and return its fact, outcome `copied`. Raises Drift, Occupied, or what the stores raise.

    `resume` names an upload that a run before began: what it holds of the very bytes is not sent again.
    """
    place = (row.source_bucket, row.source_key)
    layout = await layout_of(hands, row, tries)
    head = await read_head(hands.source, place, etag=row.source_etag, tries=tries)
    if head.size != row.size:
        raise SourceChanged(
            f"the source says {head.size} bytes where {row.size} were listed ({identity(head)}); planned was {row.source_etag}"
        )
    attributes, losses = await to_send(hands.fidelity, hands.source, place, head, tries, now=hands.clock.now())
    if head.rarer and etag_is_opaque(head):
        row = row._replace(foretold_etag="")
    await look_first(hands, row, tries, by_parts=True)
    sent_sha256 = attributes_sha256(attributes, losses)
    begun = await resumed_upload(hands, row, resume, sent_sha256, tries) or await begin_upload(hands, row, attributes, tries)
    upload = _Upload(hands, row, layout, begun, tries=tries, head=head)
    upload.intent = upload.intent._replace(attributes_sha256=sent_sha256)
    try:
        written = await upload.carry()
    except asyncio.CancelledError:
        raise  # the run is stopped: the upload's id is on record, and whoever goes on sends only the parts that are missing
    except BaseException:
        await upload.abandon()
        raise
    return copied(row, tries, read=head, there=written, prints=upload.fingerprint)._replace(
        layout=parts.shown_layout(layout.sizes),
        proofs=upload.proofs(written),
        losses=losses if layout.by_number or hands.may_change_etag else (*losses, NOT_KEPT),
        attributes_sha256=sent_sha256,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A part on its way. Its turn to be hashed comes when the part before was; `hashed` says so to the one after."""

    index: int
    lease: Lease
    turn: Callable[[], Awaitable[object]]
    hashed: asyncio.Event


class _Upload:
    """One upload under way: its parts, and the hash of the whole object in order."""

    def __init__(self, hands: Hands, row: PlanRow, layout: Layout, begun: Begun, *, tries: Tries, head: Head) -> None:
        self.hands = hands
        self.row = row
        self.layout = layout
        self.intent = Intent(-1, row.target_bucket, row.target_key, row.source_etag, "", begun.upload_id)
        self.there = begun.parts
        self.tries = tries
        self.head = head  # the source's, of the whole object
        self.stored_crc64nvme = head.checksum("crc64nvme")
        self.completions = 0
        self.fingerprint = Fingerprint(sha256=hands.sha256)
        self.done: dict[int, Part] = {}
        self.agreed = 0

    async def carry(self) -> Written:
        """Record the upload, send every part, foretell the ETag from their MD5s, record that too, and complete."""
        await self.hands.amend(self.intent)
        await self._send_parts()
        if self.stored_crc64nvme not in {"", self.fingerprint.crc64nvme}:
            what = f"the bytes read of {shown(self.row.source_key)}, all parts together,"
            raise ProtocolError(f"{what} do not match the checksum that {self.hands.source.endpoint} stored (CRC64NVME)")
        if self.hands.seen.target_parts_etag_is_md5:
            md5s = (bytes.fromhex(self.done[number].etag) for number in sorted(self.done))
            self.intent = self.intent._replace(expected_etag=digests.etag_of_parts(md5s))
            self._check_foretold()
        self.intent = self.intent._replace(size=self.row.size, xxh3=self.fingerprint.xxh3)
        await self.hands.amend(self.intent)
        return await self._complete()

    def _check_foretold(self) -> None:
        """Refuse to complete parts whose MD5s, as the target gave them, do not make the source's ETag of the same layout."""
        foretold = self.row.foretold_etag if self.layout.by_number else ""
        if foretold and self.intent.expected_etag != foretold:
            raise ProtocolError(
                f"the bytes of {shown(self.row.source_key)} changed on their way from the source: its ETag is {foretold}, that of "
                f"the parts at the target {self.intent.expected_etag}; nothing was completed"
            )

    async def abandon(self) -> None:
        """Abort the upload. Where the run stops and even that fails, its id is in the ledger, and who goes on aborts it."""
        target, row = self.hands.target, self.row
        with contextlib.suppress(HikkoshiError, TimeoutError):
            async with asyncio.timeout(ABORT_S_MAX):
                await self.tries.run(lambda: target.abort_upload(row.target_bucket, row.target_key, self.intent.upload_id))

    def proofs(self, written: Written) -> tuple[str, ...]:
        """Return what the answers prove: parts read by number count for the source only if each agreed with its checksum."""
        whole = self.fingerprint.crc64nvme
        source_checksum = self.agreed == len(self.layout.sizes) or self.stored_crc64nvme == whole
        return proofs_of_write(self.hands, self.row, written, crc64nvme=whole, source_checksum=source_checksum)

    async def _send_parts(self) -> None:
        turn: Callable[[], Awaitable[object]] = _at_once
        with first_error():
            async with asyncio.TaskGroup() as group:
                for index, size in enumerate(self.layout.sizes):
                    if size > self.hands.budget.lease_bytes_max:
                        await turn()  # and no part behind it holds a buffer that this one could need
                        await self._stream_part(index)
                        turn = _at_once
                        continue
                    lease = await self.hands.budget.lease(size)
                    part = _Part(index, lease, turn, asyncio.Event())
                    sending = group.create_task(self._send_part(part))
                    sending.add_done_callback(lambda _, lease=lease: lease.release())  # type: ignore[misc]  # also if it never began
                    turn = part.hashed.wait

    async def _send_part(self, part: _Part) -> None:
        view, row, number = part.lease.view, self.row, part.index + 1
        by_number, byte_range = self.layout.by_number, self.layout.byte_range(part.index)
        head = await read_piece(
            self.hands.source,
            (row.source_bucket, row.source_key),
            view,
            etag=row.source_etag,
            tries=self.tries,
            part_number=number if by_number else 0,
            byte_range=byte_range,
        )
        check_same(self.head, head, (row.source_bucket, row.source_key))
        await part.turn()
        crc64nvme = self.fingerprint.update(view)
        part.hashed.set()
        if by_number and agrees(view, head.checksums):
            self.agreed += 1
        there = self.there.get(number)
        if there is not None and holds_already(self.hands, there, view, crc64nvme):
            self.done[number] = Part(number, there.etag, there.crc64nvme)
            return
        self.done[number] = await self.tries.run(lambda: self._put_part(number, view, crc64nvme))

    async def _stream_part(self, index: int) -> None:
        """Send a part that is larger than one buffer; one that the upload holds already is read only, for the hash of the whole."""
        hands, row, number, span = self.hands, self.row, index + 1, self.layout.span(index)
        there = self.there.get(number)
        if there is not None and there.size == span.size and there.crc64nvme and hands.seen.counts_received_parts:
            watch = Watch(hands, row, span, Promise(), self.fingerprint)
            await drained(watched(hands, row, span, watch, self.tries))
            if watch.own.crc64nvme == there.crc64nvme:
                self.done[number], self.fingerprint = Part(number, there.etag, there.crc64nvme), watch.whole
                return
        promise = await promised(hands, row, span, self.tries, needs_crc64nvme=hands.seen.sends_checksum_parts)
        self.done[number] = await self.tries.run(lambda: self._put_stream(number, span, promise))
        self.agreed += promise.algorithm != ""

    async def _put_stream(self, number: int, span: Span, promise: Promise) -> Part:
        watch = Watch(self.hands, self.row, span, promise, self.fingerprint)
        blocks = watched(self.hands, self.row, span, watch, self.tries)
        try:
            part = await self._put_part(number, Blocks(span.size, blocks, promise.sha256), promise.crc64nvme)
        finally:
            await blocks.close()
        self.fingerprint = watch.whole
        return part

    async def _put_part(self, number: int, body: Body, crc64nvme: str) -> Part:
        self.hands.check_lease()
        bucket, key = self.row.target_bucket, self.row.target_key
        crc64nvme = crc64nvme if self.hands.seen.sends_checksum_parts else ""
        return await self.hands.target.put_part(bucket, key, self.intent.upload_id, number, body, crc64nvme=crc64nvme)

    async def _complete(self) -> Written:
        await look_first(self.hands, self.row, self.tries, by_parts=True)  # once more: parts take their time
        expected = self.intent.expected_etag
        intended = "" if expected else self.intent.xxh3
        try:
            return await self.tries.run(self._complete_once)
        except (PreconditionFailed, NotFound):
            written = await settle(self.hands, self.row, expected, self.tries, asked=self.completions, intended=intended)
        except Transient as error:
            written = await settle_unanswered(self.hands, self.row, expected, self.tries, error, intended=intended)
        await self.abandon()  # what stands there may be another's with the same bytes; an upload that was completed is not there
        return written

    async def _complete_once(self) -> Written:
        self.completions += 1
        self.hands.check_lease()
        done = tuple(self.done[number] for number in sorted(self.done))
        conditions = write_conditions(self.hands, self.row, by_parts=True)
        bucket, key = self.row.target_bucket, self.row.target_key
        crc64nvme = self.fingerprint.crc64nvme if self.hands.seen.sends_checksum_parts else ""
        return await self.hands.target.complete_upload(bucket, key, self.intent.upload_id, done, crc64nvme=crc64nvme, **conditions)


async def _at_once() -> object:
    return None
