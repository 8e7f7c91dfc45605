"""Whether ledger and vault are of one migration: asked once, when both are opened, before anything is written.

Refuses to begin afresh where a migration has been going on: without its intents, what we wrote would look like somebody else's.
"""

from __future__ import annotations

import re

from connectors.begins import failed_at_start
from relocation.ports import Ledger, Vault
from relocation.rules.amounts import amount
from relocation.rules.errors import StateMismatch

RUNS = "runs/"
"""Under which name in the vault every run keeps what it wrote down."""
RUNS_MAX = 1_000_000
NO_FACTS = re.compile(r"runs/[^/]+/(plan\.json|plan/.*|inventory-.*|report.*)")
"""What a dry run writes there. Whatever else there is counts as facts."""


async def belongs(ledger: Ledger | None, vault: Vault) -> None:
    """Refuse (`StateMismatch`) a ledger that knows of no run, or is not there, while the vault holds facts of this migration."""
    if ledger is not None and await _knows_a_run(ledger):
        return
    written = [name for name in await vault.list(RUNS) if not NO_FACTS.fullmatch(name)]
    if not written:
        return
    runs = sorted({name.removeprefix(RUNS).partition("/")[0] for name in written})
    raise StateMismatch(
        f"the ledger is empty, but the vault holds facts of {amount(len(runs), 'run')} of this migration "
        f"(the last: {written[-1]}): the ledger is gone, or `ledger` names another file. Put the ledger's backup back; to begin "
        "anew all the same, give the migration another name (`migration`), and what was copied before is proved, not overwritten"
    )


async def _knows_a_run(ledger: Ledger) -> bool:
    """Say whether any run is recorded that began: one that failed at its start is no proof that this is the migration's ledger."""
    newest = await ledger.list_runs(limit=1)
    if newest and failed_at_start(newest[0]):
        newest = await ledger.list_runs(limit=RUNS_MAX)
    return any(not failed_at_start(run) for run in newest)
