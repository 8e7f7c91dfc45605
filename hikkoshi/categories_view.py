"""How each category stands: at the source, moving, home, refused, and what was left day by day; as a table and as a document.

Guarantees: fits 80 columns; every figure of the document has the run and the time that it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from hikkoshi import deadlines_view
from relocation.rules.deadlines import DayEnd
from relocation.rules.records import Action, ShardTally
from relocation.rules.residency import Holding, Said, by_day
from relocation.rules.summary import Count

if TYPE_CHECKING:
    from rich.table import Table

    from connectors.ledger.store import SqlLedger
    from hikkoshi.shell import Json
    from relocation.settings import Migration

DAYS = 30
DAYS_DRAWN = 14
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Stands:
    """One category: what its runs say, and what the run under way has not sealed yet."""

    holding: Holding
    moving: Count


async def stands(settings: Migration, today: date, runs_max: int) -> Mapping[str, Stands]:
    """Return how each category stands. Asks the ledger alone, for counts: shards and runs, never objects."""
    from connectors.assemble import ledger_alone
    from relocation.stages.residency import holdings

    async with ledger_alone(settings) as ledger:
        moving = await _moving(ledger) if ledger else {}
        held = await holdings(settings, ledger, today, runs_max)
    return {each.category: Stands(each, moving.get(each.category, Count())) for each in held}


async def _moving(ledger: SqlLedger) -> dict[str, Count]:
    """Return what of the shards of the runs under way is not sealed, by category."""
    sums: dict[str, Count] = {}
    for held in await ledger.held_waves():
        run = await ledger.get_run(held.run_id)
        tallies: Sequence[ShardTally] = await ledger.shard_tallies(held.run_id, run.stage) if run else ()
        open_ = sum((Count(each.objects, each.bytes) for each in tallies if each.state != "sealed"), Count())
        sums[held.category] = sums.get(held.category, Count()) + open_
    return sums


def document(each: Stands, today: date) -> Json:
    """Return one category as `status --json` shows it."""
    from connectors.report.remains import history_document

    holding = each.holding
    return {
        **deadlines_view.fields(holding.category, holding.told),
        "deadline": holding.deadline.isoformat(),
        "there": _count(holding.there),
        "moving": _count(each.moving),
        "home": _count(holding.home),
        "refused": _count(holding.trouble(Action.REFUSE)),
        "history": history_document(holding),
        "waves": [
            {"wave": wave.wave, "there": _count(wave.there), "left": _count(wave.left), "home": _count(wave.home)}
            | {"listed_by": _said(wave.listed_by), "proved_by": _said(wave.proved_by)}
            for wave in holding.waves
        ],
        "by_day": [
            {"day": day.day.isoformat(), "left": _count(day.left), "home": _count(day.home), "waves_not_seen": list(day.unseen)}
            for day in by_day(holding.days, today, DAYS)
        ],
    }


def table(told: Sequence[Stands], today: date) -> Table:
    """Return the categories as a table."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim", pad_edge=False)
    drawn.add_column("category", overflow="fold")
    for head in ("at the source", "moving", "home", "refused"):
        drawn.add_column(head, justify="right", no_wrap=True)
    drawn.add_column(f"left, {DAYS_DRAWN} days", no_wrap=True)
    for each in told:
        holding, refused = each.holding, each.holding.trouble(Action.REFUSE).objects
        listed = any(wave.listed_by for wave in holding.waves)
        drawn.add_row(
            holding.category,
            f"{holding.there.objects:,}" if listed else "not listed",
            _figure(each.moving.objects),
            _figure(holding.home.objects),
            Text(_figure(refused), "yellow" if refused else "dim"),
            Text(sparkline(by_day(holding.days, today, DAYS_DRAWN)), "cyan"),
        )
    return drawn


def sparkline(days: Sequence[DayEnd]) -> str:
    """Return what was left at the end of each day as bars; the highest is the most, a dot is nothing left."""
    most = max((day.left.objects for day in days), default=0)
    return "".join(BARS[(day.left.objects * len(BARS) - 1) // most] if day.left.objects else "·" for day in days)


def _figure(objects: int) -> str:
    return f"{objects:,}" if objects else "–"


def _count(count: Count) -> Json:
    return {"objects": count.objects, "bytes": count.bytes}


def _said(said: Said | None) -> Json:
    return {"run": said.run, "kind": said.kind, "at": said.at} if said else None
