"""The port `Route` in the ledger: functions over one transaction each.

Guarantees: a change is compare-and-set by version; that something was erased is never taken back.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from connectors.ledger.schema import routes
from relocation.rules.errors import StateMismatch
from relocation.rules.records import RouteRecord

OF_CATEGORY = select(routes).where(routes.c.category == bindparam("of_category")).order_by(routes.c.wave)
_OF_WAVE = and_(routes.c.category == bindparam("of_category"), routes.c.wave == bindparam("of_wave"))
OF_WAVE, ADD, SAVE = select(routes).where(_OF_WAVE).with_for_update(), insert(routes), update(routes).where(_OF_WAVE)


def of_category(connection: Connection, category: str) -> tuple[RouteRecord, ...]:
    """Return what was ever said of the category's waves."""
    rows = connection.execute(OF_CATEGORY, {"of_category": category})
    return tuple(RouteRecord(**row._mapping) for row in rows)  # noqa: SLF001 — public in SQLAlchemy


def put(connection: Connection, wanted: RouteRecord) -> RouteRecord:
    """Put a record in place of the one whose version it carries."""
    here = {"of_category": wanted.category, "of_wave": wanted.wave}
    row = connection.execute(OF_WAVE, here).one_or_none()
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
        connection.execute(ADD, asdict(after))
    else:
        connection.execute(SAVE, here | asdict(after))
    return after
