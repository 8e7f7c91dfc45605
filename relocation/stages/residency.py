"""Which country holds what, of every category: from the ledger's runs alone, so that it answers while stores are down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from relocation.ports import Ledger
from relocation.rules.brief import read_brief
from relocation.rules.deadlines import Sight, day_ends, forecast
from relocation.rules.records import RunRecord, RunState
from relocation.rules.residency import Holding, as_known, wave_holds
from relocation.settings import Migration
from relocation.stages.shrink import selection_sha256

RUNS_MAX = 1000


async def holdings(settings: Migration, ledger: Ledger | None, today: date, runs_max: int = RUNS_MAX) -> tuple[Holding, ...]:
    """Return what the last `runs_max` runs of each category say; `ledger` None: nothing was begun yet."""
    found = []
    for name, category in settings.categories.items():
        runs = await ledger.list_runs(category=name, limit=runs_max) if ledger else ()
        waves = [wave.name for wave in category.all_waves()]
        selection = selection_sha256(settings, name)
        held = tuple(wave_holds(wave, runs, selection) for wave in waves)
        ends = day_ends(sights(runs, ZoneInfo(settings.timezone)), waves)
        found.append(
            Holding(
                category=name,
                source_country=settings.endpoints[category.moves[0].source.endpoint].country,
                target_country=settings.endpoints[category.moves[0].target.endpoint].country,
                residency=category.residency,
                owner=category.owner,
                deadline=category.deadline,
                waves=held,
                days=ends,
                told=as_known(forecast(ends, category.deadline, today), held),
            )
        )
    return tuple(found)


def sights(runs: Sequence[RunRecord], zone: ZoneInfo) -> Iterator[Sight]:
    """Yield what runs and verifications (the newest first) saw that came to an end, the oldest first."""
    for run in reversed(runs):
        brief = read_brief(run.summary) if run.state == RunState.DONE and run.kind != "plan" else None
        if brief is not None and not brief.looked_only_at:
            ended = datetime.fromisoformat(run.finished_at)
            day = (ended if ended.tzinfo else ended.replace(tzinfo=UTC)).astimezone(zone).date()
            yield Sight(run.wave, day, brief.there, brief.verified)
