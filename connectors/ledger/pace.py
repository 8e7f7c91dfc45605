"""What the ledger knows of the pace: orders, who waits and why, how many processes share an endpoint, what was spent.

Functions over one transaction each. Guarantees: a process counts as at work only while it holds a live lease; one that is dead for
certain neither counts nor waits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, delete, insert, select, update

from connectors.ledger.leases import Holder
from connectors.ledger.schema import orders, shards, spent, waiting, waves
from relocation.rules.pace import PaceOrder, Traffic


@dataclass(frozen=True, slots=True)
class Waiting:
    """An endpoint keeps a process waiting: since when, and until when (seconds since the epoch; 0: until somebody says so)."""

    endpoint: str
    reason: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What holds for the pace. `others` counts processes with a live lease beside the one that asks."""

    orders: dict[str, PaceOrder]
    others: int
    waiting: tuple[Waiting, ...]
    spent: dict[str, Traffic]


def order(connection: Connection, wanted: PaceOrder) -> None:
    """Put an order in place of the one before."""
    connection.execute(delete(orders).where(orders.c.endpoint == wanted.endpoint))
    connection.execute(insert(orders).values(**asdict(wanted)))


def hear(connection: Connection, *, me: Holder, now: float) -> Heard:
    """Return what holds now."""
    at_work: set[Holder] = set()
    for table in (waves, shards):
        query = select(table.c.host, table.c.pid, table.c.started).where(table.c.expires_at > now).distinct()
        at_work |= {Holder(row.host, row.pid, row.started) for row in connection.execute(query)}
    told = [(Holder(row.host, row.pid, row.started), row) for row in connection.execute(select(waiting))]
    return Heard(
        orders={row.endpoint: PaceOrder(**row._mapping) for row in connection.execute(select(orders))},  # noqa: SLF001 — public
        others=sum(not holder.is_gone(me) for holder in at_work - {me}),
        waiting=tuple(Waiting(row.endpoint, row.reason, row.since, row.until) for who, row in told if not who.is_gone(me)),
        spent={
            row.endpoint: Traffic(**{field.name: getattr(row, field.name) for field in fields(Traffic)})
            for row in connection.execute(select(spent))
        },
    )


def add(connection: Connection, endpoint: str, traffic: Traffic) -> None:
    """Add to what was spent at an endpoint."""
    more = asdict(traffic)
    done = connection.execute(
        update(spent).where(spent.c.endpoint == endpoint).values({spent.c[name]: spent.c[name] + more[name] for name in more})
    )
    if not done.rowcount:
        connection.execute(insert(spent).values(endpoint=endpoint, **more))


def say_waiting(connection: Connection, told: Waiting, *, me: Holder) -> None:
    """Record why this process waits for an endpoint, or that it does no more (no reason)."""
    mine = (waiting.c.endpoint == told.endpoint, waiting.c.host == me.host, waiting.c.pid == me.pid)
    before = connection.execute(select(waiting.c.since).where(*mine, waiting.c.reason == told.reason)).scalar_one_or_none()
    connection.execute(delete(waiting).where(*mine))
    if told.reason:
        values = asdict(told) | {"since": told.since if before is None else before}
        connection.execute(insert(waiting).values(**values, host=me.host, pid=me.pid, started=me.started))
