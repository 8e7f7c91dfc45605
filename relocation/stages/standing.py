"""What the facts of a category say of each place at the target: put in order on the scratch, folded one place after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from relocation.ports import SortedRows
from relocation.rules.merging import Place
from relocation.rules.plan import STAGES, fold
from relocation.rules.records import Fact
from relocation.stages.context import Context

RUNS_MAX = 1_000_000


async def facts_of(context: Context, category: str) -> list[Fact]:
    """Return every fact of a category so far, all at once, in the order of their runs and of the stages of each."""
    order = await _order_of(context, category)
    facts: list[Fact] = []
    await _each(context, category, facts.extend)
    return sorted(facts, key=order)


async def standing_facts(context: Context, category: str) -> Standing:
    """Gather every fact of a category so far: the sealed segments from the vault, and the tails of open shards."""
    order = await _order_of(context, category)
    rows = context.scratch.rows(Fact, lambda fact: (fact.target_bucket, fact.target_key, *order(fact)))
    await _each(context, category, rows.add)
    return Standing(rows)


class Standing:
    """The facts of a category, by place. Close it after use."""

    def __init__(self, rows: SortedRows[Fact]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Place, Fact]]:
        """Yield the standing fact of each place that has one, in order."""
        for place, facts in groupby(self._rows, key=lambda fact: (fact.target_bucket, fact.target_key)):
            standing: Fact | None = None
            for fact in facts:
                standing = fold(standing, fact)
            if standing is not None:
                yield place, standing

    def close(self) -> None:
        """Give the scratch back."""
        self._rows.close()


async def _order_of(context: Context, category: str) -> Callable[[Fact], tuple[str, int]]:
    """Return what puts facts of one place in order: by their runs, and the stages of each, whatever the clock said."""
    runs = reversed(await context.ledger.list_runs(category=category, limit=RUNS_MAX))
    order = {run.id: f"{number:09}" for number, run in enumerate(runs)}
    return lambda fact: (order.get(fact.run_id, ""), STAGES.index(fact.stage))


async def _each(context: Context, category: str, take: Callable[[Sequence[Fact]], None]) -> None:
    segments = await context.ledger.segments(category=category)
    for segment in sorted(segments, key=lambda segment: (segment.run_id, segment.stage, segment.shard)):
        if segment.objects:
            take(context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact))
    take(await context.ledger.open_tails(category))
