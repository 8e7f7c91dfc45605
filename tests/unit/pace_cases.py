"""What the tests of the pace stand on: a clock that lets others have their turn, a gate over it, and a server of arithmetic."""

from __future__ import annotations

import asyncio
import heapq
import random
from dataclasses import dataclass

from connectors.pace.gate import Gate
from relocation.rules.pace import Window
from tests.unit.ledger_cases import StillClock


class YieldingClock(StillClock):
    """A clock that moves when somebody sleeps on it, and lets everybody else go first."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.seconds += seconds


def gate_of(clock: StillClock | None = None, **changes) -> Gate:
    """A gate whose jitter is always the whole of what it may be."""
    return Gate("korea", clock or YieldingClock(), **{"chance": lambda: 1.0, **changes})


@dataclass(frozen=True)
class Settled:
    """What a simulated server came to in the second half of its time."""

    per_s: float
    least: int
    usual: int
    most: int


def simulated(*, workers: int, service_s: float, latency_s: float, most: int = 256, for_s: float = 20.0, jitter: float = 0.0):
    """Send a server of so many workers, so far away, as many requests at once as a window allows."""
    window, chance = Window(most), random.Random(20261122)
    free, under_way, limits = [0.0] * workers, [], []
    now_s, in_flight, done = 0.0, 0, 0
    while now_s < for_s:
        while in_flight < window.limit:
            in_flight += 1
            there_s = now_s + latency_s / 2 * (1 + jitter * chance.random())
            done_s = max(there_s, free[0]) + service_s * chance.uniform(0.6, 1.4)
            heapq.heapreplace(free, done_s)  # by the worker that is free first
            heapq.heappush(under_way, (done_s + latency_s / 2 * (1 + jitter * chance.random()), now_s))
        now_s, began_s = heapq.heappop(under_way)
        window.answered(now_s, began_s, 15, in_flight)
        in_flight -= 1
        assert 1 <= window.limit <= most
        if now_s > for_s / 2:
            done += 1
            limits.append(window.limit)
    limits.sort()
    return Settled(done / (for_s / 2), limits[0], limits[len(limits) // 2], limits[-1])
