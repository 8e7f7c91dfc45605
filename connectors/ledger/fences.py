"""Write fences in the ledger: functions over one transaction each.

Guarantees: a fence is one row, whatever became of it. A process counts as dead only where that is certain.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from connectors.ledger.leases import Holder
from connectors.ledger.schema import fences
from relocation.rules.fences import FenceRecord, FenceState

LISTS = ("prefixes", "categories", "users")
STANDING = select(fences).where(fences.c.state != FenceState.LIFTED).order_by(fences.c.number)
ADD, SAVE = insert(fences), update(fences).where(fences.c.id == bindparam("of_fence"))


def save(connection: Connection, fence: FenceRecord, *, me: Holder) -> None:
    """Record a fence, or how it stands now."""
    values = asdict(fence) | {name: json.dumps(getattr(fence, name)) for name in LISTS}
    values |= {"holder": me.host, "pid": me.pid, "started": me.started}
    if not connection.execute(SAVE, {"of_fence": fence.id, **values}).rowcount:
        connection.execute(ADD, values)


def standing(connection: Connection) -> tuple[FenceRecord, ...]:
    """Return every fence that is not lifted, oldest first."""
    return tuple(_fence(row) for row in _rows(connection))


def abandoned(connection: Connection, *, me: Holder) -> tuple[FenceRecord, ...]:
    """Return those that a process raised which is dead for certain."""
    return tuple(_fence(row) for row in _rows(connection) if row.by_run and Holder(row.holder, row.pid, row.started).is_gone(me))


def _rows(connection: Connection) -> list[Row[tuple[Any, ...]]]:
    return list(connection.execute(STANDING))


def _fence(row: Row[tuple[Any, ...]]) -> FenceRecord:
    values = {field.name: getattr(row, field.name) for field in fields(FenceRecord)}
    return FenceRecord(**values | {name: tuple(json.loads(values[name])) for name in LISTS})
