"""What the ledger knows of shards: their batches of intents and facts, and the segments that they become.

Functions over one transaction each. Guarantees: intents and tails stay, however their run ended, until the shard is sealed; then
they go in the same transaction that records the segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, bindparam, delete, insert, select

from connectors.ledger import leases
from connectors.ledger.batches import Record, all_said, latest_facts, latest_intents, unpack
from connectors.ledger.schema import intents, runs, segments, shards, tails
from relocation.rules.errors import LeaseLost, StateMismatch
from relocation.rules.records import Fact, Intent, Lease, OpenUpload, Segment, ShardTally

SHARDS, ADD_SHARDS = select(shards).where(leases.OF_STAGE).order_by(shards.c.number), insert(shards)
ADD_SEGMENT = insert(segments)
UPLOADS = (
    select(runs.c.wave, intents.c.data)
    .join_from(intents, runs, intents.c.run_id == runs.c.id)
    .where(runs.c.category == bindparam("of_category"))
    .order_by(runs.c.number, intents.c.number)
)


class _Batches:
    """The statements for one table of batches."""

    def __init__(self, table: Table) -> None:
        here = and_(
            table.c.run_id == bindparam("of_run"), table.c.stage == bindparam("of_stage"), table.c.shard == bindparam("of_shard")
        )
        self.add, self.drop = insert(table), delete(table).where(here)
        self.of_shard = select(table.c.data).where(here).order_by(table.c.number)
        self.of_category = (
            select(runs.c.number.label("run_number"), table.c.stage, table.c.shard, table.c.data)
            .join_from(table, runs, table.c.run_id == runs.c.id)
            .where(runs.c.category == bindparam("of_category"))
            .order_by(runs.c.number, table.c.number)
        )


BATCHES = {table: _Batches(table) for table in (intents, tails)}


def add_shards(connection: Connection, run_id: str, stage: str, wanted: Sequence[tuple[int, int]]) -> None:
    """Record a stage's shards; the same again changes nothing, others are a `StateMismatch`."""
    recorded = [(row.objects, row.bytes) for row in connection.execute(SHARDS, {"of_run": run_id, "of_stage": stage})]
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
    connection.execute(ADD_SHARDS, rows)


def tallies(connection: Connection, run_id: str, stage: str, *, now: float) -> tuple[ShardTally, ...]:
    """Return the stage's shards in their order. One whose lease ran out is open again."""
    return tuple(
        ShardTally(row.number, "sealed" if row.sealed else "leased" if row.expires_at > now else "open", row.objects, row.bytes)
        for row in connection.execute(SHARDS, {"of_run": run_id, "of_stage": stage})
    )


def append(connection: Connection, table: Table, lease: Lease, data: bytes, rows: int) -> None:
    """Add one batch to a held shard."""
    leases.hold(connection, lease)
    place = {"run_id": lease.run_id, "stage": lease.stage, "shard": lease.shard}
    connection.execute(BATCHES[table].add, {**place, "rows": rows, "data": data})


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
    connection.execute(ADD_SEGMENT, asdict(segment))
    leases.mark_sealed(connection, lease)
    for table in (intents, tails):
        connection.execute(BATCHES[table].drop, leases.place_of(lease))


def list_segments(connection: Connection, *, category: str, run_id: str, stage: str) -> tuple[Segment, ...]:
    wanted = {name: value for name, value in (("category", category), ("run_id", run_id), ("stage", stage)) if value}
    return tuple(Segment(*row) for row in connection.execute(_segments_by(*wanted), wanted))


@cache
def _segments_by(*names: str) -> Select[Any]:
    """Return the statement for the segments with certain values in these columns."""
    columns = (segments.c[field.name] for field in fields(Segment))
    return select(*columns).where(*(segments.c[name] == bindparam(name) for name in names)).order_by(segments.c.number)


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
    rows = connection.execute(UPLOADS, {"of_category": category})
    found = ((row.wave, intent) for row in rows for intent in unpack(row.data, Intent))
    named = (OpenUpload(wave, each.target_bucket, each.target_key, each.upload_id) for wave, each in found if each.upload_id)
    return tuple(dict.fromkeys(named))


def open_tails(connection: Connection, category: str) -> tuple[Fact, ...]:
    """Return the facts of every unsealed shard of the category's runs, oldest first, each shard's in their order."""
    return tuple(fact for facts in _by_shard(connection, tails, Fact, category).values() for fact in latest_facts(facts))


def _of_shard(connection: Connection, table: Table, kind: type[Record], place: tuple[str, str, int]) -> list[Record]:
    found: list[Record] = []
    here = dict(zip(("of_run", "of_stage", "of_shard"), place, strict=True))
    for data in connection.execute(BATCHES[table].of_shard, here).scalars():
        found += unpack(data, kind)
    return found


def _by_shard(connection: Connection, table: Table, kind: type[Record], category: str) -> dict[tuple[int, str, int], list[Record]]:
    """Return the open batches of a category by (number of the run, stage, shard), oldest run first. Sealed shards have none."""
    found: dict[tuple[int, str, int], list[Record]] = {}
    for row in connection.execute(BATCHES[table].of_category, {"of_category": category}):
        found.setdefault((row.run_number, row.stage, row.shard), []).extend(unpack(row.data, kind))
    return found
