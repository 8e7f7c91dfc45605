"""Join what is sorted by place: three streams into one, each place once. Pure; takes memory for a block of each.

Guarantees: every row of every stream comes by exactly once; a place that a stream repeats is an error of that stream's listing
(`ProtocolError`), unless repeats are what it is made of (facts, folded before; the versions of a key, which are one history).
Streams come in blocks. Where both sides show the same places, as they do of what was moved, whole blocks are laid side by side.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import eq
from typing import Generic, NamedTuple, TypeVar

from relocation.rules.errors import ProtocolError
from relocation.rules.keys import shown

Place = tuple[str, str]
"""(bucket, key) at the target."""
At = TypeVar("At", Place, str)
Row = TypeVar("Row")
Said = TypeVar("Said")
Block = tuple[Sequence[Place], Sequence[Row]]
"""Some places in order, and the row of each."""


class Joined(NamedTuple, Generic[Row, Said]):
    """What stands at some places, in order: of each the source's line (or history), the target's, and what facts say of it.

    `alike`: every one of them is known to be shown by both listings, and either all have a fact or none has.
    """

    places: Sequence[Place]
    source: Sequence[Row | None]
    found: Sequence[Row | None]
    facts: Sequence[Said | None]
    alike: bool


def joined(source: Iterable[Block[Row]], target: Iterable[Block[Row]], facts: Iterable[Block[Said]]) -> Iterator[Joined[Row, Said]]:
    """Yield every place that either listing shows, in order, with the fact about it. Facts alone bring up no place."""
    sources: Stream[Place, Row] = Stream(source)
    targets: Stream[Place, Row] = Stream(target)
    known: Stream[Place, Said] = Stream(facts)
    while sources.more() or targets.more():
        limit = _least(sources, targets)
        mine, theirs = sources.upto(limit), targets.upto(limit)
        places, lines, found = _side_by_side(mine, theirs)
        said = _known(known, places, limit)
        yield Joined(places, lines, found, said[0], said[1] and mine[0] == theirs[0])


def merged(one: Iterable[Sequence[At]], other: Iterable[Sequence[At]]) -> Iterator[list[At]]:
    """Yield what two streams hold, in order, what both hold once; some at a time."""
    first: Stream[At, At] = Stream((each, each) for each in one)
    second: Stream[At, At] = Stream((each, each) for each in other)
    while first.more() or second.more():
        limit = _least(first, second)
        mine: Sequence[At] = first.upto(limit)[0]
        theirs: Sequence[At] = second.upto(limit)[0]
        both: set[At] = set()
        yield list(mine) if mine == theirs or not theirs else sorted(both.union(mine, theirs))


def in_blocks(blocks: Iterable[Sequence[Row]], place: Callable[[Row], Place], said: Callable[[Row], str]) -> Iterator[Block[Row]]:
    """Yield blocks of rows, which are in order, with their places; `said` names the listing of a row that comes a second time."""
    before: Place | None = None
    for rows in blocks:
        places = list(map(place, rows))
        if any(map(eq, places, [before, *places])):
            row, at = next((row, at) for row, at, last in zip(rows, places, [before, *places], strict=False) if at == last)
            raise ProtocolError(f"{said(row)} repeats {shown(at[1])}: not a listing to be trusted")
        if places:
            before = places[-1]
            yield places, rows


def unparted(blocks: Iterable[Sequence[Row]], place: Callable[[Row], Place]) -> Iterator[list[Row]]:
    """Yield rows that are in order, cut anew: those of one place are never in two blocks."""
    held: list[Row] = []
    about: Place | None = None
    for rows in blocks:
        held += rows
        last = place(held[-1])
        if last == about:
            continue
        about = last
        end = len(held) - 1
        while end and place(held[end - 1]) == last:
            end -= 1
        if end:
            yield held[:end]
            held = held[end:]
    if held:
        yield held


class Stream(Generic[At, Row]):
    """Blocks in order, handed out up to any place."""

    def __init__(self, blocks: Iterable[tuple[Sequence[At], Sequence[Row]]]) -> None:
        self._blocks: Iterator[tuple[Sequence[At], Sequence[Row]]] = iter(blocks)
        self.places: Sequence[At] = ()
        self._rows: Sequence[Row] = ()

    def more(self) -> bool:
        """Whether anything is left; if so, `places` holds what comes next."""
        while not self.places:
            block = next(self._blocks, None)
            if block is None:
                return False
            self.places, self._rows = block
        return True

    def upto(self, limit: At) -> tuple[Sequence[At], Sequence[Row]]:
        """Return what is at hand up to a place, itself included."""
        if not self.more():
            return (), ()
        end = len(self.places) if self.places[-1] <= limit else bisect_right(self.places, limit)
        some = self.places[:end], self._rows[:end]
        self.places, self._rows = self.places[end:], self._rows[end:]
        return some


def _least(one: Stream[At, Row], other: Stream[At, Row]) -> At:
    """Return the place up to which both streams are at hand."""
    return min(stream.places[-1] for stream in (one, other) if stream.more())


def _side_by_side(source: Block[Row], target: Block[Row]) -> tuple[Sequence[Place], Sequence[Row | None], Sequence[Row | None]]:
    (mine, lines), (theirs, found) = source, target
    if mine == theirs:
        return mine, lines, found
    if not theirs:
        return mine, lines, [None] * len(mine)
    if not mine:
        return theirs, [None] * len(theirs), found
    places = sorted({*mine, *theirs})
    at_source, at_target = dict(zip(mine, lines, strict=True)), dict(zip(theirs, found, strict=True))
    return places, list(map(at_source.get, places)), list(map(at_target.get, places))


def _known(facts: Stream[Place, Said], places: Sequence[Place], limit: Place) -> tuple[Sequence[Said | None], bool]:
    """Return the fact about each place, and whether all or none have one; what is about other places up to the limit is let go."""
    about: Sequence[Place] = ()
    found: Sequence[Said] = ()
    at: dict[Place, Said] = {}
    wanted: set[Place] = set()
    while facts.more() and facts.places[0] <= limit:
        more, rows = facts.upto(limit)
        if len(about) + len(more) <= len(places):
            about, found = [*about, *more], [*found, *rows]
            continue
        wanted = wanted or set(places)
        at |= {place: fact for place, fact in zip(more, rows, strict=True) if place in wanted}
    if about == places:
        return found, True
    at |= zip(about, found, strict=True)
    return list(map(at.get, places)), not at
