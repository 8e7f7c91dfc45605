"""The port `Route` in the ledger: functions over one transaction each.

Guarantees: a change is compare-and-set by version; that something was erased is never taken back.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from sqlalchemy import Connection, insert, select, update

from connectors.ledger.schema import routes
from relocation.rules.errors import StateMismatch
from relocation.rules.records import RouteRecord


def of_category(connection: Connection, category: str) -> tuple[RouteRecord, ...]:
    """Return what was ever said of the category's waves."""
    query = select(routes).where(routes.c.category == category).order_by(routes.c.wave)
    return tuple(RouteRecord(**row._mapping) for row in connection.execute(query))  # noqa: SLF001 — public in SQLAlchemy


def put(connection: Connection, wanted: RouteRecord) -> RouteRecord:
    """Put a record in place of the one whose version it carries."""
    here = (routes.c.category == wanted.category, routes.c.wave == wanted.wave)
    row = connection.execute(select(routes).where(*here).with_for_update()).one_or_none()
    stands = row.version if row else 0
    if stands != wanted.version:
        raise StateMismatch(
            f"the route of {wanted.category}/{wanted.wave} was changed meanwhile (version {stands} stands, {wanted.version} was "
            "expected): look at it again, then decide"
        )
    if row and row.erased and not wanted.erased:
        raise StateMismatch(f"something of {wanted.category}/{wanted.wave} was erased at the source: that can't be taken back")
    after = replace(wanted, version=stands + 1)
    if row is None:
        connection.execute(insert(routes).values(**asdict(after)))
    else:
        connection.execute(update(routes).where(*here).values(**asdict(after)))
    return after
