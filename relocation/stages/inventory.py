"""List one side of a category, whole, by protocol: a failed page means no inventory.

Guarantees: every object under the category's moves, canaries left out; near by in one range, from far away in many at once, which
must meet. What can't be a whole listing is refused (`pages.py`, `ranges.py`), never taken for one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Literal, NamedTuple

from relocation.ports import SortedRows
from relocation.rules.keys import shown
from relocation.rules.objects import Listed, columns_of
from relocation.rules.plan import Target
from relocation.rules.records import Fact, InventoryRow, PlanRow
from relocation.settings import Category, Side, Wave
from relocation.stages.context import Context
from relocation.stages.pages import Apart, ObjectsWalk, OnPage
from relocation.stages.ranges import RANGES_MAX, Ranges, Take

SAY_EVERY_S = 10.0


class Inventory(NamedTuple):
    """One side as listed, in order, and how many of it are the wave's that was asked for (else all)."""

    rows: SortedRows[InventoryRow]
    of_wave: int


async def inventory(
    context: Context, category: Category, side: Literal["source", "target"], *, wave: Wave | None = None
) -> Inventory:
    """Return every object of one side of all moves of the category, in the order of where they are to be at the target.

    With `wave` the stage under way counts those objects of it that come by. Close its rows after use.
    """
    try:
        return await _listed(context, category, side, wave, ranges_max=RANGES_MAX)
    except Apart as why:
        context.progress.note("inventory.apart", side=side, why=str(why))
        return await _listed(context, category, side, wave, ranges_max=1)


async def _listed(
    context: Context, category: Category, side: Literal["source", "target"], wave: Wave | None, *, ranges_max: int
) -> Inventory:
    mine = 0
    rows = context.scratch.rows(InventoryRow, placing(category, side))
    try:
        for index, move in enumerate(category.moves):
            place: Side = getattr(move, side)
            store = context.stores.of(place.endpoint, "reader")
            name = f"{place.endpoint}/{place.bucket}/{shown(place.prefix)}"
            counted = _Counted(context, category, wave, len(place.prefix)) if wave else Saying(context, name)
            before = rows.objects
            into = partial(_taker, rows, index, place.bucket, counted)
            walk = partial(ObjectsWalk, context, store, place.bucket, place.prefix)
            listing = Ranges(context, walk, into, partial(context.stores.at_once, place.endpoint))
            try:
                ranges = await listing.run(ranges_max)
            except Apart:
                counted.undo()
                raise
            found = rows.objects - before
            mine += counted.objects
            if ranges > 1:
                context.progress.note("inventory.ranges", place=name, ranges=ranges)
            if wave and len(category.waves) > 1:
                context.progress.note("inventory.of_wave", side=side, place=name, objects=found, mine=counted.objects)
            else:
                context.progress.note("inventory.listed", side=side, place=name, objects=found)
    except BaseException:
        rows.close()
        raise
    return Inventory(rows, mine)


def _taker(rows: SortedRows[InventoryRow], move: int, bucket: str, counted: OnPage) -> Take[Listed]:
    """Return what takes one range's pages into the rows; as long as they come in order, nothing has to be sorted."""
    stretch = rows.stretch()

    def take(page: Sequence[Listed], ordered: bool) -> None:
        counted(page)
        if page:
            columns = ((move,), (bucket,), *columns_of(page), ("",))
            if ordered:
                stretch(columns)
            else:
                rows.add([InventoryRow(move, bucket, *listed) for listed in page])

    return take


def placing(category: Category, side: Literal["source", "target"]) -> Callable[[InventoryRow], Target]:
    """Return what tells where a row of one side stands, or is to stand, at the target."""
    moves = category.moves
    stays = all((move.source.bucket, move.source.prefix) == (move.target.bucket, move.target.prefix) for move in moves)
    if side == "target" or stays:
        return _STANDS
    begins = [(move.target.bucket, move.target.prefix, len(move.source.prefix)) for move in moves]

    def place(row: InventoryRow) -> Target:
        bucket, prefix, cut = begins[row.move]
        return (bucket, prefix + row.key[cut:])

    return place


_STANDS: Callable[[InventoryRow], Target] = itemgetter(1, 2)


def target_of(category: Category, row: InventoryRow) -> Target:
    """Return where a source object goes: the target's bucket and prefix, and what follows the source's prefix."""
    move = category.moves[row.move]
    return (move.target.bucket, move.target.prefix + row.key[len(move.source.prefix) :])


def with_source(category: Category, row: PlanRow) -> PlanRow:
    """Return a row with the source's name that its place at the target stands for, also where no fact names one."""
    move = category.moves[row.move]
    key = move.source.prefix + row.target_key[len(move.target.prefix) :]
    return row._replace(source_bucket=move.source.bucket, source_key=key)


class _Counted:
    """Counts the objects of one wave for the stage that is under way, page by page."""

    def __init__(self, context: Context, category: Category, wave: Wave, cut: int) -> None:
        self._progress = context.progress
        self._partition = category.partition() if len(category.waves) > 1 else None
        self._name = wave.name
        self._cut = cut
        self.objects = 0

    def __call__(self, page: Sequence[Listed]) -> None:
        mine = len(page)
        if self._partition is not None:
            wave_of, cut = self._partition.wave_of, self._cut
            mine = sum(wave_of(each.key[cut:], each.size, each.last_modified) == self._name for each in page)
        self.objects += mine
        self._progress.advance(objects=mine)

    def undo(self) -> None:
        """What was counted is listed once more."""
        self._progress.advance(objects=-self.objects)


class Saying:
    """Says now and then how far a listing is that counts for no stage."""

    def __init__(self, context: Context, place: str) -> None:
        self._context = context
        self._place = place
        self._said_s = context.clock.monotonic()
        self.objects = 0

    def __call__(self, page: Sequence[object]) -> None:
        self.objects += len(page)
        now_s = self._context.clock.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            self._context.progress.note("inventory.listing", place=self._place, objects=self.objects)

    def undo(self) -> None:
        """Nothing was said that is not true of a listing under way."""


async def in_the_way(context: Context, side: Side) -> list[str]:
    """Return the keys that are path ancestors of a prefix and exist themselves: they hide, or are hidden by, what lies below.

    Listed, and not asked for: a reader may have the right to read below the prefix alone.
    """
    store = context.stores.of(side.endpoint, "reader")
    found = []
    for key in (side.prefix[:at] for at, letter in enumerate(side.prefix) if letter == "/" and at > 0):
        page = await context.tries().run(partial(store.list_objects, side.bucket, prefix=key, page_keys=1))
        found += [listed.key for listed in page.items if listed.key == key]
    return found


async def hidden_below(context: Context, category: Category) -> tuple[str, ...]:
    """Return, in words, each source prefix that lies below a key that is there: a store that hides children shows nothing of it."""
    found: dict[str, None] = {}
    for source in (move.source for move in category.moves):
        for key in await in_the_way(context, source):
            place = f"{source.endpoint}/{source.bucket}/{shown(key)}"
            found[
                f"{place} is an object above the prefix `{shown(source.prefix)}`: where it hides what lies below, nothing is listed"
            ] = None
    return tuple(found)


class WaveOf:
    """Tells which objects are one wave's. A target's object belongs with what the source shows, or showed, of it."""

    def __init__(self, category: Category, wave: Wave) -> None:
        self._wave_of = category.partition().wave_of
        self._name = wave.name
        self.is_whole = len(category.waves) <= 1
        """Whether the wave holds all that the category does."""
        self._source_cut = [len(move.source.prefix) for move in category.moves]
        self._target_cut = [len(move.target.prefix) for move in category.moves]

    def has(self, line: InventoryRow) -> bool:
        """Whether an object of the source is the wave's."""
        return self._wave_of(line.key[self._source_cut[line.move] :], line.size, line.last_modified) == self._name

    def has_at_target(self, found: InventoryRow, line: InventoryRow | None, fact: Fact | None) -> bool:
        """Whether an object of the target is: by the source's line of it, else by its fact, else by itself."""
        size, modified = found.size, found.last_modified
        if line is not None:
            size, modified = line.size, line.last_modified
        elif fact is not None:
            size, modified = fact.size, fact.source_last_modified
        return self._wave_of(found.key[self._target_cut[found.move] :], size, modified) == self._name
