"""A plan narrowed by a feed of changes: both stores are asked for the keys that it names, one by one, and for nothing else.

Guarantees: what is done with a key follows from what both sides show of it now, and from the facts, never from what the feed says
of it; a new name that would stand in another one's way is refused here too. Memory does not grow with the feed. Refuses a category
that moves all versions, a feed that can't be read, and one so long that listing both sides is cheaper.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from relocation.ports import SortedRows, Store
from relocation.rules.amounts import amount
from relocation.rules.change_feed import changes_of
from relocation.rules.errors import Refusal
from relocation.rules.keys import is_canary
from relocation.rules.merging import merged
from relocation.rules.names import Names
from relocation.rules.plan import Target, known_from
from relocation.rules.records import InventoryRow
from relocation.settings import Category, Move, Side, Wave
from relocation.stages.answers import answers_of
from relocation.stages.asked import inventory_row, listed_as
from relocation.stages.context import Context
from relocation.stages.draw import Decider, Drawn, Lines, Sides, pieces_of, places_of
from relocation.stages.inventory import WaveOf, placing, target_of
from relocation.stages.keys_apart import breathing
from relocation.stages.list_versions import Behind
from relocation.stages.routes import route_of
from relocation.stages.standing import standing_facts
from relocation.stages.versions import moves_versions
from relocation.transfer.crew import work_all

KEYS_MAX = 1_000_000
"""More keys than this are not asked for one by one: a page of a listing shows a thousand at once."""


async def draw_changed(context: Context, category_name: str, wave: Wave, feed: Path) -> Drawn:
    """Ask for the keys of a feed, and decide on those that are the wave's as its pieces are taken."""
    if moves_versions(context, category_name):
        raise Refusal("a feed of changes can't narrow a pass where all versions are moved (policy.versions: all); leave it out")
    category = context.settings.category_named(category_name)
    route = await route_of(context, category_name, wave.name)
    with ExitStack() as opened:
        asking = _Asking(context, category, opened)
        keys = await asking.ask_all(feed)
        standing = await standing_facts(context, category_name)
        opened.callback(standing.close)
        known = known_from({}, await context.ledger.open_intents(category_name))
        decider = Decider(category, WaveOf(category, wave), known, *route)
        objects = sum(map(decider.of_wave.has, asking.source))
        opened.pop_all()  # whoever takes the pieces closes them
    sides = _Narrow(category, asking.source, asking.target, standing, asking.beside)
    told = f"{feed.name}: {amount(keys, 'key')}" + (f", {asking.left} new left to the next whole pass" if asking.left else "")
    behind = Behind(-1, -1, -1, "a pass that a feed of changes narrows asks for single keys")
    return Drawn(objects, Lines(sides.source, decider.of_wave), pieces_of(context, sides, decider), behind, told)


@dataclass(frozen=True, slots=True)
class _Narrow(Sides):
    """Both sides of some keys, with what stands beside new ones."""

    beside: SortedRows[InventoryRow]

    def places(self) -> Iterator[Sequence[Target]]:
        """Yield where something stands or is to stand, in order, some at a time, as far as it was asked for."""
        # Not `super()`: a dataclass with slots is another class than the one whose body this is.
        return merged(Sides.places(self), places_of(self.beside, placing(self.category, "target")))

    def close(self) -> None:
        """Give the scratch back."""
        Sides.close(self)
        self.beside.close()


class _Asking:
    """The keys of a feed, what both sides show of them, and what stands beside those that are new."""

    def __init__(self, context: Context, category: Category, opened: ExitStack) -> None:
        self._context = context
        self._category = category
        self._at = placing(category, "source")
        rows = context.scratch.rows
        self.source, self.target = rows(InventoryRow, self._at), rows(InventoryRow, placing(category, "target"))
        self.beside = rows(InventoryRow, placing(category, "target"))
        self._keys = rows(InventoryRow, self._at)
        for each in (self.source, self.target, self.beside, self._keys):
            opened.callback(each.close)
        self._names: list[Names] = []
        self.left = 0
        """New keys whose names can't be judged one by one."""

    async def ask_all(self, feed: Path) -> int:
        """Ask for every key of a feed once; return how many there were."""
        self._names = [Names((await answers_of(self._context, move))[1]) for move in self._category.moves]
        async for bucket, key in breathing(_read(feed)):
            self._take(bucket, key)
            if self._keys.objects > KEYS_MAX:
                raise Refusal(f"{feed.name} names more than {KEYS_MAX} changes: a whole pass is cheaper; leave --changed out")
        asked = 0

        async def once() -> AsyncIterator[InventoryRow]:
            nonlocal asked
            async for _, same in breathing(groupby(self._keys, self._at)):
                asked += 1
                yield next(same)

        await work_all(once(), self._ask, size=self._context.settings.transfer.concurrency)
        self._keys.close()
        self._context.progress.note("changes.asked", keys=asked, at_source=self.source.objects, at_target=self.target.objects)
        return asked

    def _take(self, bucket: str, key: str) -> None:
        for number, move in enumerate(self._category.moves):
            if bucket in {"", move.source.bucket} and key.startswith(move.source.prefix) and not is_canary(key):
                self._keys.add([InventoryRow(number, move.source.bucket, key, 0, "", "", "")])

    async def _ask(self, row: InventoryRow) -> None:
        move = self._category.moves[row.move]
        _, at_target = target_of(self._category, row)
        line = await listed_as(self._context, self._reader(move.source), move.source, row.key)
        found = await listed_as(self._context, self._reader(move.target), move.target, at_target)
        if found is not None:
            self.target.add([inventory_row(row.move, move.target.bucket, found)])
        names = self._names[row.move]
        if line is not None and found is None and names.folds:
            self.left += 1  # what would land on its name can't be asked for: a whole pass sees all names at once
            return
        if line is not None:
            self.source.add([inventory_row(row.move, move.source.bucket, line)])
        if line is not None and found is None and names.minds_neighbours:
            for side, key in ((move.source, row.key), (move.target, at_target)):
                self.beside.add([_beside(row.move, move, side, name) async for name in self._neighbours(side, key)])

    async def _neighbours(self, side: Side, key: str) -> AsyncIterator[str]:
        """Yield what is above or below a key at one side."""
        store = self._reader(side)
        for at in (at for at, letter in enumerate(key) if letter == "/" and at > len(side.prefix)):
            if await listed_as(self._context, store, side, key[:at]) is not None:
                yield key[:at]
        below = await self._context.tries().run(lambda: store.list_objects(side.bucket, prefix=f"{key}/", page_keys=1))
        for listed in below.items:
            yield listed.key

    def _reader(self, side: Side) -> Store:
        return self._context.stores.of(side.endpoint, "reader")


def _beside(number: int, move: Move, side: Side, name: str) -> InventoryRow:
    """Return where something that one side shows stands, or would stand, at the target."""
    return InventoryRow(number, move.target.bucket, move.target.prefix + name[len(side.prefix) :], 0, "", "", "")


def _read(feed: Path) -> Iterator[tuple[str, str]]:
    try:
        with gzip.open(feed) if feed.name.endswith(".gz") else feed.open("rb") as file:
            yield from changes_of(file)
    except (OSError, EOFError) as error:
        raise Refusal(f"the changes in {feed.name} can't be read ({error}); name a file that you may read") from error
    except Refusal as refusal:
        raise Refusal(f"the changes in {feed.name}: {refusal}") from refusal
