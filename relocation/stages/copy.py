"""Bring every Copy, Replace and Prove of a sealed plan level: `open_copy`, as many lanes as there are, `seal_copy`.

Where the run goes on to verify, what is written is read back at once, on another connection; only stores that need a time to
settle leave it to the next stage. A flow, the command and a test call the same three. Lanes may run in one process or in many:
shards are leased from the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from relocation.ports import Store
from relocation.rules.errors import Forbidden, StateMismatch
from relocation.rules.plan import WRITES
from relocation.rules.records import Fact, Intent, Outcome, PlanRow, RunRecord
from relocation.rules.seen import Seen
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.copy_versions import CopyingVersions
from relocation.stages.fidelity import fidelity_of, seen_by
from relocation.stages.plan import load_plan, rows_of
from relocation.stages.shards import CarryOut, Job, Shard, work_shards
from relocation.stages.standing import Asked, standing_histories
from relocation.transfer.copy_object import copy_object
from relocation.transfer.endings import ended
from relocation.transfer.hands import Hands
from relocation.transfer.read_back import confirm
from relocation.transfer.retry import Patience

STAGE = "copy"
FORBIDDEN_MAX = 2


async def open_copy(context: Context, run: RunRecord) -> int:
    """Record the shards of the copy stage, so that lanes can lease them; return how many there are."""
    plan = await load_plan(context, run)
    await context.ledger.add_shards(run.id, STAGE, [(shard.objects, shard.bytes) for shard in plan.shards])
    return len(plan.shards)


async def copy_lane(context: Context, run_id: str) -> int:
    """Work shards until none is left; return how many this lane sealed. Raises what stops the wave."""
    run = await context.ledger.get_run(run_id)
    if run is None:
        raise StateMismatch(f"no run {run_id} in this ledger; start one with `hikkoshi run`")
    plan = await load_plan(context, run)
    category = context.settings.category_named(run.category)
    seen_by_move = [seen_by(category.policy, *await answers_of(context, move)) for move in category.moves]

    by_version = category.policy.versions == "all"
    standing = Asked(partial(standing_histories, context, run.category))

    async def open_shard(shard: Shard) -> CarryOut:
        hands = [hands_of(context, run, index, each, shard) for index, each in enumerate(seen_by_move)]
        if by_version:
            readers = tuple(readers_of(context, run, hands)) if reads_back(context, run) else ()
            rows = await rows_of(context, plan.shards[shard.lease.shard])
            said = await standing.about(dict.fromkeys((row.target_bucket, row.target_key) for row in shard.rows))
            return CopyingVersions(context, shard, hands, readers, rows=rows, standing=said).carry_out
        return _Copying(hands, tuple(readers_of(context, run, hands)) if reads_back(context, run) else ()).carry_out

    with closing(standing):
        return await work_shards(context, run, plan, Job(STAGE, WRITES, writes=True, open=open_shard, by_version=by_version))


async def seal_copy(context: Context, run: RunRecord) -> None:
    """Check that every shard is sealed. Raises StateMismatch with how many are not."""
    tallies = await context.ledger.shard_tallies(run.id, STAGE)
    left = [tally for tally in tallies if tally.state != "sealed"]
    if left:
        raise StateMismatch(f"{len(left)} of {len(tallies)} shards are not copied yet; `hikkoshi run {run.category}` goes on")


def hands_of(context: Context, run: RunRecord, move_index: int, relies_on: Seen, shard: Shard) -> Hands:
    """Return what the transfer of one move of the run's category works with."""
    category = context.settings.category_named(run.category)
    move, limits = category.moves[move_index], context.settings.transfer
    keys = category.policy.customer_keys
    source_key, target_key = keys.source or "", keys.target or ""
    return Hands(
        source=context.stores.of(move.source.endpoint, "reader", customer_key=source_key),
        target=context.stores.of(move.target.endpoint, "writer", customer_key=target_key),
        seen=relies_on,
        budget=context.budget,
        clock=context.clock,
        patience=Patience(limits.attempts_max, limits.unreachable_s),
        part_bytes=category.policy.part_bytes,
        begun_at=run.started_at,
        amend=shard.amend,
        may_write_until=shard.may_write_until,
        must_keep_etag=category.policy.keep_etag == "require",
        may_change_etag=category.policy.keep_etag == "no",
        source_again=context.stores.of(move.source.endpoint, "reader", other_wire=True, customer_key=source_key),
        source_proof=category.policy.source_proof,
        sha256=category.policy.sha256,
        fidelity=fidelity_of(category.policy, drops_odd_tags=relies_on.drops_odd_tags),
    )


def reads_back(context: Context, run: RunRecord) -> bool:
    """Whether a run's copy stage reads back what it writes."""
    return run.until == "verify" and not context.settings.transfer.settle_s


def readers_of(context: Context, run: RunRecord, hands: Sequence[Hands]) -> Iterator[tuple[Hands, Store]]:
    """Return, for each move, hands that can only read the target, and the same store over the other HTTP stack."""
    category = context.settings.category_named(run.category)
    of, key = context.stores.of, category.policy.customer_keys.target or ""
    for move, each in zip(category.moves, hands, strict=True):
        endpoint = move.target.endpoint
        reader = of(endpoint, "reader", customer_key=key)
        yield replace(each, target=reader), of(endpoint, "reader", other_wire=True, customer_key=key)


@dataclass(slots=True)
class _Copying:
    """Carries out rows; a right that is missing twice in a row is missing for all of them, and stops the wave."""

    hands: list[Hands]
    readers: tuple[tuple[Hands, Store], ...]
    forbidden: int = 0

    async def carry_out(self, row: PlanRow, earlier: Intent | None) -> Fact | None:
        hands = self.hands[row.move]
        try:
            fact = await copy_object(hands, row, earlier)
        except Forbidden as error:
            self.forbidden += 1
            if self.forbidden >= FORBIDDEN_MAX:
                raise
            return ended(row, Outcome.FAILED, str(error), hands.tries())
        self.forbidden = 0
        if fact.outcome == Outcome.COPIED and self.readers:
            return await confirm(*self.readers[row.move], row, fact)
        return fact
