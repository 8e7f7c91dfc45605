"""A run read back from the vault, shard by shard, with what the target's listing shows afterwards: what a summary is made from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from relocation.ports import SortedRows
from relocation.rules.merging import Place, Stream, in_blocks
from relocation.rules.plan import REMOVES, STAGES, Known, Target, known
from relocation.rules.records import Fact, InventoryRow, PlanRow, RunRecord, Segment
from relocation.rules.tally import Part
from relocation.settings import Category, Wave
from relocation.stages.asked import inventory_row, listed_as
from relocation.stages.context import Context
from relocation.stages.inventory import WaveOf, inventory
from relocation.stages.plan import SealedPlan, rows_of
from relocation.stages.standing import Standing, standing_facts
from relocation.stages.versions import listed_versions
from relocation.transfer.crew import work_all

Parts = AsyncGenerator[Part, None]

LISTED_ROWS = 20_000


async def parts_of(context: Context, run: RunRecord, plan: SealedPlan) -> Parts:
    """Yield every shard of a plan with the run's sealed facts about it, then what is left over, with what became of it."""
    segments = sorted(await context.ledger.segments(run_id=run.id), key=lambda each: STAGES.index(each.stage))
    for number, shard in enumerate(plan.shards):
        mine = [segment for segment in segments if segment.shard == number and segment.stage != REMOVES]
        yield Part(await rows_of(context, shard), facts=await _facts(context, mine))
    for number, file in enumerate(plan.left_over):
        mine = [segment for segment in segments if segment.shard == number and segment.stage == REMOVES]
        yield Part(left_over=await rows_of(context, file), removals=await _facts(context, mine))


async def _facts(context: Context, segments: Sequence[Segment]) -> list[Fact]:
    facts: list[Fact] = []
    for segment in segments:
        if segment.objects:
            facts += context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact)
    return facts


async def whole(parts: Parts) -> Part:
    """Return all parts as one: a key's versions may stand in no other order, and are judged together."""
    rows: list[PlanRow] = []
    left_over: list[PlanRow] = []
    facts: list[Fact] = []
    removals: list[Fact] = []
    async for part in parts:
        rows += part.rows
        left_over += part.left_over
        facts += part.facts
        removals += part.removals
    return Part(rows, left_over, sorted(facts, key=lambda fact: STAGES.index(fact.stage)), removals)


async def with_versions_listed(context: Context, run: RunRecord, wave: Wave | None, parts: Parts) -> Parts:
    """Yield a whole run; with `wave`, with the target's versions as they are listed now."""
    if wave is None:
        yield await whole(parts)
        return
    target, standing = await listed_versions(context, run.category, wave)
    yield replace(await whole(parts), listed=target, standing_versions=standing)


async def with_target_listed(
    context: Context, run: RunRecord, wave: Wave, parts: Parts, *, plan: SealedPlan | None = None
) -> Parts:
    """Yield a run's parts, which are in the order of their places, with what the target's listing shows now between them.

    With `plan` nothing but the places of its rows is asked for.
    """
    category = context.settings.category_named(run.category)
    rows = (await inventory(context, category, "target")).rows if plan is None else await _asked(context, category, plan)
    target = _Target(context, run.category, wave, rows)
    try:
        async with aclosing(parts):
            async for part in parts:
                if part.rows:
                    last = part.rows[-1]
                    part = await target.held_against(part, target.upto((last.target_bucket, last.target_key)))  # noqa: PLW2901
                yield part
        yield await target.held_against(Part(), target.rest())
        while rest := target.rest():
            yield await target.held_against(Part(), rest)
    finally:
        target.close()


async def _asked(context: Context, category: Category, plan: SealedPlan) -> SortedRows[InventoryRow]:
    """Return what the target's listing shows now of the places of a plan's rows."""
    rows = context.scratch.rows(InventoryRow, _place)

    async def every() -> AsyncIterator[PlanRow]:
        for file in (*plan.shards, *plan.left_over):
            for row in await rows_of(context, file):
                yield row

    async def ask(row: PlanRow) -> None:
        side = category.moves[row.move].target
        found = await listed_as(context, context.stores.of(side.endpoint, "reader"), side, row.target_key)
        if found is not None:
            rows.add([inventory_row(row.move, side.bucket, found)])

    await work_all(every(), ask, size=context.settings.transfer.concurrency)
    return rows


class _Target:
    """The target as it is listed now, handed out in order, with what all facts say of what this run's do not."""

    def __init__(self, context: Context, category_name: str, wave: Wave, rows: SortedRows[InventoryRow]) -> None:
        category = context.settings.category_named(category_name)
        self._context = context
        self._category_name = category_name
        self._by_key = category.partition().by_key
        self._of_wave = WaveOf(category, wave)
        self._rows = rows
        said = "the listing of the target's bucket"
        self._listed = Stream(in_blocks(rows.blocks(), _place, lambda row: f"{said} {row.bucket}"))
        self._standing: Standing | None = None
        self._facts: Iterator[tuple[Place, Fact]] = iter(())
        self._fact: tuple[Place, Fact] | None = None

    def upto(self, place: Target) -> list[InventoryRow]:
        """Return what is listed up to a place, itself included, and was not handed out yet."""
        found: list[InventoryRow] = []
        while self._listed.more() and self._listed.places[0] <= place:
            found += self._listed.upto(place)[1]
        return found

    def rest(self) -> list[InventoryRow]:
        """Return some of what is left."""
        found: list[InventoryRow] = []
        while self._listed.more() and len(found) < LISTED_ROWS:
            found += self._listed.upto(self._listed.places[-1])[1]
        return found

    async def held_against(self, part: Part, listed: Sequence[InventoryRow]) -> Part:
        """Return the part with those of the listed objects that are the wave's."""
        planned = {(row.target_bucket, row.target_key) for row in part.rows}
        said = {(fact.target_bucket, fact.target_key, fact.target_etag) for fact in part.facts}
        unsaid = [row for row in listed if (row.bucket, row.key, row.etag) not in said]
        if self._by_key:
            unsaid = [row for row in unsaid if _place(row) in planned or self._of_wave.has_at_target(row, None, None)]
        earlier = await self._said_of(unsaid)
        mine = [row for row in listed if _place(row) in planned or self._of_wave.has_at_target(row, None, earlier.get(_place(row)))]
        facts = known(part.facts, ()).facts if part.facts else {}
        return replace(part, listed=mine, standing=Known({**facts, **earlier}, {}))

    async def _said_of(self, rows: Sequence[InventoryRow]) -> dict[Target, Fact]:
        """Return what all facts of the category say of these places, which come in order from one call to the next."""
        if rows and self._standing is None:
            self._standing = await standing_facts(self._context, self._category_name)
            self._facts = iter(self._standing)
            self._fact = next(self._facts, None)
        found: dict[Target, Fact] = {}
        for row in rows:
            place = _place(row)
            while self._fact is not None and self._fact[0] < place:
                self._fact = next(self._facts, None)
            if self._fact is not None and self._fact[0] == place:
                found[place] = self._fact[1]
        return found

    def close(self) -> None:
        """Give the scratch back."""
        self._rows.close()
        if self._standing is not None:
            self._standing.close()


def _place(row: InventoryRow) -> Target:
    return (row.bucket, row.key)
