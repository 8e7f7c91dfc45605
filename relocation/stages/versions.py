"""Plan the whole history of every object of a wave: a row for each version and each delete marker, the oldest of a key first.

Guarantees: what of a key can't be brought over in its order is a conflict or refused from there on, never written out of order;
keys are decided on one by one, and memory does not grow with them. Waves are by keys alone here: the configuration sees to it.
Refuses a target that keeps no versions, a source that does not list them, and markers that nobody has the right to write.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from relocation.rules.errors import Refusal
from relocation.rules.excluded import not_held
from relocation.rules.merging import Joined, joined, merged
from relocation.rules.plan import Target
from relocation.rules.records import Action, InventoryRow, PlanRow
from relocation.rules.versions import VersionFacts, Versions, all_or_none_after, decide_history, is_marker
from relocation.settings import Category, Wave
from relocation.stages.context import Context
from relocation.stages.draw import Drawn, Piece, in_pieces, together
from relocation.stages.fidelity import refuse_unkept
from relocation.stages.inventory import WaveOf
from relocation.stages.list_versions import Histories, list_histories, refuse_unversioned
from relocation.stages.routes import route_of
from relocation.stages.standing import Standing, standing_histories
from relocation.stages.unheld import Check, checks_of

Keys = Joined[Versions, VersionFacts]
"""Some keys with both histories, and what facts say of the target's."""


def moves_versions(context: Context, category_name: str) -> bool:
    """Tell whether a category's policy has all versions moved."""
    return context.settings.category_named(category_name).policy.versions == "all"


async def draw_versions(context: Context, category_name: str, wave: Wave) -> Drawn:
    """List the versions of both sides, and decide on every one of the wave's as the pieces are taken. Reads only."""
    category = context.settings.category_named(category_name)
    route, erased = await route_of(context, category_name, wave.name)
    if route != "source":
        raise Refusal(
            f"{category_name}/{wave.name} is cut over (its route is {route}), and its policy moves all versions: what was "
            "deleted at the target since can't be told version by version; nothing was planned"
        )
    for move in category.moves:
        await refuse_unversioned(context, move)
    source, target, facts = await together(
        list_histories(context, category, "source"),
        list_histories(context, category, "target"),
        standing_histories(context, category_name),
    )
    sides = _Sides(source, target, facts)
    decider = _Decider(category, WaveOf(category, wave), erased)
    lines = _Lines(source, decider.of_wave)
    objects = source.versions if decider.of_wave.is_whole else sum(1 for _ in lines)
    context.progress.advance(objects=objects)
    return Drawn(objects, lines, _pieces(context, sides, decider), category_objects=source.versions)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both sides of a category as listed, and what the facts say, each in the order of keys at the target."""

    source: Histories
    target: Histories
    standing: Standing[VersionFacts]

    def places(self) -> Iterator[Sequence[Target]]:
        """Yield where something stands or is to stand, in order, some at a time."""
        return merged((places for places, _ in self.source.blocks()), (places for places, _ in self.target.blocks()))

    def joined(self) -> Iterator[Keys]:
        """Yield each key once, with both histories."""
        return joined(self.source.blocks(), self.target.blocks(), self.standing.blocks())

    def close(self) -> None:
        """Give the scratch back."""
        for each in (self.source, self.target, self.standing):
            each.close()


@dataclass(frozen=True, slots=True)
class _Lines:
    """The source's versions of one wave, to be gone through at will."""

    source: Histories
    of_wave: WaveOf

    def __iter__(self) -> Iterator[InventoryRow]:
        return chain.from_iterable(versions for versions in self.source if self.of_wave.has(versions[0]))


async def _pieces(context: Context, sides: _Sides, decider: _Decider) -> AsyncGenerator[Piece, None]:
    """Yield what is decided of both sides, and close them at the end."""
    try:
        checks = await checks_of(context, decider.category, sides.places)
        for some in in_pieces(sides.joined(), _versions_in):
            piece = await _refused(context, decider.category, decider.decided(some), checks)
            _refuse_without_remover(context, decider.category, piece.rows)
            yield piece
    finally:
        sides.close()


def _versions_in(keys: Keys) -> int:
    return sum(len(versions) for versions in (*keys.source, *keys.found) if versions is not None)


@dataclass(frozen=True, slots=True)
class _Decider:
    """What a wave's versions are decided by, beside both histories of their key."""

    category: Category
    of_wave: WaveOf
    erased: bool

    def decided(self, some: Sequence[Keys]) -> Piece:
        """Decide on those of some keys that are the wave's."""
        rows: list[PlanRow] = []
        gone: list[PlanRow] = []
        source: list[InventoryRow] = []
        target: list[InventoryRow] = []
        for keys in some:
            for place, wanted, found, facts in zip(keys.places, keys.source, keys.found, keys.facts, strict=True):
                if not self._has(wanted, found):
                    continue
                decided, left = decide_history(wanted or (), place, found or (), facts or {})
                rows += decided
                gone += left
                source += wanted or ()
                target += found or ()
        left_over = () if self.erased else list(not_held(gone, self.category.policy.held_back))
        return Piece(rows, left_over, source, target)

    def _has(self, wanted: Versions | None, found: Versions | None) -> bool:
        return self.of_wave.has(wanted[0]) if wanted else found is not None and self.of_wave.has_at_target(found[0], None, None)


async def _refused(context: Context, category: Category, piece: Piece, checks: Sequence[Check]) -> Piece:
    """Turn into Refuse what the target can't hold, or not as the policy says, and what follows it in the same key's history."""
    rows = [checks[row.move](row) for row in piece.rows]
    versions = [number for number, row in enumerate(rows) if not is_marker(row)]
    kept = await refuse_unkept(
        context, category, [rows[number] for number in versions], [piece.source[number] for number in versions]
    )
    for number, row in zip(versions, kept, strict=True):
        rows[number] = row
    return replace(piece, rows=all_or_none_after(rows))


def _refuse_without_remover(context: Context, category: Category, rows: Sequence[PlanRow]) -> None:
    """Refuse markers that nobody may write: a Refusal names the endpoint whose configuration has no remover."""
    for move in {row.move for row in rows if is_marker(row) and row.action == Action.COPY}:
        context.stores.of(category.moves[move].target.endpoint, "remover")
