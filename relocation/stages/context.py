"""What every stage is handed: the configuration and the outside, already built by a front door."""

from __future__ import annotations

from dataclasses import dataclass

from relocation.ports import Clock, Ledger, Progress, Stores, Tables, Vault
from relocation.settings import Migration


@dataclass(frozen=True, slots=True)
class Context:
    """One migration with its connectors. `who` and `host` are recorded with every run, `version` is the program's."""

    settings: Migration
    stores: Stores
    ledger: Ledger
    vault: Vault
    tables: Tables
    progress: Progress
    clock: Clock
    who: str
    host: str
    version: str
