"""List one side of a category, whole, by protocol: a failed page means no inventory.

Guarantees: every object under the category's moves once, canaries left out; a page that repeats a key, shows one from elsewhere, or
a token that leads nowhere is refused (`ProtocolError` after the retries), so that a partial listing is never taken for a whole one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Literal

from relocation.ports import Store
from relocation.rules.errors import NotFound, ProtocolError
from relocation.rules.keys import is_canary, shown
from relocation.rules.objects import Listed, Page
from relocation.rules.records import InventoryRow
from relocation.settings import Category, Side, Wave
from relocation.stages.context import Context
from relocation.transfer.retry import Patience, Tries

PAGES_MAX = 10_000_000
SAY_EVERY_S = 10.0
OnPage = Callable[[Sequence[Listed]], None]
"""Is told each page's objects as they come, canaries left out."""
Seen = Mapping[tuple[str, str], tuple[int, str]]
"""What the source's listing showed of what stands at a target's (bucket, key): size and last modification."""
NOTHING_SEEN: Seen = MappingProxyType({})


async def inventory(
    context: Context, category: Category, side: Literal["source", "target"], *, wave: Wave | None = None
) -> list[InventoryRow]:
    """Return every object of one side of all moves of the category, in no order that anybody may rely on.

    With `wave` the stage under way counts those objects of it that come by.
    """
    rows: list[InventoryRow] = []
    for index, move in enumerate(category.moves):
        place: Side = getattr(move, side)
        store = context.stores.of(place.endpoint, "reader")
        name = f"{place.endpoint}/{place.bucket}/{shown(place.prefix)}"
        counted = _Counted(context, category, wave, len(place.prefix)) if wave else Saying(context, name)
        before = len(rows)
        listing = list_all(context, store, place.bucket, place.prefix, on_page=counted)
        rows += [_row(index, place.bucket, listed) async for listed in listing]
        found = len(rows) - before
        if wave and len(category.waves) > 1:
            context.progress.note("inventory.of_wave", side=side, place=name, objects=found, mine=counted.objects)
        else:
            context.progress.note("inventory.listed", side=side, place=name, objects=found)
    return rows


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
    return InventoryRow(
        move=move,
        bucket=bucket,
        key=listed.key,
        size=listed.size,
        etag=listed.etag,
        last_modified=listed.last_modified,
        storage_class=listed.storage_class,
    )


async def list_all(
    context: Context, store: Store, bucket: str, prefix: str, *, on_page: OnPage | None = None, delimiter: str = ""
) -> AsyncIterator[Listed]:
    """Yield every object under a prefix, canaries left out, each key once. Pages are fetched one ahead.

    With `delimiter` what lies deeper is folded into common prefixes, which have no `etag`.
    """
    ask = partial(store.list_objects, bucket, prefix=prefix, delimiter=delimiter)
    seen: set[str] = set()
    tokens: set[str] = set()
    token = ""
    pending = asyncio.ensure_future(_page(context, ask, token))
    try:
        for _ in range(PAGES_MAX):
            page = await pending
            token = page.next_token
            if token in tokens:
                raise ProtocolError(f"the listing of {store.endpoint}/{bucket} goes round in a circle: not a listing to be trusted")
            if token:
                tokens.add(token)
                pending = asyncio.ensure_future(_page(context, ask, token))
            for listed in page.items:
                _check(listed, prefix, seen, f"{store.endpoint}/{bucket}")
            kept = [listed for listed in page.items if not is_canary(listed.key)]
            if on_page is not None:
                on_page(kept)
            for listed in kept:
                yield listed
            if not token:
                return
        raise ProtocolError(f"the listing of {store.endpoint}/{bucket} did not end after {PAGES_MAX} pages")
    finally:
        pending.cancel()


async def _page(context: Context, ask: Callable[..., Awaitable[Page[Listed]]], token: str) -> Page[Listed]:
    tries = Tries(Patience(context.settings.transfer.attempts_max, unreachable_s=5.0), context.clock)
    return await tries.run(lambda: ask(token=token))


def _check(listed: Listed, prefix: str, seen: set[str], place: str) -> None:
    if not listed.key.startswith(prefix):
        raise ProtocolError(f"the listing of {place} under {shown(prefix)} shows {shown(listed.key)}: not a listing to be trusted")
    if listed.key in seen:
        raise ProtocolError(f"the listing of {place} repeats {shown(listed.key)}: not a listing to be trusted")
    seen.add(listed.key)


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


def of_wave(
    rows: Iterable[InventoryRow], category: Category, wave: Wave, side: Literal["source", "target"], *, seen: Seen = NOTHING_SEEN
) -> list[InventoryRow]:
    """Return the rows that belong to the wave. A target's belong with what the source showed of them, if days or sizes tell."""
    partition = category.partition()
    cut = [len(getattr(move, side).prefix) for move in category.moves]

    def wave_of(row: InventoryRow) -> str:
        return partition.wave_of(row.key[cut[row.move] :], *seen.get((row.bucket, row.key), (row.size, row.last_modified)))

    return [row for row in rows if wave_of(row) == wave.name]
