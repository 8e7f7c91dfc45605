"""The ledger's tables, as SQLAlchemy Core sees them. The files in `migrations/versions` make them; a test holds the two equal.

Guarantees: nothing here is special to SQLite or PostgreSQL. Keys of objects stand in compressed batches only, never in a column,
so that a key with a NUL byte (which PostgreSQL's text refuses) has a place too.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

from relocation.rules.fences import FenceRecord
from relocation.rules.pace import Traffic
from relocation.rules.records import RunRecord, Segment

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every schema version that this program can bring up to date, oldest first."""
HEAD = REVISIONS[-1]

metadata = MetaData()
Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself for INTEGER alone
COUNTS = frozenset({"shard", "objects", "bytes", "unread"})


def _columns(kind: type[RunRecord] | type[Segment]) -> list[Column[Any]]:
    """Return one column a field: numbers for counts, text for all else."""
    return [Column(field.name, BigInteger if field.name in COUNTS else Text, nullable=False) for field in fields(kind)]


def _holder() -> list[Column[Any]]:
    """Return the columns of a lease: its token, who holds it (empty: nobody) and until when (seconds since the epoch, 0: free)."""
    return [
        Column("token", BigInteger, nullable=False),
        Column("host", Text, nullable=False),
        Column("pid", BigInteger, nullable=False),
        Column("started", Text, nullable=False),
        Column("expires_at", Double, nullable=False),
    ]


def _batches(name: str) -> Table:
    """Return a table of compressed batches, in the order in which they were recorded."""
    return Table(
        name,
        metadata,
        Column("number", Serial, primary_key=True, autoincrement=True),
        Column("run_id", Text, nullable=False),
        Column("stage", Text, nullable=False),
        Column("shard", BigInteger, nullable=False),
        Column("rows", BigInteger, nullable=False),
        Column("data", LargeBinary, nullable=False),
        Index(f"{name}_by_shard", "run_id", "stage", "shard"),
    )


about = Table("about", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))
"""What this ledger is: the migration's name, and when it was begun."""

runs = Table(
    "runs",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    *_columns(RunRecord),
    UniqueConstraint("id", name="runs_by_id"),
    Index("runs_by_wave", "category", "wave"),
)

waves = Table(
    "waves",
    metadata,
    Column("category", Text, primary_key=True),
    Column("wave", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("since", Double, nullable=False),
    *_holder(),
    Index("waves_by_run", "run_id"),
)

shards = Table(
    "shards",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sealed", Boolean, nullable=False),
    *_holder(),
)

intents = _batches("intents")
tails = _batches("tails")

segments = Table(
    "segments",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    *_columns(Segment),
    UniqueConstraint("run_id", "stage", "shard", name="segments_by_shard"),
    Index("segments_by_category", "category"),
)

probes = Table(
    "probes",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    Column("endpoint", Text, nullable=False),
    Column("bucket", Text, nullable=False),
    Column("answers", Text, nullable=False),
    Index("probes_by_bucket", "endpoint", "bucket"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("prev", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload_sha256", Text, nullable=False),
    Column("sha256", Text, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("bytes_per_s", Double),
    Column("requests_per_s", Double),
    Column("paused_at", Double, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Double, nullable=False),
)
"""What operators ordered for the pace of an endpoint; a rate that is none is the configuration's."""

waiting = Table(
    "waiting",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("host", Text, primary_key=True),
    Column("pid", BigInteger, primary_key=True, autoincrement=False),
    Column("started", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
)
"""Which process is kept waiting by which endpoint, and why."""

spent = Table(
    "spent",
    metadata,
    Column("endpoint", Text, primary_key=True),
    *(Column(field.name, BigInteger, nullable=False) for field in fields(Traffic)),
)
"""What the migration has asked of each endpoint so far."""

routes = Table(
    "routes",
    metadata,
    Column("category", Text, primary_key=True),
    Column("wave", Text, primary_key=True),
    Column("route", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("erased", Boolean, nullable=False),
    Column("partition_sha256", Text, nullable=False),
)
"""Where readers and writers of a wave's slice go, and whether any of it was ever erased; no row: to the source, and never."""

fences = Table(
    "fences",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    *(Column(field.name, Boolean if field.name == "by_run" else Text, nullable=False) for field in fields(FenceRecord)),
    Column("holder", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("started", Text, nullable=False),
    UniqueConstraint("id", name="fences_by_id"),
)
"""Write fences at sources, lifted ones too; `holder`, `pid`, `started` tell the process that recorded it last."""
