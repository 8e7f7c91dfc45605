"""Hold what the source shows of a wave against what it showed to the wave's last sealed plan, or of all waves to the category's.

Guarantees: nothing is planned from a source that shrank by more than `policy.shrink_max`. Where waves were changed since, the
measure is what of the wave's last plan is its own still, and all that the source shows of the category is held against its last
whole listing, which no share changes. Where the moves' sources were changed as well there is none.
"""

from __future__ import annotations

from relocation.rules.errors import NotFound
from relocation.rules.evidence import sha256_of
from relocation.rules.records import InventoryRow, RunRecord
from relocation.rules.shrink import Shown, refuse_shrink
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.draw import Drawn
from relocation.stages.inventory import WaveOf
from relocation.stages.plan import SealedPlan, load_plan, sources_of
from relocation.stages.shards import timestamp
from relocation.stages.standing import RUNS_MAX


def selection_sha256(settings: Migration, category_name: str) -> str:
    """Return a hash over what decides which objects a wave of the category holds: its moves' sources and all of its waves."""
    waves = {selector.name: selector.that_decides() for selector in settings.category_named(category_name).selectors()}
    return sha256_of({**_sources(settings, category_name), "waves": waves})


def sources_sha256(settings: Migration, category_name: str) -> str:
    """Return a hash over what decides which objects all waves of the category hold together."""
    return sha256_of(_sources(settings, category_name))


def _sources(settings: Migration, category_name: str) -> dict[str, object]:
    category = settings.category_named(category_name)
    sources = [move.source.model_dump(mode="json") for move in category.moves]
    return {"sources": sources, "versions": category.policy.versions}


async def refuse_if_shrunk(context: Context, run: RunRecord, drawn: Drawn) -> None:
    """Refuse to plan where the source shows so few objects of the run's wave that something must be wrong with it."""
    settings = context.settings
    bound = settings.category_named(run.category).policy.shrink_max
    sources, at = sources_sha256(settings, run.category), timestamp(context)
    last = await _last_plan(context, run, wave=run.wave)
    if last is not None and last[1].selection_sha256 in {"", selection_sha256(settings, run.category)}:
        before = last[1].source_objects
    else:
        whole = await _last_plan(context, run)
        if whole is not None and whole[1].sources_sha256 == sources:
            shown = Shown(whole[1].category_objects, whole[0].started_at, whole[0].id)
            name = f"{run.category}, all waves together"
            refuse_shrink(name, shown, Shown(drawn.category_objects, at), shrink_max_ppm=bound)
        if last is None or last[1].sources_sha256 != sources:
            return
        before = await _still_in(context, run, last[1])
    shown = Shown(before, last[0].started_at, last[0].id)
    refuse_shrink(f"{run.category}/{run.wave}", shown, Shown(drawn.source_objects, at), shrink_max_ppm=bound)


async def _still_in(context: Context, run: RunRecord, plan: SealedPlan) -> int:
    """Return how many of the objects that a plan listed are the run's wave's still, by the waves of now; 0 where that is gone."""
    of_wave = WaveOf(context.settings.category_named(run.category), context.settings.waves_of(run.category, run.wave)[0])
    objects = 0
    try:
        for file in sources_of(plan):
            for batch in context.tables.batches(await context.vault.get(file.name, sha256=file.sha256), InventoryRow):
                objects += sum(map(of_wave.has, batch))
    except NotFound:
        return 0
    return objects


async def _last_plan(context: Context, run: RunRecord, *, wave: str = "") -> tuple[RunRecord, SealedPlan] | None:
    """Return the newest sealed plan of the whole wave (empty: of any whole wave of the category), and its run."""
    for each in await context.ledger.list_runs(category=run.category, limit=RUNS_MAX):
        if wave in {"", each.wave} and each.document and each.id != run.id:
            plan = await load_plan(context, each)
            if not plan.looked_only_at:
                return each, plan
    return None
