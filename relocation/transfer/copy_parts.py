"""Copy an object by parts, with the source's own layout wherever it can be asked for.

Guarantees: every part is read with the planned ETag, so mixed halves are impossible; parts travel side by side, the whole
object's XXH3-128 is taken in order; an upload that does not end well is aborted, and its id was recorded before its first part.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from relocation.rules import digests, parts
from relocation.rules.errors import BadRequest, HikkoshiError, NotFound, PreconditionFailed, ProtocolError, SourceChanged, Transient
from relocation.rules.fidelity import etag_is_opaque
from relocation.rules.keys import shown
from relocation.rules.objects import Head, Part, Written
from relocation.rules.records import Fact, Intent, Outcome, PlanRow
from relocation.transfer.budget import Lease
from relocation.transfer.copy_whole import proofs_of_write
from relocation.transfer.crew import first_error
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import Fingerprint, agrees, attributes_sha256
from relocation.transfer.read import check_same, identity, read_head, read_piece, to_send
from relocation.transfer.retry import Tries
from relocation.transfer.uploads import begin_upload
from relocation.transfer.write import look_first, settle, settle_unanswered, write_conditions

ABORT_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Layout:
    """The part sizes, in order, and whether the source is asked by part number (its own layout) or by byte range."""

    sizes: tuple[int, ...]
    by_number: bool

    def byte_range(self, index: int) -> tuple[int, int] | None:
        """Return the range (first, last) of a part; None where it is asked for by its number."""
        if self.by_number:
            return None
        first = sum(self.sizes[:index])
        return (first, first + self.sizes[index] - 1)


async def layout_of(hands: Hands, row: PlanRow, tries: Tries) -> Layout:
    """Ask the source for its own part sizes; where it has none to tell, or none that fit, cut by the limits."""
    count = digests.parts_in(row.source_etag)
    if count and hands.seen.reads_part_numbers:
        place = (row.source_bucket, row.source_key)
        first = await read_head(hands.source, place, etag=row.source_etag, tries=tries, part_number=1)
        if first.parts_count == count:
            sizes = [first.size]
            for number in range(2, count + 1):
                head = await read_head(hands.source, place, etag=row.source_etag, tries=tries, part_number=number)
                sizes.append(head.size)
            smallest = min(sizes[:-1], default=parts.PART_BYTES_MIN)  # some stores take smaller ones than S3 does
            if sum(sizes) == row.size and max(sizes) <= hands.budget.total_bytes and smallest >= parts.PART_BYTES_MIN:
                return Layout(tuple(sizes), by_number=True)
    if row.foretold_etag and hands.must_keep_etag:
        reason = f"the part layout of {shown(row.source_key)} can't be kept (a part is too small, or exceeds the budget)"
        raise BadRequest(f"{reason}, and the policy says keep_etag: require", code="LayoutLost", status=0)
    return Layout(parts.cut(row.size, min(hands.part_bytes, hands.budget.total_bytes)), by_number=False)


async def copy_parts(hands: Hands, row: PlanRow, tries: Tries) -> Fact:
    """Copy one object and return its fact, outcome `copied`. Raises Drift, Occupied, or what the stores raise."""
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
    upload_id = await begin_upload(hands, row, attributes, tries)
    upload = _Upload(hands, row, layout, upload_id, tries=tries, head=head)
    try:
        written = await upload.carry()
    except BaseException:
        await upload.abandon()
        raise
    return Fact(
        stage="copy",
        outcome=Outcome.COPIED,
        source_bucket=row.source_bucket,
        source_key=row.source_key,
        target_bucket=row.target_bucket,
        target_key=row.target_key,
        size=row.size,
        source_etag=row.source_etag,
        source_last_modified=row.source_last_modified,
        source_version_id=head.version_id,
        target_etag=written.etag,
        target_version_id=written.version_id,
        xxh3=upload.fingerprint.xxh3,
        crc64nvme=upload.fingerprint.crc64nvme,
        layout=parts.shown_layout(layout.sizes),
        proofs=upload.proofs(written),
        losses=losses,
        attempts=tries.count,
        attributes_sha256=attributes_sha256(attributes),
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

    def __init__(self, hands: Hands, row: PlanRow, layout: Layout, upload_id: str, *, tries: Tries, head: Head) -> None:
        self.hands = hands
        self.row = row
        self.layout = layout
        self.intent = Intent(-1, row.target_bucket, row.target_key, row.source_etag, "", upload_id)
        self.tries = tries
        self.head = head  # the source's, of the whole object
        self.stored_crc64nvme = head.checksum("crc64nvme")
        self.completions = 0
        self.fingerprint = Fingerprint()
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
        self.done[number] = await self.tries.run(lambda: self._put_part(number, view, crc64nvme))

    async def _put_part(self, number: int, view: memoryview, crc64nvme: str) -> Part:
        self.hands.check_lease()
        bucket, key = self.row.target_bucket, self.row.target_key
        crc64nvme = crc64nvme if self.hands.seen.sends_checksum_parts else ""
        return await self.hands.target.put_part(bucket, key, self.intent.upload_id, number, view, crc64nvme=crc64nvme)

    async def _complete(self) -> Written:
        await look_first(self.hands, self.row, self.tries, by_parts=True)  # once more: parts take their time
        expected = self.intent.expected_etag
        try:
            return await self.tries.run(self._complete_once)
        except (PreconditionFailed, NotFound):
            written = await settle(self.hands, self.row, expected, self.tries, asked=self.completions)
        except Transient as error:
            written = await settle_unanswered(self.hands, self.row, expected, self.tries, error)
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
