"""When what is killed, or stopped for a while: drawn from a seed before the soak begins, so that it can be had again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from dataclasses import dataclass
from typing import Literal

from tests.faults.house import House
from tests.faults.soaking.processes import Runner

Victim = Literal["worker", "korea", "japan", "all", "pause"]
KILLS: tuple[Victim, ...] = ("worker", "korea", "japan", "all")
SITES_OF: dict[Victim, tuple[str, ...]] = {"korea": ("korea",), "japan": ("japan",), "all": ("korea", "japan")}


@dataclass(frozen=True, slots=True)
class Blow:
    """One blow: after so many seconds of work, against whom, and for how long a server stays away or a worker is stopped."""

    at_s: float
    victim: Victim
    away_s: float


def draw(chance: random.Random, *, kills: int, pauses: int, seconds: float) -> list[Blow]:
    """Return the blows in their order: each kind of kill as often as the others, at moments drawn at random."""
    victims: list[Victim] = [KILLS[number % len(KILLS)] for number in range(kills)]
    victims += ["pause"] * pauses
    chance.shuffle(victims)
    moments = sorted(chance.uniform(0.02, 0.98) * seconds for _ in victims)
    return [
        Blow(at_s, victim, chance.uniform(0.5, 6.0) if victim == "pause" else chance.uniform(0.1, 1.5))
        for at_s, victim in zip(moments, victims, strict=True)
    ]


async def strike(blow: Blow, house: House, runner: Runner) -> None:
    """Kill -9 whoever is meant, wait, and start the servers again; a stopped worker is woken."""
    if blow.victim == "pause":
        os.kill(runner.pid, signal.SIGSTOP)
        await asyncio.sleep(blow.away_s)
        os.kill(runner.pid, signal.SIGCONT)
        return
    if blow.victim in {"worker", "all"}:
        await runner.kill()
    for site in SITES_OF.get(blow.victim, ()):
        house.kill(site)
    if blow.victim in SITES_OF:
        await asyncio.sleep(blow.away_s)
        await house.revive()
