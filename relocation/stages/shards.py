"""One shard at a time, leased from the ledger: intents before, facts after, sealed into the vault at the end.

Guarantees: an intent is durable before its effect; a fact is recorded only under the newest lease; what a lost or stopped lane had
done is not done again: its facts are taken over, and its intents say what to look at before writing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial

from relocation.rules.errors import HikkoshiError, LeaseLost, Refusal
from relocation.rules.evidence import merkle_root
from relocation.rules.records import Action, Fact, Intent, Lease, Outcome, PlanRow, RunRecord, Segment
from relocation.stages.context import Context
from relocation.stages.held import held
from relocation.stages.plan import SealedPlan, rows_of
from relocation.transfer.crew import work_batches

FACTS_A_FLUSH = 256
FLUSH_S = 1.0
WAIT_S = 1.0


@dataclass(slots=True)
class Shard:
    """A leased shard at work: what is known of it, and the facts that come in."""

    context: Context
    lease: Lease
    rows: list[PlanRow]
    done: dict[tuple[str, ...], Fact]
    earlier: dict[tuple[str, ...], Intent]
    """By target bucket and key and, where every version has a row, by the source's version id."""
    expires_monotonic: float
    by_version: bool = False
    fresh: list[Fact] = field(default_factory=list)
    flushed_at: float = 0.0
    flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    refused: Refusal | None = None
    """Why the ledger took no more of this shard: nothing begins to be written that it could not record."""

    def may_write_until(self) -> float:
        """Return until when, by the monotonic clock, this lane surely holds the shard. Raises what the ledger refused with."""
        if self.refused is not None:
            raise self.refused
        return self.expires_monotonic

    async def intend(self, intents: Sequence[Intent]) -> None:
        """Record intents, before what they foretell."""
        with self._heard():
            await self.context.ledger.intend(self.lease, intents)

    async def amend(self, intent: Intent) -> None:
        """Record one intent anew, with what was not known before."""
        await self.intend((intent._replace(shard=self.lease.shard),))

    @contextlib.contextmanager
    def _heard(self) -> Iterator[None]:
        """Keep the ledger's refusal: others of the crew go on for a moment before they are cancelled."""
        try:
            yield
        except Refusal as error:
            self.refused = error
            raise

    async def record(self, fact: Fact) -> None:
        """Take a fact in; every so often write what came in to the ledger."""
        place = (fact.target_bucket, fact.target_key)
        self.done[(*place, fact.source_version_id) if self.by_version else place] = fact
        self.fresh.append(fact)
        now = self.context.clock.monotonic()
        if len(self.fresh) >= FACTS_A_FLUSH or now - self.flushed_at >= FLUSH_S:
            self.flushed_at = now
            await self.flush()

    async def flush(self) -> None:
        """Write the facts that came in to the ledger. Raises LeaseLost where somebody else holds the shard."""
        async with self.flushing:
            facts, self.fresh = self.fresh, []
            try:
                if facts:
                    with self._heard():
                        await self.context.ledger.record(self.lease, facts)
            except BaseException:
                self.fresh = facts + self.fresh  # a fact that is recorded twice is one
                raise


CarryOut = Callable[[PlanRow, Intent | None], Awaitable[Fact | None]]
"""What a stage does with one row, and the intent of a lane that was cut off; None: there is nothing to record."""


def _never(_shard: int) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Job:
    """What a stage does with shards: its name, the actions that it works on, whether it writes, and how it opens a shard."""

    stage: str
    actions: tuple[Action, ...]
    writes: bool
    open: Callable[[Shard], Awaitable[CarryOut]]
    done: Callable[[int], bool] = _never
    """Whether there is nothing to do in a shard, by its number: it is sealed unread."""
    by_version: bool = False
    """Whether every version of an object has a row, an intent and a fact of its own."""


async def work_shards(context: Context, run: RunRecord, plan: SealedPlan, job: Job) -> int:
    """Lease and work shards until every one is sealed; return how many this lane sealed.

    A shard that somebody else holds is waited for: its lane may die, and then it is ours to finish.
    """
    sealed = 0
    limits = context.settings.transfer
    while True:
        asked = context.clock.monotonic()
        lease = await context.ledger.lease_shard(run.id, job.stage, lease_s=limits.lease_s)
        if lease is None:
            if all(tally.state == "sealed" for tally in await context.ledger.shard_tallies(run.id, job.stage)):
                return sealed
            await context.clock.sleep(min(WAIT_S, limits.lease_s / 4))
            continue
        with contextlib.suppress(LeaseLost):  # somebody else has it now, and finishes it
            await _work_shard(run, await _taken(context, plan, job, lease, asked), job)
            sealed += 1


async def _work_shard(run: RunRecord, shard: Shard, job: Job) -> None:
    try:
        async with held(shard.context, shard.lease, shard):
            carry_out = await job.open(shard)
            work = partial(_one, run, shard, carry_out)
            size, room = shard.context.settings.transfer.concurrency, _room(shard.context, run)
            await work_batches(_feed(shard, writes=job.writes), work, size=size, room=room)
            await shard.flush()
            shard.context.budget.close()  # tables and listings, which come now, need room while nobody needs buffers
            await _seal(run, job.stage, shard)
    except LeaseLost:
        raise
    except BaseException:
        await _give_back(shard)
        raise


def _room(context: Context, run: RunRecord) -> Callable[[], int]:
    """Return what says how many objects are worth having in hand: as many as the wave's endpoints take requests at once."""
    moves = context.settings.category_named(run.category).moves
    endpoints = tuple({side.endpoint for move in moves for side in (move.source, move.target)})
    at_once = context.stores.at_once
    return lambda: sum([at_once(endpoint) for endpoint in endpoints])


async def _one(run: RunRecord, shard: Shard, carry_out: CarryOut, row: PlanRow) -> None:
    place = (row.target_bucket, row.target_key)
    fact = await carry_out(row, shard.earlier.get((*place, row.source_version_id) if shard.by_version else place))
    if fact is not None:
        await shard.record(fact._replace(run_id=run.id, at=timestamp(shard.context)))
    failed = fact is not None and fact.outcome in (Outcome.FAILED, Outcome.CONFLICTED)
    shard.context.progress.advance(objects=1, bytes_=row.size, errors=int(failed))


async def _taken(context: Context, plan: SealedPlan, job: Job, lease: Lease, asked: float) -> Shard:
    """Gather a leased shard: its rows, and what a lane before us recorded of it. `asked` is when its lease was asked for."""
    all_rows = [] if job.done(lease.shard) else await rows_of(context, plan.shards[lease.shard])
    rows = [row for row in all_rows if row.action in job.actions]
    tail = await context.ledger.tail(lease.run_id, job.stage, lease.shard)
    intents = await context.ledger.intents(lease.run_id, job.stage, lease.shard)
    return Shard(
        context=context,
        lease=lease,
        rows=rows,
        done={place_of(fact, job.by_version): fact for fact in tail if fact.outcome != Outcome.FAILED},
        earlier={place_of(intent, job.by_version): intent for intent in intents},
        by_version=job.by_version,
        expires_monotonic=asked + context.settings.transfer.lease_s,
        flushed_at=context.clock.monotonic(),
    )


def place_of(of: PlanRow | Intent | Fact, by_version: bool) -> tuple[str, ...]:
    """Return what a row, its intent and its fact are known by in a shard."""
    place = (of.target_bucket, of.target_key)
    return (*place, of.source_version_id) if by_version else place


async def _feed(shard: Shard, *, writes: bool) -> AsyncIterator[list[PlanRow]]:
    """Yield the rows that are not done, batch by batch, each batch only after its intents are durable."""
    pending = [row for row in shard.rows if place_of(row, shard.by_version) not in shard.done] if shard.done else shard.rows
    if not writes:
        yield pending
        return
    batch_rows = shard.context.settings.transfer.intent_objects
    for start in range(0, len(pending), batch_rows):
        batch = pending[start : start + batch_rows]
        earlier = shard.earlier
        new = [_intent(shard, row) for row in batch if not earlier or place_of(row, shard.by_version) not in earlier]
        if new:
            await shard.intend(new)
        yield batch


def _intent(shard: Shard, row: PlanRow) -> Intent:
    """Foretell what we may write. What a Prove row finds is not ours for having been foretold."""
    foretold = row.foretold_etag if row.action != Action.PROVE or row.ours else ""
    intent = Intent(shard.lease.shard, row.target_bucket, row.target_key, row.source_etag, foretold)
    return intent._replace(source_version_id=row.source_version_id) if row.source_version_id else intent


async def _seal(run: RunRecord, stage: str, shard: Shard) -> None:
    context = shard.context
    facts = sorted(shard.done.values(), key=lambda fact: (fact.target_bucket, fact.target_key))
    name, sha256 = "", ""
    if facts:
        name = f"runs/{run.id}/{stage}/{shard.lease.shard:05}-{shard.lease.token}.parquet"
        sha256 = await context.vault.put(name, context.tables.encode(facts, Fact))
    segment = Segment(
        category=run.category,
        wave=run.wave,
        run_id=run.id,
        stage=stage,
        shard=shard.lease.shard,
        name=name,
        sha256=sha256,
        root=merkle_root(facts),
        objects=len(facts),
        bytes=sum(fact.size for fact in facts),
        unread=sum(1 for fact in facts if fact.outcome == Outcome.COPIED),
    )
    await context.ledger.seal_shard(shard.lease, segment)


async def _give_back(shard: Shard) -> None:
    """Stopped or failed: keep the facts that came in, and let the shard go, within the two seconds that a stop may take.

    It is let go even where the facts could not be kept (a full disk): its intents say what the next lane has to look at.
    """
    with contextlib.suppress(HikkoshiError, TimeoutError):
        async with asyncio.timeout(1):
            await shard.flush()
    with contextlib.suppress(HikkoshiError, TimeoutError):
        async with asyncio.timeout(1):
            await shard.context.ledger.release_shard(shard.lease)


def timestamp(context: Context) -> str:
    """Return now as ISO 8601 in UTC, to the millisecond."""
    second, part_us = divmod(round(context.clock.now() * 1e6), 1_000_000)
    return f"{_second(second)}.{part_us // 1000:03}Z"


@lru_cache(maxsize=8)  # each fact has its time, thousands of them the same second
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def stage_segments(segments: Sequence[Segment], stage: str) -> dict[int, Segment]:
    """Return the segments of one stage by shard."""
    return {segment.shard: segment for segment in segments if segment.stage == stage and segment.objects}
