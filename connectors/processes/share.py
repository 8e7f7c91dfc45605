"""How many processes, and what each of them may take. Pure but for asking how many cores there are."""

from __future__ import annotations

import os

from relocation.settings import Migration
from relocation.settings.values import MIB

CORES_A_PROCESS = 4
"""One process keeps about one core busy; the servers' own work, and the kernel's, need the others."""
BUDGET_BYTES_MIN = 32 * MIB
"""Two parts of 16 MiB: one being read while the other is written."""


def count_of(settings: Migration, *, cores: int = 0) -> int:
    """Return how many processes work a stage: what was configured, or one for every four cores, at least one."""
    configured = settings.transfer.processes
    if configured != "auto":
        return configured
    return max(1, (cores or len(os.sched_getaffinity(0))) // CORES_A_PROCESS)


def share_of(settings: Migration, count: int) -> Migration:
    """Return the configuration of one of `count` processes: memory and requests at once are divided, all else is the same."""
    if count == 1:
        return settings
    limits = settings.transfer
    share = {
        "budget_bytes": min(limits.budget_bytes, max(limits.budget_bytes // count, BUDGET_BYTES_MIN)),
        "concurrency": max(limits.concurrency // count, 1),
    }
    return settings.model_copy(update={"transfer": limits.model_copy(update=share)})
