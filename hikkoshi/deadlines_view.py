"""Whether each category makes its deadline, from what the ledger has of its runs: as a document, and as a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from hikkoshi.pace import size
from relocation.rules.amounts import amount
from relocation.rules.deadlines import Chance, Forecast

if TYPE_CHECKING:
    from hikkoshi.shell import Json
    from relocation.settings import Migration

SAYS = {
    Chance.NO_PACE: "a pace shows from tomorrow on",
    Chance.STANDS_STILL: "it does not get less",
    Chance.PASSED: "the deadline is over",
    Chance.GROWN: "they came after all of it was home",
    Chance.NOTHING: "the source shows nothing of it: look at bucket and prefix",
    Chance.CHANGED: "its moves or waves were changed since it was listed, so these figures are not sure: catch up or run it again",
    Chance.HISTORY: "its latest versions are home; former ones, or delete markers, stay at the source (policy.versions)",
    Chance.NOT_COUNTED: "its latest versions are home; whether former ones stay at the source nobody has counted: plan it again",
}


async def forecasts(settings: Migration, today: date, runs_max: int) -> Mapping[str, Forecast]:
    """Return what the last `runs_max` runs of each category come to. Asks the ledger alone."""
    from connectors.assemble import ledger_alone
    from relocation.stages.residency import holdings

    async with ledger_alone(settings) as ledger:
        return {each.category: each.told for each in await holdings(settings, ledger, today, runs_max)}


def fields(category: str, told: Forecast) -> dict[str, Json]:
    """Return what `status --json` shows of a category's deadline."""
    return {
        "category": category,
        "chance": told.chance.value,
        "left": {"objects": told.left.objects, "bytes": told.left.bytes},
        "per_day": {"objects": told.per_day.objects, "bytes": told.per_day.bytes},
        "home_by": told.home_by.isoformat() if told.home_by else None,
        "slack_days": told.slack_days,
        "waves_not_seen": list(told.unseen),
    }


def sentence(category: str, told: Forecast) -> str:
    """Return how much of a category is left, and whether it makes its deadline."""
    if not told.left.objects:
        return f"{category}: {_says(told)}"
    are = "is" if told.left.objects == 1 else "are"
    return f"{category}: {amount(told.left.objects, 'object')} ({size(told.left.bytes)}) {are} not home; {_says(told)}"


def _says(told: Forecast) -> str:
    if told.chance not in SAYS and told.home_by is not None and told.slack_days is not None:
        days = abs(told.slack_days)
        when = f"{amount(days, 'day')} {'before' if told.slack_days > 0 else 'AFTER'} it" if days else "the last one"
        return f"at {told.per_day.objects:,} a day they are by {told.home_by}, {when}"
    if told.chance is Chance.UNKNOWN and told.unseen:
        return f"nobody has listed {', '.join(told.unseen)} yet, so the day is unknown"
    return SAYS.get(told.chance, "the day is unknown")
