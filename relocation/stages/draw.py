"""Inventory × inventory × facts → one action for each object of a wave, piece by piece: no side is ever in memory whole.

Guarantees: joined by place, in an order that is made here; names that the target can't hold are refused, by name, before the first
byte moves; the same stores, facts and configuration give the same rows, whoever plans and when. Reads only.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from relocation.ports import SortedRows
from relocation.rules.excluded import not_held
from relocation.rules.merging import Joined, joined, placed
from relocation.rules.plan import Known, Route, Target, decide, known_from, left_over
from relocation.rules.records import InventoryRow, PlanRow
from relocation.settings import Category, Wave
from relocation.stages.context import Context
from relocation.stages.fidelity import refuse_unkept
from relocation.stages.inventory import WaveOf, inventory, placing
from relocation.stages.list_versions import NOTHING_BEHIND, Behind, count_behind
from relocation.stages.routes import route_of
from relocation.stages.standing import Standing, standing_facts
from relocation.stages.unheld import Check, checks_of

PIECE_ROWS = 20_000
"""So many places are decided on at once."""


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
    once (`source` is closed with them), and what stays behind at the source. `changed`: the feed whose keys alone they are."""

    source_objects: int
    source: Iterable[InventoryRow]
    pieces: AsyncGenerator[Piece, None]
    behind: Behind = NOTHING_BEHIND
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a category as listed, and what the facts say, each in the order of places at the target."""

    category: Category
    source: SortedRows[InventoryRow]
    target: SortedRows[InventoryRow]
    standing: Standing

    def places(self) -> Iterator[Target]:
        """Yield where something stands or is to stand, in order; a place of both sides comes twice."""
        return heapq.merge(map(placing(self.category, "source"), self.source), map(placing(self.category, "target"), self.target))

    def joined(self) -> Iterator[Joined]:
        """Yield each place once, with what both sides show and the facts say. Raises ProtocolError where a side repeats itself."""
        return joined(self._placed("source", self.source), self._placed("target", self.target), self.standing)

    def _placed(
        self, side: Literal["source", "target"], rows: SortedRows[InventoryRow]
    ) -> Iterator[tuple[tuple[str, ...], InventoryRow]]:
        def said(row: InventoryRow) -> str:
            return f"the listing of {getattr(self.category.moves[row.move], side).endpoint}/{row.bucket}"

        return placed(rows, placing(self.category, side), said)

    def close(self) -> None:
        """Give the scratch back."""
        for rows in (self.source, self.target, self.standing):
            rows.close()


async def draw(context: Context, category_name: str, wave: Wave) -> Drawn:
    """List both sides, and decide on every object of the wave as its pieces are taken."""
    standing = await route_of(context, category_name, wave.name)
    category = context.settings.category_named(category_name)
    source = await inventory(context, category, "source", wave=wave)
    target = await inventory(context, category, "target")
    sides = Sides(category, source.rows, target.rows, await standing_facts(context, category_name))
    known = known_from({}, await context.ledger.open_intents(category_name))
    decider = Decider(category, WaveOf(category, wave), known, *standing)
    lines = Lines(source.rows, decider.of_wave)
    return Drawn(source.of_wave, lines, pieces_of(context, sides, decider), await count_behind(context, category, wave))


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
        places = sides.joined()
        while some := list(islice(places, PIECE_ROWS)):
            piece = decider.decided(some, checks)
            yield replace(piece, rows=await refuse_unkept(context, sides.category, list(piece.rows), piece.source))
    finally:
        sides.close()


@dataclass(frozen=True, slots=True)
class Decider:
    """What a wave's objects are decided by, beside what stands at their places."""

    category: Category
    of_wave: WaveOf
    known: Known
    route: Route
    erased: bool

    def decided(self, some: Sequence[Joined], checks: Sequence[Check]) -> Piece:
        """Decide on the wave's objects at some places."""
        standing = replace(self.known, facts={(each.place[0], each.place[1]): each.fact for each in some if each.fact is not None})
        rows: list[PlanRow] = []
        extra: list[PlanRow | None] = []
        source: list[InventoryRow] = []
        target: list[InventoryRow] = []
        for place, line, found, fact in some:
            if line is not None and self.of_wave.has(line):
                source.append(line)
                rows.append(checks[line.move](decide(line, (place[0], place[1]), found, standing, route=self.route)))
            if found is None or not self.of_wave.has_at_target(found, line, fact):
                continue
            target.append(found)
            if line is None:
                extra.append(left_over(found, standing, route=self.route, erased=self.erased))
        gone = not_held((row for row in extra if row is not None), self.category.policy.held_back)
        return Piece(rows, list(gone), source, target)
