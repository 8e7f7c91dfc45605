"""List one side of a category, whole, by protocol: a failed page means no inventory.

Guarantees: every object under the category's moves, canaries left out; a page that repeats a key, shows one from elsewhere, or
a token that leads nowhere is refused (`ProtocolError` after the retries), so that a partial listing is never taken for a whole one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Literal, NamedTuple

from relocation.ports import SortedRows, Store
from relocation.rules.errors import NotFound, ProtocolError
from relocation.rules.keys import is_canary, shown
from relocation.rules.objects import Listed, Page
from relocation.rules.plan import Target
from relocation.rules.records import Fact, InventoryRow
from relocation.settings import Category, Side, Wave
from relocation.stages.context import Context
from relocation.transfer.retry import Patience, Tries

PAGES_MAX = 10_000_000
SAY_EVERY_S = 10.0
OnPage = Callable[[Sequence[Listed]], None]
"""Is told each page's objects as they come, canaries left out."""


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
    mine = 0
    rows = context.scratch.rows(InventoryRow, placing(category, side))
    for index, move in enumerate(category.moves):
        place: Side = getattr(move, side)
        store = context.stores.of(place.endpoint, "reader")
        name = f"{place.endpoint}/{place.bucket}/{shown(place.prefix)}"
        counted = _Counted(context, category, wave, len(place.prefix)) if wave else Saying(context, name)
        before = rows.objects
        async for page in pages_of(context, store, place.bucket, place.prefix):
            counted(page)
            rows.add([_row(index, place.bucket, listed) for listed in page])
        found = rows.objects - before
        mine += counted.objects
        if wave and len(category.waves) > 1:
            context.progress.note("inventory.of_wave", side=side, place=name, objects=found, mine=counted.objects)
        else:
            context.progress.note("inventory.listed", side=side, place=name, objects=found)
    return Inventory(rows, mine)


def placing(category: Category, side: Literal["source", "target"]) -> Callable[[InventoryRow], Target]:
    """Return what tells where a row of one side stands, or is to stand, at the target."""
    return _STANDS if side == "target" else partial(target_of, category)


_STANDS: Callable[[InventoryRow], Target] = itemgetter(1, 2)


def target_of(category: Category, row: InventoryRow) -> Target:
    """Return where a source object goes: the target's bucket and prefix, and what follows the source's prefix."""
    move = category.moves[row.move]
    return (move.target.bucket, move.target.prefix + row.key[len(move.source.prefix) :])


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


class Saying:
    """Says now and then how far a listing is that counts for no stage."""

    def __init__(self, context: Context, place: str) -> None:
        self._context = context
        self._place = place
        self._said_s = context.clock.monotonic()
        self.objects = 0

    def __call__(self, page: Sequence[Listed]) -> None:
        self.objects += len(page)
        now_s = self._context.clock.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            self._context.progress.note("inventory.listing", place=self._place, objects=self.objects)


def _row(move: int, bucket: str, listed: Listed) -> InventoryRow:
    return InventoryRow(move, bucket, listed.key, listed.size, listed.etag, listed.last_modified, listed.storage_class)


async def list_all(
    context: Context, store: Store, bucket: str, prefix: str, *, on_page: OnPage | None = None, delimiter: str = ""
) -> AsyncIterator[Listed]:
    """Yield every object under a prefix, canaries left out.

    With `delimiter` what lies deeper is folded into common prefixes, which have no `etag`.
    """
    async for page in pages_of(context, store, bucket, prefix, delimiter=delimiter):
        if on_page is not None:
            on_page(page)
        for listed in page:
            yield listed


async def pages_of(
    context: Context, store: Store, bucket: str, prefix: str, *, delimiter: str = ""
) -> AsyncIterator[Sequence[Listed]]:
    """Yield every page of objects under a prefix, canaries left out. Pages are fetched one ahead.

    A page that comes twice, a key twice in a row, a key from elsewhere, and a token that comes again are refused here; keys that
    come again in no order at all where they are put into order.
    """
    ask = partial(store.list_objects, bucket, prefix=prefix, delimiter=delimiter)
    place = f"{store.endpoint}/{bucket}"
    firsts: set[str] = set()
    tokens: set[str] = set()
    last = ""
    pending = asyncio.ensure_future(_page(context, ask, ""))
    try:
        for _ in range(PAGES_MAX):
            page = await pending
            token = page.next_token
            if token in tokens:
                raise ProtocolError(f"the listing of {place} goes round in a circle: not a listing to be trusted")
            if token:
                tokens.add(token)
                pending = asyncio.ensure_future(_page(context, ask, token))
            if page.items:
                last = _check(page.items, prefix, last, firsts, place)
            yield [listed for listed in page.items if not is_canary(listed.key)]
            if not token:
                return
        raise ProtocolError(f"the listing of {place} did not end after {PAGES_MAX} pages")
    finally:
        pending.cancel()


async def _page(context: Context, ask: Callable[..., Awaitable[Page[Listed]]], token: str) -> Page[Listed]:
    tries = Tries(Patience(context.settings.transfer.attempts_max, unreachable_s=5.0), context.clock)
    return await tries.run(lambda: ask(token=token))


def _check(items: Sequence[Listed], prefix: str, last: str, firsts: set[str], place: str) -> str:
    """Refuse a page that can't be one of an honest listing; return its last key."""
    first = items[0].key
    for listed in items:
        key = listed.key
        if not key.startswith(prefix):
            raise ProtocolError(f"the listing of {place} under {shown(prefix)} shows {shown(key)}: not a listing to be trusted")
        if key == last or (key is first and key in firsts):
            raise ProtocolError(f"the listing of {place} repeats {shown(key)}: not a listing to be trusted")
        last = key
    firsts.add(first)
    return last


async def in_the_way(context: Context, side: Side) -> list[str]:
    """Return the keys that are path ancestors of a prefix and exist themselves: they hide, or are hidden by, what lies below."""
    store = context.stores.of(side.endpoint, "reader")
    tries = Tries(Patience(context.settings.transfer.attempts_max, unreachable_s=5.0), context.clock)
    steps = [at for at, letter in enumerate(side.prefix) if letter == "/" and at > 0]
    found = []
    for at in steps:
        key = side.prefix[:at]
        try:
            await tries.run(lambda key=key: store.head(side.bucket, key))  # type: ignore[misc]
            found.append(key)
        except NotFound:
            continue
    return found


class WaveOf:
    """Tells which objects are one wave's. A target's object belongs with what the source shows, or showed, of it."""

    def __init__(self, category: Category, wave: Wave) -> None:
        self._wave_of = category.partition().wave_of
        self._name = wave.name
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
