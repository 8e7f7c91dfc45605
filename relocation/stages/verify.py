"""Read every object back and hash it again: `open_verify`, as many lanes as there are, `seal_verify`.

Within a run it takes what the copy stage recorded as what must be there; alone it takes the standing facts, and proves what
somebody else copied by reading both sides. It never writes to source or target.
"""

from __future__ import annotations

from dataclasses import replace

from relocation.rules.errors import Forbidden, StateMismatch
from relocation.rules.plan import Target
from relocation.rules.records import Action, Fact, Intent, Outcome, PlanRow, RunRecord
from relocation.rules.seen import seen
from relocation.rules.verdict import WORKED
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.copy import hands_of
from relocation.stages.plan import load_plan
from relocation.stages.shards import CarryOut, Job, Shard, stage_segments, work_shards
from relocation.transfer.endings import ended, settled
from relocation.transfer.hands import Hands
from relocation.transfer.prove import found_at_target, prove
from relocation.transfer.read_back import Expected, read_back
from relocation.transfer.retry import Tries

STAGE = "verify"


async def open_verify(context: Context, run: RunRecord) -> int:
    """Record the shards of the verification; return how many there are. Waits `settle_s` for stores that need it."""
    plan = await load_plan(context, run)
    if context.settings.transfer.settle_s:
        await context.clock.sleep(context.settings.transfer.settle_s)
    await context.ledger.add_shards(run.id, STAGE, [(shard.objects, shard.bytes) for shard in plan.shards])
    return len(plan.shards)


async def verify_lane(context: Context, run_id: str) -> int:
    """Verify shards until none is left; return how many this lane sealed."""
    run = await context.ledger.get_run(run_id)
    if run is None:
        raise StateMismatch(f"no run {run_id} in this ledger; start one with `hikkoshi verify`")
    plan = await load_plan(context, run)
    category = context.settings.category_named(run.category)
    moves = [(move, seen(*await answers_of(context, move))) for move in category.moves]
    copied = stage_segments(await context.ledger.segments(run_id=run_id), "copy")

    async def open_shard(shard: Shard) -> CarryOut:
        hands = []
        for index, (move, relies_on) in enumerate(moves):
            each = hands_of(context, run, index, relies_on, shard)
            hands.append(replace(each, target=context.stores.of(move.target.endpoint, "reader")))
        segment = copied.get(shard.lease.shard)
        facts = context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact) if segment else []
        written = {(fact.target_bucket, fact.target_key): fact for fact in facts}
        verifying = _Verifying(context, run, hands, written)
        return verifying.carry_out

    return await work_shards(context, run, plan, Job(STAGE, WORKED, writes=False, open=open_shard))


async def seal_verify(context: Context, run: RunRecord) -> None:
    """Check that every shard is sealed. Raises StateMismatch with how many are not."""
    tallies = await context.ledger.shard_tallies(run.id, STAGE)
    left = [tally for tally in tallies if tally.state != "sealed"]
    if left:
        raise StateMismatch(f"{len(left)} of {len(tallies)} shards are not verified yet; `hikkoshi run {run.category}` goes on")


class _Verifying:
    """Verifies rows: against the copy stage's facts, or the standing ones, or (alone) both sides against each other."""

    def __init__(self, context: Context, run: RunRecord, hands: list[Hands], written: dict[Target, Fact]) -> None:
        self._context = context
        self._run = run
        self._hands = hands
        self._written = written

    async def carry_out(self, row: PlanRow, _earlier: Intent | None) -> Fact | None:
        hands = self._hands[row.move]
        expected = self._expected(row)
        if expected is not None:
            endpoint = self._context.settings.category_named(self._run.category).moves[row.move].target.endpoint
            other = self._context.stores.of(endpoint, "reader", other_wire=True)
            return await read_back(hands, other, row, expected)
        if self._run.kind != "verify":
            return None  # the copy stage has said how it ended
        return await _alone(hands, row)

    def _expected(self, row: PlanRow) -> Expected | None:
        if row.action == Action.KEEP:
            return Expected(row.found_etag, row.xxh3, row.attributes_sha256, row.proofs, (), row.ours)
        fact = self._written.get((row.target_bucket, row.target_key))
        if fact is None or fact.outcome != Outcome.COPIED:
            return None
        return Expected(fact.target_etag, fact.xxh3, fact.attributes_sha256, fact.proofs, fact.losses, fact.ours)


async def _alone(hands: Hands, row: PlanRow) -> Fact:
    """Say how an object stands that no run of this plan has copied."""
    tries = hands.tries()
    if row.action == Action.COPY:
        return ended(row, Outcome.FAILED, "not at the target; a run copies it", tries, stage=STAGE)
    if row.action == Action.REPLACE:
        return ended(row, Outcome.DRIFTED, f"{row.reason}; a run brings it level", tries, stage=STAGE)
    try:
        return await settled(lambda: _proved(hands, row, tries), row, tries, stage=STAGE)
    except Forbidden as error:
        return ended(row, Outcome.FAILED, str(error), tries, stage=STAGE)


async def _proved(hands: Hands, row: PlanRow, tries: Tries) -> Fact:
    fact = await prove(hands, row, tries)
    if fact is None and await found_at_target(hands, row, tries) is None:
        return ended(row, Outcome.FAILED, "not at the target any more; a run copies it", tries, stage=STAGE)
    if fact is None:
        reason = "the target's bytes are not the source's; a run replaces them"
        return ended(row, Outcome.FAILED, reason, tries, stage=STAGE, mismatch=True)
    return replace(fact, stage=STAGE, outcome=Outcome.VERIFIED if fact.outcome == Outcome.COPIED else fact.outcome)
