"""What the facts of a category say of each place at the target: put in order on the scratch, folded one place after another.

Where every version has facts of its own, a place has what stands of each of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Generic

from relocation.ports import SortedRows
from relocation.rules.merging import Block, Place, Said, unparted
from relocation.rules.plan import STAGES, fold_in
from relocation.rules.records import Fact, Segment
from relocation.rules.versions import Version, VersionFacts, fold_versions_in, standing_versions
from relocation.stages.context import Context

RUNS_MAX = 1_000_000
FOLDED_PLACES = 20_000
"""The facts of up to so many places are folded as they come. A place has one of each run that read it: kept apart until all are
there, twenty facts of each of 3,000 objects took 57 MiB."""
FoldIn = Callable[[dict[Any, Fact], Iterable[Fact]], None]
"""Folds facts into what stands, by place, or by version."""


async def standing_facts(context: Context, category: str) -> Standing[Fact]:
    """Gather every fact of a category so far: the sealed segments from the vault, and the tails of open shards."""
    return Standing(await _gathered(context, category, fold_in), _of_places)


async def standing_histories(context: Context, category: str) -> Standing[VersionFacts]:
    """Gather the same where every version has facts of its own: of each key, what stands of its versions at the target."""
    return Standing(await _gathered(context, category, fold_versions_in), _of_keys)


async def _gathered(context: Context, category: str, fold_in: FoldIn) -> SortedRows[Fact]:
    rows = context.scratch.rows(Fact, _PLACE)  # those of one place stay in the order in which they are added
    gathered = _Gathered(rows.add, fold_in)
    await each_fact(context, category, gathered.take)
    gathered.hand_over()
    return rows


class _Gathered:
    """Facts on their way to the scratch: what stands of each place while there are few of them, from then on all as they are.

    What stands, folded with what comes later, is what all of it would have come to: `fold` goes from left to right.
    """

    def __init__(self, add: Callable[[Sequence[Fact]], None], fold_in: FoldIn) -> None:
        self._add = add
        self._fold_in = fold_in
        self._standing: dict[Any, Fact] | None = {}

    def take(self, facts: Sequence[Fact]) -> None:
        """Take some facts in, in their order."""
        if self._standing is None:
            self._add(facts)
            return
        self._fold_in(self._standing, facts)
        if len(self._standing) > FOLDED_PLACES:
            self.hand_over()

    def hand_over(self) -> None:
        """Add what stands so far, and fold no more."""
        if self._standing is not None:
            self._add(list(self._standing.values()))
            self._standing = None


class Standing(Generic[Said]):
    """The facts of a category, by place. Close it after use."""

    def __init__(self, rows: SortedRows[Fact], folded: Callable[[Sequence[Fact]], Block[Said]]) -> None:
        self._rows = rows
        self._folded = folded

    def __iter__(self) -> Iterator[tuple[Place, Said]]:
        """Yield what stands of each place of which anything does, in order."""
        return chain.from_iterable(zip(places, said, strict=True) for places, said in self.blocks())

    def blocks(self) -> Iterator[Block[Said]]:
        """Yield the same, some at a time."""
        return map(self._folded, unparted(self._rows.blocks(), _PLACE))

    def close(self) -> None:
        """Give the scratch back."""
        self._rows.close()


class Asked(Generic[Said]):
    """What stands of places that somebody asks for, gathered at the first question. They are asked for in order, nearly always:
    who goes back waits until all is gone through anew. Close it after use."""

    def __init__(self, gather: Callable[[], Awaitable[Standing[Said]]]) -> None:
        self._gather = gather
        self._standing: Standing[Said] | None = None
        self._rest: Iterator[tuple[Place, Said]] = iter(())
        self._next: tuple[Place, Said] | None = None
        self._last: Place | None = None

    async def about(self, places: Iterable[Place]) -> dict[Place, Said]:
        """Return what stands of these places."""
        found: dict[Place, Said] = {}
        for place in places:
            if self._last is None or place < self._last:
                await self._begin()
            self._last = place
            while self._next is not None and self._next[0] < place:
                self._next = next(self._rest, None)
            if self._next is not None and self._next[0] == place:
                found[place] = self._next[1]
        return found

    async def _begin(self) -> None:
        if self._standing is None:
            self._standing = await self._gather()
        self._rest = iter(self._standing)
        self._next = next(self._rest, None)

    def close(self) -> None:
        """Give the scratch back."""
        if self._standing is not None:
            self._standing.close()


_PLACE: Callable[[Fact], tuple[str, str]] = itemgetter(Fact._fields.index("target_bucket"), Fact._fields.index("target_key"))


def _of_places(facts: Sequence[Fact]) -> Block[Fact]:
    """Return what stands of each place, of all facts about some places."""
    standing: dict[Place, Fact] = {}
    fold_in(standing, facts)
    return list(standing), list(standing.values())


def _of_keys(facts: Sequence[Fact]) -> Block[VersionFacts]:
    """Return what stands of the versions of each key, of all facts about some keys."""
    keys: dict[Place, dict[Version, Fact]] = {}
    for version, fact in standing_versions(facts).items():
        keys.setdefault(version[:2], {})[version] = fact
    return list(keys), list(keys.values())


async def each_fact(context: Context, category: str, take: Callable[[Sequence[Fact]], None]) -> None:
    """Hand over all facts in the order of their runs, and of the stages of each, whatever the clock said; some at a time."""
    runs = reversed(await context.ledger.list_runs(category=category, limit=RUNS_MAX))
    number = {run.id: place for place, run in enumerate(runs)}
    sealed: dict[tuple[int, int], list[Segment]] = {}
    for segment in sorted(await context.ledger.segments(category=category), key=lambda segment: segment.shard):
        if segment.objects:
            sealed.setdefault((number.get(segment.run_id, -1), STAGES.index(segment.stage)), []).append(segment)
    tails: dict[tuple[int, int], list[Fact]] = {}
    for fact in await context.ledger.open_tails(category):
        tails.setdefault((number.get(fact.run_id, -1), STAGES.index(fact.stage)), []).append(fact)
    for step in sorted({*sealed, *tails}):
        for segment in sealed.get(step, ()):
            take(context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact))
        take(tails.get(step, ()))
