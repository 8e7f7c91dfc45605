"""Look at metadata, tags, ACL and locks of every object that a plan keeps; bring level what changed and no listing shows.

The last pass before a gate does this; a pass in between leaves it. In shards of its own: `open_look`, lanes, `seal_look`. Only what
had to be said has a fact: an object without one was looked at, and is as its standing fact says.
"""

from __future__ import annotations

from dataclasses import dataclass

from relocation.ports import Store
from relocation.rules.errors import Forbidden, StateMismatch
from relocation.rules.records import Action, Fact, Intent, Outcome, PlanRow, RunRecord
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.copy import FORBIDDEN_MAX, hands_of, readers_of
from relocation.stages.fidelity import seen_by
from relocation.stages.plan import load_plan
from relocation.stages.shards import CarryOut, Job, Shard, work_shards
from relocation.transfer.endings import ended
from relocation.transfer.hands import Hands
from relocation.transfer.look import STAGE, look
from relocation.transfer.read_back import confirm


async def open_look(context: Context, run: RunRecord) -> int:
    """Record the shards; return how many there are."""
    plan = await load_plan(context, run)
    await context.ledger.add_shards(run.id, STAGE, [(shard.keep_objects, shard.keep_bytes) for shard in plan.shards])
    return len(plan.shards)


async def look_lane(context: Context, run_id: str) -> int:
    """Look through shards until none is left; return how many this lane sealed."""
    run = await context.ledger.get_run(run_id)
    if run is None:
        raise StateMismatch(f"no run {run_id} in this ledger; start one with `hikkoshi catch-up`")
    plan = await load_plan(context, run)
    category = context.settings.category_named(run.category)
    seen_by_move = [seen_by(category.policy, *await answers_of(context, move)) for move in category.moves]

    async def open_shard(shard: Shard) -> CarryOut:
        hands = [hands_of(context, run, index, each, shard) for index, each in enumerate(seen_by_move)]
        return _Looking(hands, tuple(readers_of(context, run, hands))).carry_out

    def done(shard: int) -> bool:
        return not plan.shards[shard].keep_objects

    return await work_shards(context, run, plan, Job(STAGE, (Action.KEEP,), writes=False, open=open_shard, done=done))


async def seal_look(context: Context, run: RunRecord) -> None:
    """Check that every shard is sealed. Raises StateMismatch with how many are not."""
    tallies = await context.ledger.shard_tallies(run.id, STAGE)
    left = [tally for tally in tallies if tally.state != "sealed"]
    if left:
        raise StateMismatch(
            f"{len(left)} of {len(tallies)} shards are not looked through; `hikkoshi catch-up {run.category}` goes on"
        )


@dataclass(slots=True)
class _Looking:
    """Looks at rows; a right that is missing twice in a row is missing for all of them, and stops the wave."""

    hands: list[Hands]
    readers: tuple[tuple[Hands, Store], ...]
    forbidden: int = 0

    async def carry_out(self, row: PlanRow, _earlier: Intent | None) -> Fact | None:
        try:
            fact = await look(self.hands[row.move], row, self._confirm)
        except Forbidden as error:
            self.forbidden += 1
            if self.forbidden >= FORBIDDEN_MAX:
                raise
            return ended(row, Outcome.FAILED, str(error), None, stage=STAGE)
        self.forbidden = 0
        return fact

    async def _confirm(self, row: PlanRow, copied: Fact) -> Fact:
        return await confirm(*self.readers[row.move], row, copied)
