"""What the recorded routes of a category mean for the plan of one of its waves. Pure.

Guarantees: as soon as anything of a category was moved or erased, and its waves were cut otherwise since, every wave of it counts
as erased: an object may then belong to another wave than the one that erased it, and "gone at the source" may be our own doing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from relocation.rules.errors import StateMismatch
from relocation.rules.plan import Route
from relocation.rules.records import RouteRecord


class Standing(NamedTuple):
    """Where a wave's readers and writers go, and whether its source may lack what we ourselves erased."""

    route: Route
    erased: bool


ROUTES: tuple[Route, ...] = ("source", "target_first", "target")


def standing_route(records: Iterable[RouteRecord], wave: str, *, partition_sha256: str) -> Standing:
    """Return what holds for one wave, from the records of its whole category."""
    route: Route = "source"
    erased = False
    for record in records:
        if record.wave == wave:
            route, erased = route_named(record.route), erased or record.erased
        moved = record.route != "source" or record.erased
        erased = erased or (moved and record.partition_sha256 != partition_sha256)
    return Standing(route, erased)


def route_named(name: str) -> Route:
    """Return a route by its name. One that nobody knows is no reason to guess (`StateMismatch`)."""
    for route in ROUTES:
        if route == name:
            return route
    raise StateMismatch(f"the ledger has a route named {name}, and this program knows {', '.join(ROUTES)}: use a newer one")
