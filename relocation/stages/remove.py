"""Follow deletions: every Remove of a sealed plan, in shards of their own: `open_remove`, lanes, `seal_remove`.

Only a catch-up does this; a plain run lists what is to be removed and leaves it. What is not removed says why, by name. Refuses a
plan that was drawn while the readers went to the source, once they do not any more, or something was erased since.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from relocation.rules.errors import BadRequest, CutShort, Forbidden, Refusal, StateMismatch, Transient, Unreachable
from relocation.rules.records import Action, Fact, Intent, InventoryRow, PlanRow, Removal, RunRecord
from relocation.settings import Category, Move
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.list_versions import history_of
from relocation.stages.plan import SealedPlan, load_plan
from relocation.stages.routes import route_of
from relocation.stages.shards import CarryOut, Job, Shard, work_shards
from relocation.transfer.remove import STAGE, Removing, exactness, fact_of, remove_object
from relocation.transfer.retry import Patience, Tries


def removals_of(plan: SealedPlan) -> SealedPlan:
    """Return the plan of the removals alone: its shards are the files of what is left over at the target."""
    return replace(plan, shards=plan.left_over)


async def open_remove(context: Context, run: RunRecord) -> int:
    """Record the shards of the removals; return how many there are."""
    plan = removals_of(await load_plan(context, run))
    await context.ledger.add_shards(run.id, STAGE, [(shard.objects, shard.bytes) for shard in plan.shards])
    return len(plan.shards)


async def remove_lane(context: Context, run_id: str) -> int:
    """Work the removals until none is left; return how many shards this lane sealed."""
    run = await context.ledger.get_run(run_id)
    if run is None:
        raise StateMismatch(f"no run {run_id} in this ledger; start one with `hikkoshi catch-up`")
    category = context.settings.category_named(run.category)
    plan = removals_of(await load_plan(context, run))

    async def open_shard(shard: Shard) -> CarryOut:
        route, erased = await route_of(context, run.category, run.wave)
        if route != "source" or erased:
            return _keeping(f"its readers were moved ({route}) or something was erased since the plan: not removed")
        if category.policy.deletions == "keep":
            return _keeping("the policy keeps what was deleted at the source (policy.deletions: keep)")
        if category.policy.versions == "all":
            return _keeping("deletions of single versions are not followed (policy.versions: all)")
        hands = [await _hands_of(context, category, move, shard) for move in category.moves]
        return partial(_carried_out, context, hands)

    return await work_shards(context, run, plan, Job(STAGE, (Action.REMOVE,), writes=True, open=open_shard))


async def seal_remove(context: Context, run: RunRecord) -> None:
    """Check that every shard is sealed. Raises StateMismatch with how many are not."""
    tallies = await context.ledger.shard_tallies(run.id, STAGE)
    left = [tally for tally in tallies if tally.state != "sealed"]
    if left:
        raise StateMismatch(
            f"{len(left)} of {len(tallies)} shards of removals are not done; `hikkoshi catch-up {run.category}` goes on"
        )


@dataclass(frozen=True, slots=True)
class _Kept:
    """A move whose target nobody has the right to delete from."""

    reason: str


async def _hands_of(context: Context, category: Category, move: Move, shard: Shard) -> Removing | _Kept:
    _, target = await answers_of(context, move)
    reader = context.stores.of(move.target.endpoint, "reader", customer_key=category.policy.customer_keys.target or "")
    try:
        remover = context.stores.of(move.target.endpoint, "remover")
    except Refusal as error:
        return _Kept(f"nobody may delete at the target: {error}")
    history: Callable[[str, str], Awaitable[Sequence[InventoryRow]]] = partial(history_of, context, reader)
    return Removing(
        source=context.stores.of(move.source.endpoint, "reader", customer_key=category.policy.customer_keys.source or ""),
        target=reader,
        remover=remover,
        exact=exactness(target),
        deletes_version=category.policy.removals == "version",
        history=history,
        clock=context.clock,
        may_write_until=shard.may_write_until,
    )


def _keeping(reason: str) -> CarryOut:
    async def keep(row: PlanRow, _earlier: Intent | None) -> Fact | None:
        return fact_of(row, Removal.STAYS, reason, None)

    return keep


async def _carried_out(context: Context, hands: Sequence[Removing | _Kept], row: PlanRow, _earlier: Intent | None) -> Fact | None:
    work, limits = hands[row.move], context.settings.transfer
    if isinstance(work, _Kept):
        return fact_of(row, Removal.STAYS, work.reason, None)
    tries = Tries(Patience(limits.attempts_max, limits.unreachable_s), context.clock)
    try:
        return await remove_object(work, row, tries)
    except CutShort as error:
        return fact_of(row, Removal.STAYS, str(error), tries)
    except Unreachable:
        raise
    except (Transient, BadRequest, Forbidden) as error:
        return fact_of(row, Removal.STAYS, str(error), tries)
