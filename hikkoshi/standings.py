"""How every wave stands by the ledger: its last run that looked at all of it, and what looked at a part of it since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from relocation.rules.brief import Brief, read_brief
from relocation.rules.records import RunRecord, RunState

if TYPE_CHECKING:
    from connectors.ledger.leases import Held
    from relocation.settings import Migration

RUNS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """One wave: its last run, what that came to, and who is running it now."""

    category: str
    wave: str
    deadline: date
    last: RunRecord | None
    brief: Brief | None
    held: Held | None
    failed: RunRecord | None = None
    """The newest attempt, where it could not begin, or, as a dry run, not end."""
    parts: tuple[RunRecord, ...] = ()
    """Runs since `last` that looked at a part of the wave alone, and do not stand for it: the newest, and the newest with something
    to see to."""


async def standings(settings: Migration) -> list[Standing]:
    """Return every wave of every category, in file order."""
    from connectors.assemble import ledger_alone

    found = []
    async with ledger_alone(settings) as ledger:
        held = {(each.category, each.wave): each for each in await ledger.held_waves()} if ledger else {}
        for name, category in settings.categories.items():
            runs = await ledger.list_runs(category=name, limit=RUNS_MAX) if ledger else ()
            for wave in category.all_waves():
                of_wave = [run for run in runs if run.wave == wave.name]
                found.append(standing_of((name, wave.name, category.deadline), of_wave, held.get((name, wave.name))))
    return found


def standing_of(wave: tuple[str, str, date], runs: Sequence[RunRecord], held: Held | None) -> Standing:
    """Return how a wave (category, name, deadline) stands by its runs, the newest first."""
    begun = [run for run in runs if run.state != RunState.FAILED]
    last = last_of(begun)
    parts = [run for run in (begun[: begun.index(last)] if last else begun) if _is_part(run)]
    troubled = [run for run in parts if (brief := brief_of_run(run)) and brief.attention]
    return Standing(
        *wave,
        last,
        brief_of_run(last),
        held,
        failed=runs[0] if runs and runs[0].state == RunState.FAILED else None,
        parts=tuple(dict.fromkeys((*parts[:1], *troubled[:1]))),
    )


def last_of(runs: Sequence[RunRecord]) -> RunRecord | None:
    """Return the newest run or verification of the whole wave; where there is none, the newest dry run."""
    whole = [run for run in runs if not _is_part(run)]
    return next((run for run in whole if run.kind != "plan"), whole[0] if whole else None)


def _is_part(run: RunRecord) -> bool:
    """Tell whether a run that ended saw no more of its wave than what failed before, or than a feed of changes names."""
    brief = brief_of_run(run) if run.state == RunState.DONE else None
    return brief is not None and bool(brief.looked_only_at)


def brief_of_run(run: RunRecord | None) -> Brief | None:
    """Return the short form of what a run came to; None where it came to nothing yet."""
    return read_brief(run.summary) if run else None
