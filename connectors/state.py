"""Whether ledger and vault are of one migration: asked once, when both are opened, before anything is written.

Refuses to begin afresh where a migration has been going on: without its intents, what we wrote would look like somebody else's.
"""

from __future__ import annotations

import re

from relocation.ports import Ledger, Vault
from relocation.rules.errors import StateMismatch

RUNS = "runs/"
"""Under which name in the vault every run keeps what it wrote down."""
NO_FACTS = re.compile(r"runs/[^/]+/(plan\.json|plan/.*|inventory-.*|report.*)")
"""What a dry run writes there. Whatever else there is counts as facts."""


async def belongs(ledger: Ledger | None, vault: Vault) -> None:
    """Refuse (`StateMismatch`) a ledger that knows of no run, or is not there, while the vault holds facts of this migration."""
    if ledger is not None and await ledger.list_runs(limit=1):
        return
    written = [name for name in await vault.list(RUNS) if not NO_FACTS.fullmatch(name)]
    if not written:
        return
    runs = sorted({name.removeprefix(RUNS).partition("/")[0] for name in written})
    raise StateMismatch(
        f"the ledger is empty, but the vault holds facts of {len(runs)} runs of this migration "
        f"(the last: {written[-1]}): the ledger is gone, or `ledger` names another file. Put the ledger's backup back; to begin "
        "anew all the same, give the migration another name (`migration`), and what was copied before is proved, not overwritten"
    )
