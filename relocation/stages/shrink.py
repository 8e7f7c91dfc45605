"""Hold what the source shows of a wave against what it showed to the wave's last sealed plan.

Guarantees: nothing is planned from a source that shrank by more than `policy.shrink_max`. A plan of another selection (moves or
waves were changed since) is no measure, nor is one of a part of the wave alone.
"""

from __future__ import annotations

from relocation.rules.evidence import sha256_of
from relocation.rules.records import RunRecord
from relocation.rules.shrink import Shown, refuse_shrink
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.plan import SealedPlan, load_plan
from relocation.stages.shards import timestamp
from relocation.stages.standing import RUNS_MAX


def selection_sha256(settings: Migration, category_name: str) -> str:
    """Return a hash over what decides which objects a wave of the category holds: its moves' sources and all of its waves."""
    category = settings.category_named(category_name)
    sources = [move.source.model_dump(mode="json") for move in category.moves]
    waves = {selector.name: selector.that_decides() for selector in category.selectors()}
    return sha256_of({"sources": sources, "waves": waves, "versions": category.policy.versions})


async def refuse_if_shrunk(context: Context, run: RunRecord, objects: int) -> None:
    """Refuse to plan where the source shows so few objects of the run's wave that something must be wrong with it."""
    last = await _last_plan(context, run)
    if last is None or last[1].selection_sha256 not in {"", selection_sha256(context.settings, run.category)}:
        return
    before = Shown(last[1].source_objects, last[0].started_at, last[0].id)
    bound = context.settings.category_named(run.category).policy.shrink_max
    refuse_shrink(f"{run.category}/{run.wave}", before, Shown(objects, timestamp(context)), shrink_max_ppm=bound)


async def _last_plan(context: Context, run: RunRecord) -> tuple[RunRecord, SealedPlan] | None:
    """Return the newest sealed plan of the whole wave, and its run."""
    for each in await context.ledger.list_runs(category=run.category, limit=RUNS_MAX):
        if each.wave == run.wave and each.document and each.id != run.id:
            plan = await load_plan(context, each)
            if not plan.looked_only_at:
                return each, plan
    return None
