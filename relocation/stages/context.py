"""What every stage is handed: the configuration and the outside, already built by a front door."""

from __future__ import annotations

from dataclasses import dataclass

from relocation.ports import Buckets, Clock, Fences, Ledger, Progress, Reports, Scratch, Stores, Tables, Vault
from relocation.settings import Migration, Prices
from relocation.transfer.budget import Budget
from relocation.transfer.retry import Patience, Tries

GONE_S = 5.0
"""How long a stage waits for an endpoint that does not answer while nothing is under way yet that would be lost."""


@dataclass(frozen=True, slots=True)
class Context:
    """One migration with its connectors.

    `budget` is shared by every lane of the process. `who` and `host` are recorded with every run, `version` is the program's,
    `rules_sha256` that of the rules which decide: it is sealed into every plan.
    """

    settings: Migration
    stores: Stores
    ledger: Ledger
    vault: Vault
    tables: Tables
    scratch: Scratch
    reports: Reports
    prices: Prices
    progress: Progress
    clock: Clock
    budget: Budget
    who: str
    host: str
    version: str
    rules_sha256: str
    buckets: Buckets | None = None
    """Who reads how buckets are set up; None: nobody, and no report speaks of it."""
    fences: Fences | None = None
    """Who raises write fences at sources; None: nobody."""

    def tries(self) -> Tries:
        """Return the attempts of one question to a store that is no object's copy: a page of a listing, a bucket's settings."""
        return Tries(Patience(self.settings.transfer.attempts_max, unreachable_s=GONE_S), self.clock)
