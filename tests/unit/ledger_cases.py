"""What the ledger's tests are made of: a clock that stands still, and records with sensible fields."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.ledger.leases import Holder, started
from connectors.ledger.store import SqlLedger
from relocation.rules.records import Answers, Fact, Intent, Lease, RunRecord, Segment

MIGRATION = "korea-to-japan"
LEASE_S = 30.0
NOWHERE = Holder("elsewhere", 4242, "another-boot/pid:[1]/77")
"""A process on another machine, of which nothing can be known from here."""


class StillClock:
    """A clock that moves only when told to; whoever sleeps on it wakes at once, that much later."""

    def __init__(self, now: float = 1_622_505_600.0) -> None:
        self.seconds = now

    def now(self) -> float:
        return self.seconds

    def worked(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


@asynccontextmanager
async def ledger_at(path: Path, clock: StillClock | None = None, *, migration: str = MIGRATION, holder: Holder | None = None):
    """A ledger over one file, closed at the end."""
    begin_at(path)
    ledger = await SqlLedger.open(url_of(path), migration=migration, clock=clock or StillClock(), host="here", holder=holder)
    try:
        yield ledger
    finally:
        await ledger.close()


def begin_at(path: Path) -> None:
    """Make a ledger as a copy of an empty one, which spares the migrations' 0.3 s."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_empty_ledger())


@cache
def _empty_ledger() -> bytes:
    async def make(path: Path) -> None:
        ledger = await SqlLedger.open(url_of(path), migration=MIGRATION, clock=StillClock(), host="here")
        await ledger.close()

    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:  # the caller's own loop is running
        path = Path(folder) / "ledger.db"
        thread.submit(lambda: asyncio.run(make(path))).result()
        return path.read_bytes()


def this_process() -> Holder:
    return Holder.this_process("here")


def dead() -> Holder:
    """A process of this machine that is certainly gone: our id, but another start."""
    return Holder("here", os.getpid(), f"{started(os.getpid())}9")


def run_of(run_id: str = "run-1", **changes: str) -> RunRecord:
    base = RunRecord(run_id, "talk-images", "all", "run", config_sha256="c" * 64, who="sato", host="here")
    return replace(base, **changes)


def intent_of(number: int, *, etag: str | None = None, shard: int = 0) -> Intent:
    return Intent(shard, "talk", f"images/{number:05}/写真\n.jpg", f"source-{number}", f"target-{number}" if etag is None else etag)


def fact_of(number: int, **changes: object) -> Fact:
    base = Fact(
        stage="copy",
        outcome="copied",
        source_bucket="talk",
        source_key=f"images/{number:05}/写真\n.jpg",
        target_bucket="talk",
        target_key=f"images/{number:05}/写真\n.jpg",
        size=16_384,
        source_etag=f"source-{number}",
        source_last_modified="2020-02-29T23:59:59Z",
        target_etag=f"target-{number}",
        xxh3="0" * 32,
        proofs=("received", "same_etag"),
        losses=("last-modified",),
        at="2021-06-01T00:00:00.000Z",
        run_id="run-1",
    )
    return base._replace(**changes)


def segment_of(lease: Lease, **changes: object) -> Segment:
    base = Segment(
        "talk-images", "all", lease.run_id, lease.stage, lease.shard, f"runs/{lease.run_id}/{lease.shard}", "s" * 64, "r" * 64, 1, 9
    )
    return replace(base, **changes)


def answers_of(at: str) -> Answers:
    return Answers("korea", "talk", at, "http://127.0.0.1:9100", "MinIO", (("if-none-match", "honoured"), ("crc64nvme", "stored")))


async def leased(ledger: SqlLedger, *, shards: int = 1, run: RunRecord | None = None, stage: str = "copy") -> tuple[Lease, Lease]:
    """A run of one stage with shards: its wave's lease, and that of its first shard."""
    record, wave = await ledger.open_run(run or run_of(), lease_s=LEASE_S)
    await ledger.add_shards(record.id, stage, [(10, 1000)] * shards)
    lease = await ledger.lease_shard(record.id, stage, lease_s=LEASE_S)
    assert lease is not None
    return wave, lease
