"""What the residency report is made from, for both front doors: the ledger's runs as they stand now. No store is asked."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.assemble import ledger_alone
from connectors.report.residency import State
from relocation.settings import Migration
from relocation.stages.residency import holdings


async def state_of(settings: Migration) -> State:
    """Return how all categories stand."""
    now = datetime.now(ZoneInfo(settings.timezone))
    async with ledger_alone(settings) as ledger:
        held = await holdings(settings, ledger, now.date())
    return State(settings.migration, settings.timezone, settings.config_sha256(), now, now.date(), held)
