"""The port `Ledger` over one SQL database: every call is one transaction in one worker thread.

Guarantees: a write is durable when its call returns, and whole or not there at all; a write under a lease that is not the newest
is `LeaseLost` and changes nothing; a cancelled call has ended before the cancellation goes on.
Refuses at opening (`StateMismatch`) a ledger that is another migration's, of a newer program, read-only or no ledger at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from connectors.ledger import fences, leases, pace, routes, runs, schema
from connectors.ledger import shards as rows
from connectors.ledger.batches import pack
from connectors.ledger.database import Database
from connectors.ledger.leases import Held, Holder
from connectors.ledger.pace import Heard, Waiting
from relocation.ports import Clock
from relocation.rules.errors import StateMismatch
from relocation.rules.evidence import Link, sha256_of
from relocation.rules.fences import FenceRecord
from relocation.rules.pace import PaceOrder, Traffic
from relocation.rules.records import Answers, Fact, Intent, Lease, OpenUpload, RouteRecord, RunRecord, Segment, ShardTally

Result = TypeVar("Result")


class SqlLedger:
    """One migration's ledger. `url` is SQLAlchemy's (`sqlite:////path`, `postgresql+psycopg://…`); leases run by `clock`, and are
    held in the name of `holder`, this process unless another one is given."""

    def __init__(self, url: str, *, migration: str, clock: Clock, host: str, holder: Holder | None = None) -> None:
        self._database = Database(url)
        self._migration = migration
        self._clock = clock
        self._me = holder or Holder.this_process(host)
        self._closed = False
        self._timezone = "UTC"
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    @classmethod
    async def open(
        cls, url: str, *, migration: str, clock: Clock, host: str, holder: Holder | None = None, timezone: str = "UTC"
    ) -> SqlLedger:
        """Open the migration's ledger, making it or bringing its schema up to date where that is due.

        `timezone` is that of times in what it refuses.
        """
        ledger = cls(url, migration=migration, clock=clock, host=host, holder=holder)
        ledger._timezone = timezone
        try:
            begun = await ledger._run(lambda: ledger._database.open(migration, now=ledger._iso_now()))
            if begun:
                await ledger.audit("ledger.begun", migration, sha256_of({"migration": migration}), actor=host)
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def close(self) -> None:
        """Close the database, after the calls that are under way."""
        if not self._closed:
            self._closed = True
            await self._run(self._database.close)
            self._worker.shutdown()

    # --- runs and waves -----------------------------------------------------------------------------------------------

    async def open_run(self, run: RunRecord, *, lease_s: float) -> tuple[RunRecord, Lease]:
        def work(connection: Connection) -> tuple[RunRecord, Lease]:
            now = self._clock.now()
            token = leases.take_wave(connection, run, me=self._me, now=now, expires_at=now + lease_s, timezone=self._timezone)
            lease = Lease(run.id, leases.STAGE_OF_WAVE, leases.SHARD_OF_WAVE, token, now + lease_s)
            return runs.begin_run(connection, run), lease

        try:
            return await self._write(work)
        except IntegrityError:  # on PostgreSQL another process took the wave for the first time in the same moment
            return await self._write(work)

    async def record_dry_run(self, run: RunRecord) -> None:
        await self._write(lambda connection: runs.record_run(connection, run))

    async def unfinished_run(self, category: str, wave: str, config_sha256: str) -> RunRecord | None:
        return await self._read(lambda connection: runs.unfinished_run(connection, category, wave, config_sha256))

    async def update_run(self, lease: Lease, run: RunRecord) -> None:
        def work(connection: Connection) -> None:
            leases.of_wave(lease, run)
            leases.hold(connection, lease)
            runs.save_run(connection, run)

        await self._write(work)

    async def close_run(self, lease: Lease, run: RunRecord) -> None:
        def work(connection: Connection) -> None:
            leases.of_wave(lease, run)
            leases.give_back(connection, lease)
            runs.save_run(connection, run)

        await self._write(work)

    async def renew(self, lease: Lease, *, lease_s: float) -> Lease:
        return await self._write(lambda connection: leases.extend(connection, lease, expires_at=self._clock.now() + lease_s))

    async def get_run(self, run_id: str) -> RunRecord | None:
        return await self._read(lambda connection: runs.get_run(connection, run_id))

    async def list_runs(self, *, category: str = "", limit: int = 100) -> tuple[RunRecord, ...]:
        return await self._read(lambda connection: runs.list_runs(connection, category, limit))

    async def held_waves(self) -> tuple[Held, ...]:
        """Return the waves that somebody is running now."""
        return await self._read(lambda connection: leases.held_waves(connection, me=self._me, now=self._clock.now()))

    # --- shards -------------------------------------------------------------------------------------------------------

    async def add_shards(self, run_id: str, stage: str, shards: Sequence[tuple[int, int]]) -> None:
        await self._write(lambda connection: rows.add_shards(connection, run_id, stage, shards))

    async def lease_shard(self, run_id: str, stage: str, *, lease_s: float) -> Lease | None:
        def work(connection: Connection) -> Lease | None:
            now = self._clock.now()
            return leases.take_shard(connection, run_id, stage, me=self._me, now=now, expires_at=now + lease_s)

        return await self._write(work)

    async def shard_tallies(self, run_id: str, stage: str) -> tuple[ShardTally, ...]:
        return await self._read(lambda connection: rows.tallies(connection, run_id, stage, now=self._clock.now()))

    async def release_shard(self, lease: Lease) -> None:
        await self._write(lambda connection: leases.give_back(connection, lease))

    async def intend(self, lease: Lease, intents: Sequence[Intent]) -> None:
        def work(connection: Connection) -> None:
            rows.append(connection, schema.intents, lease, pack(intents, Intent), len(intents))

        await self._write(work)

    async def intents(self, run_id: str, stage: str, shard: int) -> tuple[Intent, ...]:
        return await self._read(lambda connection: rows.read_intents(connection, run_id, stage, shard))

    async def record(self, lease: Lease, facts: Sequence[Fact]) -> None:
        def work(connection: Connection) -> None:
            rows.append(connection, schema.tails, lease, pack(facts, Fact), len(facts))

        await self._write(work)

    async def tail(self, run_id: str, stage: str, shard: int) -> tuple[Fact, ...]:
        return await self._read(lambda connection: rows.read_tail(connection, run_id, stage, shard))

    async def seal_shard(self, lease: Lease, segment: Segment) -> None:
        await self._write(lambda connection: rows.seal(connection, lease, segment))

    async def segments(self, *, category: str = "", run_id: str = "", stage: str = "") -> tuple[Segment, ...]:
        return await self._read(lambda connection: rows.list_segments(connection, category=category, run_id=run_id, stage=stage))

    async def open_intents(self, category: str) -> tuple[Intent, ...]:
        return await self._read(lambda connection: rows.open_intents(connection, category))

    async def open_uploads(self, category: str) -> tuple[OpenUpload, ...]:
        return await self._read(lambda connection: rows.open_uploads(connection, category))

    async def open_tails(self, category: str) -> tuple[Fact, ...]:
        return await self._read(lambda connection: rows.open_tails(connection, category))

    # --- routes and fences -------------------------------------------------------------------------------------------------------

    async def routes(self, category: str) -> tuple[RouteRecord, ...]:
        return await self._read(lambda connection: routes.of_category(connection, category))

    async def set_route(self, wanted: RouteRecord) -> RouteRecord:
        return await self._write(lambda connection: routes.put(connection, wanted))

    async def save_fence(self, fence: FenceRecord) -> None:
        await self._write(lambda connection: fences.save(connection, fence, me=self._me))

    async def fences(self) -> tuple[FenceRecord, ...]:
        return await self._read(fences.standing)

    async def abandoned_fences(self) -> tuple[FenceRecord, ...]:
        return await self._read(lambda connection: fences.abandoned(connection, me=self._me))

    # --- the pace ------------------------------------------------------------------------------------------------------

    async def order_pace(self, order: PaceOrder) -> None:
        """Record what an operator orders for an endpoint, in place of what was ordered before."""
        await self._write(lambda connection: pace.order(connection, order))

    async def hear_pace(self) -> Heard:
        """Return what holds now for the pace: orders, how many processes are at work, what was spent."""
        return await self._read(lambda connection: pace.hear(connection, me=self._me, now=self._clock.now()))

    async def add_traffic(self, traffic: Mapping[str, Traffic]) -> None:
        """Add what was asked of endpoints, by name."""

        def work(connection: Connection) -> None:
            for endpoint, more in traffic.items():
                pace.add(connection, endpoint, more)

        await self._write(work)

    async def say_waiting(self, endpoint: str, reason: str, *, until: float) -> None:
        """Record that this process waits for an endpoint, and why; an empty reason: it does not any more."""

        def work(connection: Connection) -> None:
            pace.say_waiting(connection, Waiting(endpoint, reason, self._clock.now(), until), me=self._me)

        await self._write(work)

    # --- probes and the audit chain -----------------------------------------------------------------------------------

    async def save_probe(self, answers: Answers) -> None:
        await self._write(lambda connection: runs.save_probe(connection, answers))

    async def last_probe(self, endpoint: str, bucket: str) -> Answers | None:
        return next(iter(await self.probe_history(endpoint, bucket, limit=1)), None)

    async def probe_history(self, endpoint: str, bucket: str, *, limit: int) -> tuple[Answers, ...]:
        return await self._read(lambda connection: runs.probes_of(connection, endpoint, bucket, limit=limit))

    async def audit(self, action: str, subject: str, payload_sha256: str, actor: str) -> str:
        def work(connection: Connection) -> str:
            return runs.append_link(
                connection, time=self._iso_now(), actor=actor, action=action, subject=subject, payload_sha256=payload_sha256
            )

        return await self._write(work)

    async def chain(self) -> tuple[Link, ...]:
        """Return the whole audit chain, first link first; `rules.evidence.verify_chain` says whether it holds."""
        return await self._read(runs.chain)

    # --- one transaction a call, in the worker thread -----------------------------------------------------------------

    async def _write(self, work: Callable[[Connection], Result]) -> Result:
        def transaction() -> Result:
            with self._database.writing() as connection:
                return work(connection)

        return await self._run(transaction)

    async def _read(self, work: Callable[[Connection], Result]) -> Result:
        def transaction() -> Result:
            with self._database.reading() as connection:
                return work(connection)

        return await self._run(transaction)

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Run in the worker thread. A call that is cancelled after it began is waited for: a commit can't be taken back."""
        try:
            future = self._worker.submit(work)
        except RuntimeError as error:
            raise StateMismatch("the ledger is closed: open it again") from error
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.cancelled():
                ended = asyncio.wrap_future(future)
                await asyncio.wait([ended])
                ended.exception()  # whoever cancelled does not ask how it ended
            raise

    def _iso_now(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
