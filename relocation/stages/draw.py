"""Inventory × inventory × facts → one action for each object of a wave, piece by piece: no side is ever in memory whole.

Guarantees: joined by place, in an order that is made here; names that the target can't hold are refused, by name, before the first
byte moves; the same stores, facts and configuration give the same rows, whoever plans and when. Reads only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from relocation.ports import SortedRows
from relocation.rules.excluded import not_held
from relocation.rules.merging import Block, Joined, Said, in_blocks, joined, merged
from relocation.rules.plan import Known, Route, Target, decide, kept, known_from, left_over, unproved
from relocation.rules.records import Fact, InventoryRow, PlanRow
from relocation.settings import Category, Wave
from relocation.stages.context import Context
from relocation.stages.fidelity import refuse_unkept
from relocation.stages.inventory import WaveOf, inventory, placing, with_source
from relocation.stages.list_versions import NOTHING_BEHIND, Behind, count_behind
from relocation.stages.routes import route_of
from relocation.stages.standing import Standing, standing_facts
from relocation.stages.unheld import Check, checks_of

PIECE_ROWS = 20_000
"""So many places (or versions) are decided on at once, and what the last block of them holds beyond."""
Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a plan, in order: what is decided, what is left over (Remove), and both sides of the wave as listed."""

    rows: Sequence[PlanRow] = ()
    left_over: Sequence[PlanRow] = ()
    source: Sequence[InventoryRow] = ()
    target: Sequence[InventoryRow] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan before it is sealed: what the source shows of the wave and how many lines that is, the pieces in order, to be taken
    once (`source` is closed with them), and what stays behind at the source. `changed`: the feed whose keys alone they are.
    `category_objects`: how many lines the source showed of all waves together; below 0: not all was listed."""

    source_objects: int
    source: Iterable[InventoryRow]
    pieces: AsyncGenerator[Piece, None]
    behind: Behind = NOTHING_BEHIND
    changed: str = ""
    category_objects: int = -1


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a category as listed, and what the facts say, each in the order of places at the target."""

    category: Category
    source: SortedRows[InventoryRow]
    target: SortedRows[InventoryRow]
    standing: Standing[Fact]

    def places(self) -> Iterator[Sequence[Target]]:
        """Yield where something stands or is to stand, in order, some at a time."""
        source, target = placing(self.category, "source"), placing(self.category, "target")
        return merged(places_of(self.source, source), places_of(self.target, target))

    def joined(self) -> Iterator[Joined[InventoryRow, Fact]]:
        """Yield each place once, with what both sides show and the facts say. Raises ProtocolError where a side repeats itself."""
        return joined(self._placed("source", self.source), self._placed("target", self.target), self.standing.blocks())

    def _placed(self, side: Literal["source", "target"], rows: SortedRows[InventoryRow]) -> Iterator[Block[InventoryRow]]:
        def said(row: InventoryRow) -> str:
            return f"the listing of {getattr(self.category.moves[row.move], side).endpoint}/{row.bucket}"

        return in_blocks(rows.blocks(), placing(self.category, side), said)

    def close(self) -> None:
        """Give the scratch back."""
        for rows in (self.source, self.target, self.standing):
            rows.close()


async def draw(context: Context, category_name: str, wave: Wave) -> Drawn:
    """List both sides, and decide on every object of the wave as its pieces are taken."""
    standing = await route_of(context, category_name, wave.name)
    category = context.settings.category_named(category_name)
    source, target, facts = await together(
        inventory(context, category, "source", wave=wave),
        inventory(context, category, "target"),
        standing_facts(context, category_name),
    )
    sides = Sides(category, source.rows, target.rows, facts)
    known = known_from({}, await context.ledger.open_intents(category_name))
    decider = Decider(category, WaveOf(category, wave), known, *standing)
    lines = Lines(source.rows, decider.of_wave)
    behind = await count_behind(context, category, wave)
    return Drawn(source.of_wave, lines, pieces_of(context, sides, decider), behind, category_objects=source.rows.objects)


async def together(source: Awaitable[Shown], target: Awaitable[Shown], facts: Awaitable[Said]) -> tuple[Shown, Shown, Said]:
    """Wait for all three at once: two servers list in the time of one. What one of them raises ends the others."""
    tasks = (asyncio.ensure_future(source), asyncio.ensure_future(target), asyncio.ensure_future(facts))
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one wave, to be gone through at will."""

    rows: SortedRows[InventoryRow]
    of_wave: WaveOf

    def __iter__(self) -> Iterator[InventoryRow]:
        return filter(self.of_wave.has, self.rows)


async def pieces_of(context: Context, sides: Sides, decider: Decider) -> AsyncGenerator[Piece, None]:
    """Yield what is decided of both sides, and close them at the end."""
    try:
        checks = await checks_of(context, sides.category, sides.places)
        for some in in_pieces(sides.joined(), lambda block: len(block.places)):
            piece = decider.decided(some, checks)
            yield replace(piece, rows=await refuse_unkept(context, sides.category, list(piece.rows), piece.source))
    finally:
        sides.close()


def places_of(rows: SortedRows[InventoryRow], place: Callable[[InventoryRow], Target]) -> Iterator[Sequence[Target]]:
    """Yield the places of rows, some at a time."""
    return (list(map(place, some)) for some in rows.blocks())


def in_pieces(
    blocks: Iterable[Joined[Shown, Said]], size: Callable[[Joined[Shown, Said]], int]
) -> Iterator[list[Joined[Shown, Said]]]:
    """Yield as many blocks at once as one piece is decided from."""
    some: list[Joined[Shown, Said]] = []
    held = 0
    for block in blocks:
        some.append(block)
        held += size(block)
        if held >= PIECE_ROWS:
            yield some
            some, held = [], 0
    if some:
        yield some


@dataclass(frozen=True, slots=True)
class Decider:
    """What a wave's objects are decided by, beside what stands at their places."""

    category: Category
    of_wave: WaveOf
    known: Known
    route: Route
    erased: bool

    def decided(self, some: Sequence[Joined[InventoryRow, Fact]], checks: Sequence[Check]) -> Piece:
        """Decide on the wave's objects at some places."""
        pieces = [self._at_once(block, checks) or self._one_by_one(block, checks) for block in some]
        rows, left, source, target = ([row for piece in pieces for row in getattr(piece, name)] for name in _FIELDS)
        return Piece(rows, left, source, target)

    def _at_once(self, block: Joined[InventoryRow, Fact], checks: Sequence[Check]) -> Piece | None:
        """Decide on places where nothing changed, or of which nothing is known; None where they are to be looked at one by one."""
        if not block.alike or not self.of_wave.is_whole or self.known.intents or self.known.bodies or checks[0].listed:
            return None
        lines = [line for line in block.source if line is not None]
        found = [line for line in block.found if line is not None]
        facts = [fact for fact in block.facts if fact is not None]
        foretold = [checks[line.move].foretold(line.etag, line.size) for line in lines]
        if facts:
            rows = kept(block.places, lines, found, facts, foretold=foretold)
        else:
            rows = [] if checks[0].must_keep else unproved(block.places, lines, found, foretold=foretold)
        return Piece(rows, (), lines, found) if rows else None

    def _one_by_one(self, block: Joined[InventoryRow, Fact], checks: Sequence[Check]) -> Piece:
        standing = replace(
            self.known, facts={place: fact for place, fact in zip(block.places, block.facts, strict=True) if fact is not None}
        )
        rows: list[PlanRow] = []
        extra: list[PlanRow | None] = []
        source: list[InventoryRow] = []
        target: list[InventoryRow] = []
        whole = self.of_wave.is_whole
        for place, line, found, fact in zip(block.places, block.source, block.found, block.facts, strict=True):
            if line is not None and (whole or self.of_wave.has(line)):
                source.append(line)
                check = checks[line.move]
                foretold = check.foretold(line.etag, line.size)
                rows.append(check.judged(decide(line, place, found, standing, route=self.route, foretold=foretold)))
            if found is None or not (whole or self.of_wave.has_at_target(found, line, fact)):
                continue
            target.append(found)
            if line is None:
                extra.append(left_over(found, standing, route=self.route, erased=self.erased))
        named = (with_source(self.category, row) for row in extra if row is not None)
        gone = not_held(named, self.category.policy.held_back)
        return Piece(rows, list(gone), source, target)


_FIELDS = ("rows", "left_over", "source", "target")
