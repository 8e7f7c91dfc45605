"""A run read back from the vault, shard by shard, with what the target's listing shows afterwards: what a summary is made from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Generic

from relocation.ports import SortedRows
from relocation.rules.merging import Block, Said, Stream, in_blocks
from relocation.rules.plan import REMOVES, STAGES, Known, Target, known
from relocation.rules.records import Fact, InventoryRow, PlanRow, RunRecord, Segment
from relocation.rules.tally import Part
from relocation.rules.versions import THERE, VersionFacts, Versions, standing_versions, version_of
from relocation.settings import Category, Wave
from relocation.stages.asked import inventory_row, listed_as
from relocation.stages.context import Context
from relocation.stages.inventory import WaveOf, inventory
from relocation.stages.list_versions import list_histories
from relocation.stages.plan import SealedPlan, rows_of
from relocation.stages.standing import Asked, standing_facts, standing_histories
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


async def with_versions_listed(context: Context, run: RunRecord, wave: Wave, parts: Parts) -> Parts:
    """Yield a run's parts, which are in the order of their keys, with the target's versions as they are listed now between them."""
    category = context.settings.category_named(run.category)
    with closing(await list_histories(context, category, "target")) as histories:
        said = Asked(partial(standing_histories, context, run.category))
        async for part in _between(_Versions(category, wave, map(_flat, histories.blocks()), said), parts):
            yield part


def _flat(block: Block[Versions]) -> Block[InventoryRow]:
    """Return the versions of some keys, each with its place."""
    rows = list(chain.from_iterable(block[1]))
    return list(map(_place, rows)), rows


async def with_target_listed(
    context: Context, run: RunRecord, wave: Wave, parts: Parts, *, plan: SealedPlan | None = None
) -> Parts:
    """Yield a run's parts, which are in the order of their places, with what the target's listing shows now between them.

    With `plan` nothing but the places of its rows is asked for.
    """
    category = context.settings.category_named(run.category)
    rows = (await inventory(context, category, "target")).rows if plan is None else await _asked(context, category, plan)
    with closing(rows):
        blocks = in_blocks(rows.blocks(), _place, lambda row: f"the listing of the target's bucket {row.bucket}")
        said = Asked(partial(standing_facts, context, run.category))
        async for part in _between(_Objects(category, wave, blocks, said), parts):
            yield part


async def _between(target: _Target[Said], parts: Parts) -> Parts:
    """Yield parts with what the target shows of their places, and then the rest of it."""
    with closing(target):
        async with aclosing(parts):
            async for part in parts:
                if part.rows:
                    last = part.rows[-1]
                    part = await target.held_against(part, target.upto((last.target_bucket, last.target_key)))  # noqa: PLW2901
                yield part
        yield await target.held_against(Part(), target.rest())
        while rest := target.rest():
            yield await target.held_against(Part(), rest)


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


class _Target(ABC, Generic[Said]):
    """The target as it is listed now, handed out in order, with what all facts say of what this run's do not."""

    def __init__(self, category: Category, wave: Wave, listed: Iterator[Block[InventoryRow]], said: Asked[Said]) -> None:
        """`listed` never parts the versions of a key."""
        self._by_key = category.partition().by_key
        self._of_wave = WaveOf(category, wave)
        self._listed = Stream(listed)
        self._said = said

    @abstractmethod
    async def held_against(self, part: Part, listed: Sequence[InventoryRow]) -> Part:
        """Return the part with those of the listed objects that are the wave's."""

    def upto(self, place: Target) -> list[InventoryRow]:
        """Return what is listed up to a place, itself included, and was not handed out yet."""
        found: list[InventoryRow] = []
        while self._listed.more() and self._listed.places[0] <= place:
            found += self._at_hand(place)
        return found

    def rest(self) -> list[InventoryRow]:
        """Return some of what is left."""
        found: list[InventoryRow] = []
        while self._listed.more() and len(found) < LISTED_ROWS:
            found += self._at_hand(self._listed.places[-1])
        return found

    def _at_hand(self, place: Target) -> Sequence[InventoryRow]:
        """Return what is at hand up to a place; where keys alone tell the waves apart, nothing of others."""
        rows = self._listed.upto(place)[1]
        if not self._by_key or self._of_wave.is_whole:
            return rows
        return [row for row in rows if self._of_wave.has_at_target(row, None, None)]

    def close(self) -> None:
        """Give the scratch back."""
        self._said.close()


class _Objects(_Target[Fact]):
    """The target's objects."""

    async def held_against(self, part: Part, listed: Sequence[InventoryRow]) -> Part:
        said = {(fact.target_bucket, fact.target_key, fact.target_etag) for fact in part.facts}
        earlier = await self._said.about(_place(row) for row in listed if (row.bucket, row.key, row.etag) not in said)
        if not self._by_key:
            planned = {(row.target_bucket, row.target_key) for row in part.rows}
            listed = [
                row for row in listed if _place(row) in planned or self._of_wave.has_at_target(row, None, earlier.get(_place(row)))
            ]
        facts = known(part.facts, ()).facts if part.facts else {}
        return replace(part, listed=listed, standing=Known({**facts, **earlier}, {}))


class _Versions(_Target[VersionFacts]):
    """The target's versions and delete markers. Waves are by keys alone here: nothing of another one comes by."""

    async def held_against(self, part: Part, listed: Sequence[InventoryRow]) -> Part:
        facts = standing_versions(part.facts)
        earlier = await self._said.about(_place(row) for row in listed if not _stands(row, facts.get(version_of(row))))
        for of_key in earlier.values():
            facts |= of_key
        return replace(part, listed=listed, standing_versions=facts)


def _stands(row: InventoryRow, fact: Fact | None) -> bool:
    return fact is not None and fact.outcome in THERE and fact.target_etag == row.etag


def _place(row: InventoryRow) -> Target:
    return (row.bucket, row.key)
