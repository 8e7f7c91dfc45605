"""Join what is sorted by place: three streams into one, each place once. Pure; takes memory for one place of each.

Guarantees: every row of every stream comes by exactly once; a place that a stream repeats is an error of that stream's listing
(`ProtocolError`), unless repeats are what it is made of (facts, folded before).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from relocation.rules.errors import ProtocolError
from relocation.rules.keys import shown
from relocation.rules.records import Fact, InventoryRow

Place = tuple[str, ...]
"""(bucket, key) at the target; what is more than that only settles the order of what shares it."""
Row = TypeVar("Row")
END: Place = ("\U0010ffff" * 64,)
"""Beyond every bucket's name."""


class Joined(NamedTuple):
    """What stands at one place: the source's line, the target's line, and the standing fact."""

    place: Place
    source: InventoryRow | None
    found: InventoryRow | None
    fact: Fact | None


def joined(
    source: Iterable[tuple[Place, InventoryRow]],
    target: Iterable[tuple[Place, InventoryRow]],
    facts: Iterable[tuple[Place, Fact]],
) -> Iterator[Joined]:
    """Yield every place that either listing shows, in order, with the fact about it. Facts alone bring up no place."""
    sources, targets, known = iter(source), iter(target), iter(facts)
    nothing: tuple[Place, None] = (END, None)
    at, line = next(sources, nothing)
    there, found = next(targets, nothing)
    about, fact = next(known, nothing)
    while True:
        place = min(at, there)
        if place is END:
            return
        while about < place:
            about, fact = next(known, nothing)
        yield Joined(place, line if at == place else None, found if there == place else None, fact if about == place else None)
        if at == place:
            at, line = next(sources, nothing)
        if there == place:
            there, found = next(targets, nothing)


def placed(rows: Iterable[Row], place: Callable[[Row], Place], said: Callable[[Row], str]) -> Iterator[tuple[Place, Row]]:
    """Yield rows, which are in order, with their places; `said` names the listing of a row that comes a second time."""
    before: Place = ()
    for row in rows:
        at = place(row)
        if at == before:
            raise ProtocolError(f"{said(row)} repeats {shown(at[1])}: not a listing to be trusted")
        before = at
        yield at, row
