"""Orders for the pace of an endpoint: what an operator changes, and what stands then. The same for the command and for Prefect.

Guarantees: an order is in the ledger, and in its audit chain, when the call returns; every process at work hears of it within two
seconds. Refuses an endpoint that the configuration does not have, and a ledger that was not begun yet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.assemble import ledger_alone
from connectors.ledger.pace import Heard
from relocation.rules.errors import StateMismatch
from relocation.rules.evidence import sha256_of
from relocation.rules.pace import PaceOrder, Rates, rates_now
from relocation.settings import Migration


@dataclass(frozen=True, slots=True)
class PaceChange:
    """What to change; None leaves it as it is. A rate of 0 is no limit. `clear` takes every earlier order back first."""

    bytes_per_s: float | None = None
    requests_per_s: float | None = None
    paused: bool | None = None
    clear: bool = False

    @property
    def is_none(self) -> bool:
        """Whether there is nothing to change."""
        return self == PaceChange()


@dataclass(frozen=True, slots=True)
class PaceStanding:
    """How the pace of one endpoint stands: the rates now, for all processes together, what was ordered, and who waits why."""

    endpoint: str
    rates: Rates
    order: PaceOrder | None
    processes: int
    waits: tuple[str, ...]

    def told(self, timezone: str) -> str:
        """Return it as one line: `paused since 06-30 14:02 by mina; at most 200 MB/s`."""
        parts = []
        if self.order and self.order.paused_at:
            parts.append(f"paused since {moment(self.order.paused_at, timezone)} by {self.order.who}")
        parts += self.waits
        limits = shown(self.rates)
        ordered = self.order is not None and (self.order.bytes_per_s is not None or self.order.requests_per_s is not None)
        parts.append(f"at most {limits}" + (" (ordered)" if ordered else "") if limits else "no limit")
        return "; ".join(parts)


async def order_pace(settings: Migration, endpoint: str, change: PaceChange, *, who: str) -> PaceStanding:
    """Record a change (none: only look) and return how the endpoint's pace stands. Raises ConfigurationError, StateMismatch."""
    settings.endpoint_named(endpoint)
    async with ledger_alone(settings) as ledger:
        if ledger is None:
            raise StateMismatch("nothing was run yet, so there is nobody to order; `endpoints.NAME.limits` holds from the start")
        heard = await ledger.hear_pace()
        if not change.is_none:
            wanted = changed(heard.orders.get(endpoint), endpoint, change, who=who, now=time.time())
            await ledger.order_pace(wanted)
            await ledger.audit(
                "pace.ordered", endpoint, sha256_of({name: str(value) for name, value in asdict(wanted).items()}), actor=who
            )
            heard = await ledger.hear_pace()
    return standing_of(settings, endpoint, heard, now=time.time())


def changed(before: PaceOrder | None, endpoint: str, change: PaceChange, *, who: str, now: float) -> PaceOrder:
    """Return the order that a change makes of the one before."""
    old = before if before is not None and not change.clear else PaceOrder(endpoint)
    new = replace(old, who=who, at=now)
    if change.bytes_per_s is not None:
        new = replace(new, bytes_per_s=change.bytes_per_s)
    if change.requests_per_s is not None:
        new = replace(new, requests_per_s=change.requests_per_s)
    if change.paused is not None:
        new = replace(new, paused_at=(old.paused_at or now) if change.paused else 0.0)
    return new


def standing_of(settings: Migration, endpoint: str, heard: Heard, *, now: float) -> PaceStanding:
    """Return how an endpoint's pace stands."""
    limits = [each.limit() for each in settings.endpoints[endpoint].limits]
    order = heard.orders.get(endpoint)
    waits = tuple(
        f"kept waiting since {moment(each.since, settings.timezone)}"
        + (f" until {moment(each.until, settings.timezone)}" if each.until else "")
        + f": {each.reason}"
        for each in heard.waiting
        if each.endpoint == endpoint and each.reason != "paused"
    )
    return PaceStanding(endpoint, rates_now(limits, order, now), order, heard.others, waits)


async def standings(settings: Migration) -> Mapping[str, PaceStanding]:
    """Return how the pace of every endpoint stands, by name; nothing where no ledger was begun."""
    async with ledger_alone(settings) as ledger:
        heard = await ledger.hear_pace() if ledger else None
    if heard is None:
        return {}
    return {name: standing_of(settings, name, heard, now=time.time()) for name in settings.endpoints}


def moment(at: float, timezone: str) -> str:
    """Return a moment (seconds since the epoch) as `06-30 14:02:07` in a time zone."""
    return f"{datetime.fromtimestamp(at, ZoneInfo(timezone)):%m-%d %H:%M:%S}"


def shown(rates: Rates) -> str:
    """Return rates in words; empty without any."""
    parts = [f"{rates.bytes_per_s / 1e6:,.4g} MB/s"] if rates.bytes_per_s else []
    parts += [f"{rates.requests_per_s:,.4g} requests/s"] if rates.requests_per_s else []
    return ", ".join(parts)
