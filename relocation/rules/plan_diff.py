"""What changed at the source between two plans: one pass over two inventories in the order of (move, key). Pure.

Guarantees: a key counts once, as new, changed (size, ETag, time of modification, versions) or gone, whatever the number of its
versions; memory holds one key of each side. Refuses (`OutOfOrder`) inventories that are not in order instead of miscounting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from relocation.rules.keys import shown
from relocation.rules.records import InventoryRow

Place = tuple[int, str]
"""(move, key): what an inventory is ordered by. A move's bucket is one, so that it need not be in it."""
Seen = tuple[Place, list[tuple[str, int, str, str, str]]]


class OutOfOrder(ValueError):
    """An inventory is not in the order of (move, key), so it can't be compared in one pass."""


class Changes(NamedTuple):
    """How many keys are new, changed and gone."""

    new: int = 0
    changed: int = 0
    gone: int = 0


def changes(before: Iterable[InventoryRow], after: Iterable[InventoryRow]) -> Changes:
    """Count what differs between two inventories of one side."""
    new = changed = gone = 0
    olds, news = _by_key(before), _by_key(after)
    old, now = next(olds, None), next(news, None)
    while old is not None or now is not None:
        if now is None or (old is not None and old[0] < now[0]):
            gone, old = gone + 1, next(olds, None)
        elif old is None or now[0] < old[0]:
            new, now = new + 1, next(news, None)
        else:
            changed += old[1] != now[1]
            old, now = next(olds, None), next(news, None)
    return Changes(new, changed, gone)


def in_order(row: InventoryRow) -> Place:
    """Return what inventories are ordered by."""
    return row.move, row.key


def _by_key(rows: Iterable[InventoryRow]) -> Iterator[Seen]:
    """Yield each key with what the listing showed of it, of every version where there are several."""
    last: Place = (-1, "")
    for place, found in groupby(rows, in_order):
        if place <= last:
            raise OutOfOrder(f"{shown(place[1])} (move {place[0]}) comes after {shown(last[1])} (move {last[0]})")
        last = place
        yield place, sorted((row.bucket, row.size, row.etag, row.last_modified, row.version_id) for row in found)
