"""How an object that goes by parts is cut: as the source has cut it, wherever it can be asked for that and a target takes it.

Guarantees: the parts make up the object; asked for by number where the layout is the source's own, so that the ETag stays.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import accumulate

from relocation.rules import digests, parts
from relocation.rules.errors import BadRequest
from relocation.rules.keys import shown
from relocation.rules.objects import Head
from relocation.rules.records import PlanRow
from relocation.transfer.crew import first_error
from relocation.transfer.hands import Hands
from relocation.transfer.promise import Span
from relocation.transfer.read import read_head
from relocation.transfer.retry import Tries

HEADS_AT_ONCE = 8
NOT_KEPT = "part layout, and with it the ETag"


@dataclass(frozen=True, slots=True)
class Layout:
    """The part sizes, in order, and whether the source is asked by part number (its own layout) or by byte range.

    `stored` is what the source has stored of each part: (algorithm, base64) pairs; empty where it was not asked by number.
    """

    sizes: tuple[int, ...]
    by_number: bool
    stored: tuple[tuple[tuple[str, str], ...], ...] = ()
    _firsts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_firsts", tuple(accumulate(self.sizes, initial=0)))

    def byte_range(self, index: int) -> tuple[int, int] | None:
        """Return the range (first, last) of a part; None where it is asked for by its number."""
        return None if self.by_number else (self._firsts[index], self._firsts[index] + self.sizes[index] - 1)

    def span(self, index: int) -> Span:
        """Return where a part lies, with what the source has stored of it."""
        return Span(self._firsts[index], self.sizes[index], self.stored[index] if self.stored else ())


async def layout_of(hands: Hands, row: PlanRow, tries: Tries) -> Layout:
    """Ask the source for its own part sizes; where it has none to tell, or none that S3 takes, cut by the limits.

    Raises BadRequest where the policy does not allow that.
    """
    count = digests.parts_in(row.source_etag)
    if count and hands.seen.reads_part_numbers:
        heads = await _heads(hands, row, count, tries)
        sizes = tuple(head.size for head in heads)
        smallest = min(sizes[:-1], default=parts.PART_BYTES_MIN)  # some stores take smaller ones than S3 does
        if sizes and sum(sizes) == row.size and smallest >= parts.PART_BYTES_MIN and max(sizes) <= parts.PART_BYTES_MAX:
            return Layout(sizes, by_number=True, stored=tuple(head.checksums for head in heads))
    if row.foretold_etag and hands.must_keep_etag:
        why = "it can't be asked for, or a part is too small or too large"
        reason = f"the part layout of {shown(row.source_key)} can't be kept ({why})"
        raise BadRequest(f"{reason}, and the policy says keep_etag: require", code="LayoutLost", status=0)
    return Layout(parts.cut(row.size, min(hands.part_bytes, hands.budget.lease_bytes_max)), by_number=False)


async def _heads(hands: Hands, row: PlanRow, count: int, tries: Tries) -> list[Head]:
    """HEAD every part, a few at a time; none at all where the first does not tell of as many as the ETag does."""
    place = (row.source_bucket, row.source_key)

    async def head_of(number: int) -> Head:
        return await read_head(hands.source, place, etag=row.source_etag, tries=tries, part_number=number)

    heads = [await head_of(1)]
    if heads[0].parts_count != count or count > parts.PARTS_MAX:
        return heads[:0]
    for start in range(2, count + 1, HEADS_AT_ONCE):
        numbers = range(start, min(start + HEADS_AT_ONCE, count + 1))
        with first_error():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(head_of(number)) for number in numbers]
        heads += [task.result() for task in tasks]
    return heads
