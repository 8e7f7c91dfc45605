"""What the ledger knows of shards: their batches of intents and facts, and the segments that they become.

Functions over one transaction each. Guarantees: intents and tails stay, however their run ended, until the shard is sealed; then
they go in the same transaction that records the segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import Connection, Table, delete, insert, select

from connectors.ledger import leases
from connectors.ledger.batches import Record, all_said, latest_facts, latest_intents, unpack
from connectors.ledger.schema import intents, runs, segments, shards, tails
from relocation.rules.errors import LeaseLost, StateMismatch
from relocation.rules.records import Fact, Intent, Lease, OpenUpload, Segment, ShardTally

SEGMENT_COLUMNS = tuple(segments.c[field.name] for field in fields(Segment))


def add_shards(connection: Connection, run_id: str, stage: str, wanted: Sequence[tuple[int, int]]) -> None:
    """Record a stage's shards; the same again changes nothing, others are a `StateMismatch`."""
    here = (shards.c.run_id == run_id, shards.c.stage == stage)
    query = select(shards.c.objects, shards.c.bytes).where(*here).order_by(shards.c.number)
    recorded = [(row.objects, row.bytes) for row in connection.execute(query)]
    if recorded and recorded != [tuple(one) for one in wanted]:
        raise StateMismatch(
            f"run {run_id} has {len(recorded)} other shards for {stage} than the {len(wanted)} given: "
            "a run keeps the shards of its plan; begin a new run"
        )
    if recorded or not wanted:
        return
    fresh = {"sealed": False, "token": 0, **leases.FREE}
    rows = [
        {"number": number, "objects": objects, "bytes": size, "run_id": run_id, "stage": stage, **fresh}
        for number, (objects, size) in enumerate(wanted)
    ]
    connection.execute(insert(shards), rows)


def tallies(connection: Connection, run_id: str, stage: str, *, now: float) -> tuple[ShardTally, ...]:
    """Return the stage's shards in their order. One whose lease ran out is open again."""
    query = select(shards).where(shards.c.run_id == run_id, shards.c.stage == stage).order_by(shards.c.number)
    return tuple(
        ShardTally(row.number, "sealed" if row.sealed else "leased" if row.expires_at > now else "open", row.objects, row.bytes)
        for row in connection.execute(query)
    )


def append(connection: Connection, table: Table, lease: Lease, data: bytes, rows: int) -> None:
    """Add one batch to a held shard."""
    leases.hold(connection, lease)
    connection.execute(insert(table).values(run_id=lease.run_id, stage=lease.stage, shard=lease.shard, rows=rows, data=data))


def read_intents(connection: Connection, run_id: str, stage: str, shard: int) -> tuple[Intent, ...]:
    return latest_intents(_of_shard(connection, intents, Intent, (run_id, stage, shard)))


def read_tail(connection: Connection, run_id: str, stage: str, shard: int) -> tuple[Fact, ...]:
    return latest_facts(_of_shard(connection, tails, Fact, (run_id, stage, shard)))


def seal(connection: Connection, lease: Lease, segment: Segment) -> None:
    """Record a segment, close its shard and drop what it was made from. The same again by the same lease changes nothing."""
    if (segment.run_id, segment.stage, segment.shard) != (lease.run_id, lease.stage, lease.shard):
        raise StateMismatch(
            f"segment {segment.name} is of shard {segment.shard} of {segment.stage} in run {segment.run_id}, "
            f"the lease of shard {lease.shard} of {lease.stage} in run {lease.run_id}"
        )
    if leases.is_sealed(connection, lease):
        if segment not in list_segments(connection, category="", run_id=lease.run_id, stage=lease.stage):
            raise LeaseLost(f"shard {lease.shard} of {lease.stage} in run {lease.run_id} is sealed already, with another segment")
        return
    leases.hold(connection, lease)
    connection.execute(insert(segments).values(**asdict(segment)))
    leases.mark_sealed(connection, lease)
    for table in (intents, tails):
        connection.execute(
            delete(table).where(table.c.run_id == lease.run_id, table.c.stage == lease.stage, table.c.shard == lease.shard)
        )


def list_segments(connection: Connection, *, category: str, run_id: str, stage: str) -> tuple[Segment, ...]:
    query = select(*SEGMENT_COLUMNS).order_by(segments.c.number)
    for column, value in ((segments.c.category, category), (segments.c.run_id, run_id), (segments.c.stage, stage)):
        if value:
            query = query.where(column == value)
    return tuple(Segment(**row._mapping) for row in connection.execute(query))  # noqa: SLF001 — public in SQLAlchemy


def open_intents(connection: Connection, category: str) -> tuple[Intent, ...]:
    """Return whatever the unsealed shards of the category's runs foretold or wrote, oldest run first."""
    said = _by_shard(connection, intents, Intent, category)
    done = _by_shard(connection, tails, Fact, category)
    found: list[Intent] = []
    for place in sorted(said.keys() | done.keys()):
        found += all_said(place[-1], said.get(place, []), done.get(place, []))
    return tuple(found)


def open_uploads(connection: Connection, category: str) -> tuple[OpenUpload, ...]:
    """Return the uploads that intents of unsealed shards name, with the wave of their run, oldest run first."""
    query = (
        select(runs.c.wave, intents.c.data)
        .join_from(intents, runs, intents.c.run_id == runs.c.id)
        .where(runs.c.category == category)
        .order_by(runs.c.number, intents.c.number)
    )
    found = ((row.wave, intent) for row in connection.execute(query) for intent in unpack(row.data, Intent))
    named = (OpenUpload(wave, each.target_bucket, each.target_key, each.upload_id) for wave, each in found if each.upload_id)
    return tuple(dict.fromkeys(named))


def open_tails(connection: Connection, category: str) -> tuple[Fact, ...]:
    """Return the facts of every unsealed shard of the category's runs, oldest first, each shard's in their order."""
    return tuple(fact for facts in _by_shard(connection, tails, Fact, category).values() for fact in latest_facts(facts))


def _of_shard(connection: Connection, table: Table, kind: type[Record], place: tuple[str, str, int]) -> list[Record]:
    run_id, stage, shard = place
    here = (table.c.run_id == run_id, table.c.stage == stage, table.c.shard == shard)
    found: list[Record] = []
    for data in connection.execute(select(table.c.data).where(*here).order_by(table.c.number)).scalars():
        found += unpack(data, kind)
    return found


def _by_shard(connection: Connection, table: Table, kind: type[Record], category: str) -> dict[tuple[int, str, int], list[Record]]:
    """Return the open batches of a category by (number of the run, stage, shard), oldest run first. Sealed shards have none."""
    query = (
        select(runs.c.number.label("run_number"), table.c.stage, table.c.shard, table.c.data)
        .join_from(table, runs, table.c.run_id == runs.c.id)
        .where(runs.c.category == category)
        .order_by(runs.c.number, table.c.number)
    )
    found: dict[tuple[int, str, int], list[Record]] = {}
    for row in connection.execute(query):
        found.setdefault((row.run_number, row.stage, row.shard), []).extend(unpack(row.data, kind))
    return found
