"""Keeps the gates of this process to what people configured and ordered, about once a second, as long as the process is at work.

Guarantees: what is ordered holds within two seconds; rates are shared by the processes at work; where an endpoint keeps this
process waiting, the ledger and the progress say why; what was spent is in the ledger, and a cap that is reached stops the wave.
An unreachable ledger changes nothing here: the last order stands, and whoever works meets the same fault and says it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

from connectors.ledger.pace import Heard
from connectors.ledger.store import SqlLedger
from connectors.pace.gate import Gate
from relocation.ports import Clock
from relocation.rules.errors import ConfigurationError, CostCapReached, HikkoshiError
from relocation.rules.pace import Tariff, Traffic, rates_now
from relocation.settings import Migration, Prices

EVERY_S = 1.0
COUNT_EVERY = 10
"""Where no cap hangs on it, traffic is recorded at every tenth look: a commit waits for the disk."""
NONE = Traffic()


class Keeper:
    """What the gates of a process are kept to. `look` does it once; `keeping` again and again."""

    def __init__(self, settings: Migration, gates: Mapping[str, Gate], ledger: SqlLedger, clock: Clock, prices: Prices) -> None:
        self._gates = gates
        self._ledger = ledger
        self._clock = clock
        self._limits = {name: tuple(each.limit() for each in endpoint.limits) for name, endpoint in settings.endpoints.items()}
        self._cap = settings.transfer.cost_cap
        self._currency = prices.currency or ""
        self._tariffs = tariffs(settings, prices) if self._cap is not None else {}
        self._told: dict[str, Traffic] = {}
        self._waits: dict[str, str] = {}
        self._looks = 0

    async def look(self, *, last: bool = False) -> None:
        """Hear what was ordered and keep the gates to it; say what they came to. `last`: count everything, however little."""
        heard = await self._ledger.hear_pace()
        for name, gate in self._gates.items():
            order = heard.orders.get(name)
            gate.set_rates(rates_now(self._limits[name], order, self._clock.now()).shared_by(heard.others + 1))
            if order is not None and order.paused_at:
                gate.pause(order.paused_at, order.who)
            else:
                gate.resume()
            await self._say(name, gate)
        self._looks += 1
        if self._cap is not None or last or self._looks % COUNT_EVERY == 0:
            await self._count(heard)

    async def _say(self, name: str, gate: Gate) -> None:
        reason, until = gate.waits()
        if reason != self._waits.get(name, ""):
            await self._ledger.say_waiting(name, reason, until=until)
            self._waits[name] = reason

    async def _count(self, heard: Heard) -> None:
        """Record what was asked of the endpoints; refuse more where it has cost as much as it may."""
        now = {name: gate.traffic() for name, gate in self._gates.items()}
        new = {name: traffic - self._told.get(name, NONE) for name, traffic in now.items()}
        if any(traffic != NONE for traffic in new.values()):
            await self._ledger.add_traffic(new)
            self._told = now
        if self._cap is None:
            return
        spent = {name: heard.spent.get(name, NONE) + traffic for name, traffic in new.items()}
        cost = sum((tariff.cost(spent.get(name, Traffic())) for name, tariff in self._tariffs.items()), Decimal())
        if cost >= self._cap:
            error = CostCapReached(
                f"this migration has spent {cost:.2f} {self._currency} on requests and traffic, and may spend {self._cap} "
                "(transfer.cost_cap): nothing more is asked of any endpoint. What was done is kept; raise the cap, and run again: "
                "it goes on where it was"
            )
            for gate in self._gates.values():
                gate.refuse_all(error)

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Look once now, then every second while work goes on inside, and once more at its end."""
        await self._look_if_possible()
        task = asyncio.get_running_loop().create_task(self._look_forever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            await self._look_if_possible(last=True)
            await self._done_waiting()

    async def _look_forever(self) -> None:
        while True:
            await self._clock.sleep(EVERY_S)
            await self._look_if_possible()

    async def _look_if_possible(self, *, last: bool = False) -> None:
        try:
            await self.look(last=last)
        except HikkoshiError:
            return  # see the module's words: the last order stands

    async def _done_waiting(self) -> None:
        try:
            for name in [name for name, reason in self._waits.items() if reason]:
                await self._ledger.say_waiting(name, "", until=0.0)
        except HikkoshiError:
            return  # whoever reads it sees that this process is gone


def tariffs(settings: Migration, prices: Prices) -> dict[str, Tariff]:
    """Return the prices by endpoint. Raises ConfigurationError where a cap can't be held because a price is not known."""
    found, problems = {}, []
    for name in settings.endpoints:
        each = prices.of(name)
        known = {field: getattr(each, field) for field in NAMES}
        used = _used(settings, name)
        problems += [f"transfer.cost_cap: {field} of {name} is not known" for field in used if known[field] is None]
        found[name] = Tariff(**{field: value for field, value in known.items() if value is not None})
    if problems:
        file = str(settings.prices or settings.file)
        raise ConfigurationError(file, (*problems, "fill the prices in (0 for what is free), with a currency, or take the cap out"))
    return found


NAMES = ("get_per_1000", "put_per_1000", "list_per_1000", "egress_per_gb", "ingress_per_gb")


def _used(settings: Migration, endpoint: str) -> tuple[str, ...]:
    """Return the prices that a migration can't do without at an endpoint: a target is written to as well."""
    written = any(move.target.endpoint == endpoint for category in settings.categories.values() for move in category.moves)
    return NAMES if written else ("get_per_1000", "list_per_1000", "egress_per_gb")
