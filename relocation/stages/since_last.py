"""What changed at the source since the last sealed plan of the same wave: both inventories from the vault, in one pass.

Guarantees: memory does not grow with the inventories; two of the same bytes are not even read. Where the last plan can't be
compared, that is said in words; no plan fails for it.
"""

from __future__ import annotations

from dataclasses import replace

from relocation.ports import SortedRows
from relocation.rules.errors import NotFound
from relocation.rules.plan_diff import Changes, changes, in_order
from relocation.rules.records import InventoryRow, RunRecord
from relocation.rules.summary import SinceLast
from relocation.stages.context import Context
from relocation.stages.plan import SealedPlan, ShardFile, load_plan, sources_of

RUNS_MAX = 1000


async def since_last(context: Context, run: RunRecord, plan: SealedPlan) -> SinceLast | None:
    """Compare what a run listed with the last sealed plan of its wave; None where there is none."""
    for last in await context.ledger.list_runs(category=run.category, limit=RUNS_MAX):
        earlier = last.wave == run.wave and last.id != run.id and last.started_at <= run.started_at
        if not earlier or not last.document:
            continue
        told = SinceLast(last.id, last.started_at)
        try:
            before = await load_plan(context, last)
            if before.looked_only_at:
                continue
            if before.selection_sha256 not in {"", plan.selection_sha256}:
                return replace(told, why="moves, waves or policy.versions were changed since that plan")
            return replace(told, **(await _changes(context, sources_of(before), sources_of(plan)))._asdict())
        except NotFound:
            return replace(told, why="what that plan listed is no longer in the vault")
    return None


async def _changes(context: Context, before: list[ShardFile], after: list[ShardFile]) -> Changes:
    if [file.sha256 for file in before] == [file.sha256 for file in after]:
        return Changes()
    old, new = await _rows(context, before), await _rows(context, after)
    try:
        return changes(old, new)
    finally:
        old.close()
        new.close()


async def _rows(context: Context, files: list[ShardFile]) -> SortedRows[InventoryRow]:
    """Read files, held against the plan's hashes of them, and return their rows in order."""
    rows = context.scratch.rows(InventoryRow, in_order)
    for file in files:
        for batch in context.tables.batches(await context.vault.get(file.name, sha256=file.sha256), InventoryRow):
            rows.add(batch)
    return rows
