"""What was to begin and could not: recorded in the ledger, so that a status can say why, though no wave was ever taken.

Guarantees: what is recorded here is `failed` and has no stage: nobody goes on with it, and it never counts as a run that began.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from relocation.ports import Clock, Ledger
from relocation.rules.errors import HikkoshiError
from relocation.rules.records import RunRecord, RunState


@dataclass(frozen=True, slots=True)
class Begins:
    """What is about to begin: `kind` is `plan`, `run` or `verify`."""

    kind: str
    category: str
    waves: tuple[str, ...]


def failed_at_start(run: RunRecord) -> bool:
    """Say whether a run ended before it began."""
    return run.state == RunState.FAILED and not run.stage


async def record_failure(ledger: Ledger, begins: Begins, error: HikkoshiError, *, clock: Clock, who: str, host: str) -> None:
    """Record for each wave that it could not begin, and why."""
    now = datetime.fromtimestamp(clock.now(), UTC)
    for wave in begins.waves:
        await ledger.record_dry_run(
            RunRecord(
                id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
                category=begins.category,
                wave=wave,
                kind=begins.kind,
                state=RunState.FAILED,
                started_at=now.isoformat(timespec="seconds"),
                finished_at=now.isoformat(timespec="seconds"),
                who=who,
                host=host,
                message=str(error),
            )
        )
