"""A mixed load that grows batch by batch: many small objects, some larger ones, a few in uneven parts, all from a seed.

No two objects hold the same bytes, so that one in another's place would show.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

KIB, MIB = 1024, 1024 * 1024
PART_BYTES_MIN = 5 * MIB
SMALL, MIDDLE = 0.80, 0.985
"""Up to these shares of the objects are small, middling; the rest goes in parts."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One object of the load: its key and the sizes of its parts (one: written whole)."""

    key: str
    part_bytes: tuple[int, ...]
    mark: int

    @property
    def size(self) -> int:
        return sum(self.part_bytes)

    def parts(self) -> list[bytes]:
        """Return the bodies, different from those of every other mark."""
        return [body(size, self.mark * 16 + number) for number, size in enumerate(self.part_bytes)]


def body(size: int, mark: int) -> bytes:
    """Return so many bytes that begin with the mark."""
    noise = _noise()
    return ((b"%016x" % mark) + noise * (size // len(noise) + 1))[:size]


def batch(seed: int, number: int, *, objects: int) -> list[Planned]:
    """Return one batch of the load, the same for the same seed and number."""
    chance = random.Random(f"{seed} {number}")
    return [_planned(chance, number, index) for index in range(objects)]


def _planned(chance: random.Random, number: int, index: int) -> Planned:
    kind, mark = chance.random(), number * 1_000_000 + index
    if kind < SMALL:
        sizes: tuple[int, ...] = (chance.choice((16, chance.randrange(17, 4 * KIB), 16 * KIB, chance.randrange(64 * KIB))),)
    elif kind < MIDDLE:
        sizes = (chance.randrange(64 * KIB, MIB),)
    else:
        sizes = (*(PART_BYTES_MIN + chance.randrange(64 * KIB) for _ in range(chance.randrange(1, 3))), chance.randrange(16, MIB))
    return Planned(f"{number:03}/{chance.randrange(40):02}/写真 {index:05}", sizes, mark)


@cache
def _noise() -> bytes:
    return random.Random(20261122).randbytes(64 * KIB + 1)
