"""Read back and hash again every object that the copy stage has not: `open_verify`, as many lanes as there are, `seal_verify`.

Within a run it reads what is kept, and takes what the copy stage recorded as what must be there; alone it takes the standing facts,
and proves what somebody else copied by reading both sides. It never writes to source or target.
"""

from __future__ import annotations

from collections.abc import Mapping

from relocation.ports import Store
from relocation.rules.errors import Forbidden, StateMismatch
from relocation.rules.plan import WRITES
from relocation.rules.records import Action, Fact, Intent, Outcome, PlanRow, RunRecord, Segment
from relocation.rules.summary import Count
from relocation.rules.verdict import WORKED
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.copy import hands_of, readers_of
from relocation.stages.fidelity import seen_by
from relocation.stages.plan import SealedPlan, load_plan
from relocation.stages.shards import CarryOut, Job, Shard, place_of, stage_segments, work_shards
from relocation.stages.verify_versions import VerifyingVersions
from relocation.transfer.endings import ended, settled
from relocation.transfer.hands import Hands
from relocation.transfer.prove import Anew, prove
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
    seen_by_move = [seen_by(category.policy, *await answers_of(context, move)) for move in category.moves]
    copied = stage_segments(await context.ledger.segments(run_id=run_id), "copy")
    by_version = category.policy.versions == "all"

    async def open_shard(shard: Shard) -> CarryOut:
        hands = [hands_of(context, run, index, relies_on, shard) for index, relies_on in enumerate(seen_by_move)]
        segment = copied.get(shard.lease.shard)
        facts = context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact) if segment else []
        readers = tuple(readers_of(context, run, hands))
        unread = {place_of(fact, by_version): fact for fact in facts if fact.outcome == Outcome.COPIED}
        if run.kind != "verify":  # of all else the copy stage has said how it ended
            shard.rows = [row for row in shard.rows if row.action == Action.KEEP or place_of(row, by_version) in unread]
        return (VerifyingVersions(context, readers, unread, _alone) if by_version else _Verifying(readers, unread)).carry_out

    def done(shard: int) -> bool:
        return not left_to_read(plan, run, shard, copied.get(shard)).objects

    actions = WRITES if run.kind == "catch_up" else WORKED  # what a catch-up keeps it reads no body of
    job = Job(STAGE, actions, writes=False, open=open_shard, done=done, by_version=by_version)
    return await work_shards(context, run, plan, job)


def left_to_read(plan: SealedPlan, run: RunRecord, shard: int, copied: Segment | None) -> Count:
    """Return how much of a shard the copy stage has left to read: what is kept, and what it wrote and did not read back."""
    file = plan.shards[shard]
    if run.kind == "verify":
        return Count(file.objects, file.bytes)
    unread = Count(copied.unread, copied.bytes) if copied is not None and copied.unread else Count()
    return unread if run.kind == "catch_up" else unread + Count(file.keep_objects, file.keep_bytes)


async def left_to_verify(context: Context, run: RunRecord, plan: SealedPlan) -> Count:
    """Return how much of a plan the verification has to read."""
    copied = stage_segments(await context.ledger.segments(run_id=run.id), "copy")
    return sum((left_to_read(plan, run, shard, copied.get(shard)) for shard in range(len(plan.shards))), Count())


async def seal_verify(context: Context, run: RunRecord) -> None:
    """Check that every shard is sealed. Raises StateMismatch with how many are not."""
    tallies = await context.ledger.shard_tallies(run.id, STAGE)
    left = [tally for tally in tallies if tally.state != "sealed"]
    if left:
        raise StateMismatch(f"{len(left)} of {len(tallies)} shards are not verified yet; `hikkoshi run {run.category}` goes on")


class _Verifying:
    """Verifies rows: against the copy stage's facts, or the standing ones, or (alone) both sides against each other."""

    def __init__(self, readers: tuple[tuple[Hands, Store], ...], unread: Mapping[tuple[str, ...], Fact]) -> None:
        self._readers = readers
        self._unread = unread

    async def carry_out(self, row: PlanRow, _earlier: Intent | None) -> Fact:
        hands, other = self._readers[row.move]
        expected = self._expected(row)
        return await _alone(hands, row) if expected is None else await read_back(hands, other, row, expected)

    def _expected(self, row: PlanRow) -> Expected | None:
        if row.action == Action.KEEP:
            return Expected(row.found_etag, row.xxh3, row.attributes_sha256, row.proofs, (), row.ours, row.sha256)
        fact = self._unread.get((row.target_bucket, row.target_key))
        if fact is None:
            return None
        return Expected(fact.target_etag, fact.xxh3, fact.attributes_sha256, fact.proofs, fact.losses, fact.ours, fact.sha256)


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
    if isinstance(fact, Anew):
        return ended(row, Outcome.FAILED, f"{fact.reason}; a run writes it again", tries, stage=STAGE, mismatch=fact.mismatch)
    return fact._replace(stage=STAGE, outcome=Outcome.VERIFIED if fact.outcome == Outcome.COPIED else fact.outcome)
