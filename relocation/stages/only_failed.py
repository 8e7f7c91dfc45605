"""A run of just what failed in the last one: the same plan as ever, with only those rows, and it says so.

Guarantees: what is taken is what the last finished run of the wave recorded as failed, at its last stage; the rest of the wave is
neither planned nor judged. Refuses where there is no finished run, or where an unfinished one is waiting to be gone on with.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from relocation.rules.errors import Refusal
from relocation.rules.plan import Target
from relocation.rules.records import Fact, Outcome, RunRecord, RunState
from relocation.rules.verdict import ending
from relocation.stages.context import Context
from relocation.stages.draw import Drawn, Piece
from relocation.stages.plan import SealedPlan


async def last_run(context: Context, category: str, wave: str) -> RunRecord:
    """Return the newest run of the wave that came to its end. Raises Refusal where there is none."""
    for run in await context.ledger.list_runs(category=category, limit=1_000_000):
        if (run.wave, run.kind, run.state) == (wave, "run", RunState.DONE):
            return run
    raise Refusal(f"no run of {category}/{wave} has come to its end, so nothing failed in it; run without --only-failed")


async def failed_in(context: Context, run: RunRecord) -> frozenset[Target]:
    """Return the targets (bucket, key) that a run recorded as failed, a mismatch included."""
    facts: list[Fact] = []
    segments = await context.ledger.segments(run_id=run.id)
    for segment in sorted(segments, key=lambda each: ("copy", "verify").index(each.stage)):
        if segment.objects:
            facts += context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact)
    by_version = context.settings.category_named(run.category).policy.versions == "all"
    ends = ending(facts, by_version=by_version).facts.values()
    return frozenset((fact.target_bucket, fact.target_key) for fact in ends if fact.outcome == Outcome.FAILED)


def only(drawn: Drawn, targets: frozenset[Target]) -> Drawn:
    """Return a drawn plan with just the rows of these targets; nothing is removed by it."""
    return replace(drawn, pieces=_only(drawn.pieces, targets))


async def _only(pieces: AsyncGenerator[Piece, None], targets: frozenset[Target]) -> AsyncGenerator[Piece, None]:
    async for piece in pieces:
        rows = [row for row in piece.rows if (row.target_bucket, row.target_key) in targets]
        places = {(row.source_bucket, row.source_key) for row in rows}
        yield Piece(rows, (), [row for row in piece.source if (row.bucket, row.key) in places], piece.target)


def said_of(plan: SealedPlan) -> tuple[str, ...]:
    """Return what a report must say of a plan that is not of the whole wave."""
    if plan.changed:
        asked = f"this pass looked at nothing but {plan.looked_only_at}: what the feed left out is found by the next whole pass"
        return (f"{asked}; what nobody claims, unfinished uploads and former versions were not looked for",)
    if not plan.only_failed_of:
        return ()
    return (f"this run took only what failed in run {plan.only_failed_of}: the rest of the wave was neither planned nor verified",)
