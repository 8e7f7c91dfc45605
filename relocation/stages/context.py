"""What every stage is handed: the configuration and the outside, already built by a front door."""

from __future__ import annotations

from dataclasses import dataclass

from relocation.ports import Buckets, Clock, Fences, Ledger, Progress, Reports, Scratch, Stores, Tables, Vault
from relocation.settings import Migration, Prices
from relocation.transfer.budget import Budget


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
