"""What the facts of a category say of each place at the target: put in order on the scratch, folded one place after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import itemgetter

from relocation.ports import SortedRows
from relocation.rules.merging import Block, Place
from relocation.rules.plan import STAGES, fold_in
from relocation.rules.records import Fact, Segment
from relocation.stages.context import Context

RUNS_MAX = 1_000_000
FOLDED_PLACES = 20_000
"""The facts of up to so many places are folded as they come. A place has one of each run that read it: kept apart until all are
there, twenty facts of each of 3,000 objects took 57 MiB."""


async def facts_of(context: Context, category: str) -> list[Fact]:
    """Return every fact of a category so far, all at once, in the order of their runs and of the stages of each."""
    facts: list[Fact] = []
    await _each(context, category, facts.extend)
    return facts


async def standing_facts(context: Context, category: str) -> Standing:
    """Gather every fact of a category so far: the sealed segments from the vault, and the tails of open shards."""
    rows = context.scratch.rows(Fact, _PLACE)  # those of one place stay in the order in which they are added
    gathered = _Gathered(rows.add)
    await _each(context, category, gathered.take)
    gathered.hand_over()
    return Standing(rows)


class _Gathered:
    """Facts on their way to the scratch: what stands of each place while there are few of them, from then on all as they are.

    What stands, folded with what comes later, is what all of it would have come to: `fold` goes from left to right.
    """

    def __init__(self, add: Callable[[Sequence[Fact]], None]) -> None:
        self._add = add
        self._standing: dict[Place, Fact] | None = {}

    def take(self, facts: Sequence[Fact]) -> None:
        """Take some facts in, in their order."""
        if self._standing is None:
            self._add(facts)
            return
        fold_in(self._standing, facts)
        if len(self._standing) > FOLDED_PLACES:
            self.hand_over()

    def hand_over(self) -> None:
        """Add what stands so far, and fold no more."""
        if self._standing is not None:
            self._add(list(self._standing.values()))
            self._standing = None


class Standing:
    """The facts of a category, by place. Close it after use."""

    def __init__(self, rows: SortedRows[Fact]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Place, Fact]]:
        """Yield the standing fact of each place that has one, in order."""
        return chain.from_iterable(zip(places, facts, strict=True) for places, facts in self.blocks())

    def blocks(self) -> Iterator[Block[Fact]]:
        """Yield the same, some at a time."""
        about: Place | None = None
        facts: list[Fact] = []
        for block in self._rows.blocks():
            facts += block
            place = _PLACE(facts[-1])
            if place == about:
                continue
            about = place
            end = len(facts) - 1
            while end and _PLACE(facts[end - 1]) == place:
                end -= 1
            yield _folded(facts[:end])
            facts = facts[end:]
        yield _folded(facts)

    def close(self) -> None:
        """Give the scratch back."""
        self._rows.close()


_PLACE: Callable[[Fact], tuple[str, str]] = itemgetter(Fact._fields.index("target_bucket"), Fact._fields.index("target_key"))


def _folded(facts: Sequence[Fact]) -> Block[Fact]:
    """Return what stands of each place, of all facts about some places."""
    standing: dict[Place, Fact] = {}
    fold_in(standing, facts)
    return list(standing), list(standing.values())


async def _each(context: Context, category: str, take: Callable[[Sequence[Fact]], None]) -> None:
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
