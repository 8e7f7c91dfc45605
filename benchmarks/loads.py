"""What is copied: loads of objects that are the same on every machine (seeded), put to the source by our own store.

`small` many of 16 KiB; `large` 4 × 256 MiB in parts of 16 MiB; `mixed` log-normal from 4 KiB to 64 MiB, 2 GiB in all; `one` a
single small object, by which a tool's fixed cost is known; `empty` nothing; `beyond` one object that no single PUT could hold.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.migration import write_migration
from benchmarks.pair import SOURCE, Pair
from connectors.clock import SystemClock
from connectors.configuration import read
from connectors.stores import S3Stores
from relocation.ports import Store

KIB, MIB, GIB = 1024, 1024**2, 1024**3
SMALL_BYTES = 16 * KIB
PART_BYTES = 16 * MIB
MIXED_MEDIAN_BYTES, MIXED_SIGMA = 256 * KIB, 2.0
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Load:
    """Objects of these sizes under the prefix `NAME/`; what is larger than a part is put in parts."""

    name: str
    sizes: tuple[int, ...]
    part_bytes: int = PART_BYTES

    @property
    def objects(self) -> int:
        return len(self.sizes)

    @property
    def bytes(self) -> int:
        return sum(self.sizes)

    @property
    def prefix(self) -> str:
        return f"{self.name}/"


def small(objects: int, name: str = "small") -> Load:
    return Load(name, (SMALL_BYTES,) * objects)


def large(objects: int = 4) -> Load:
    return Load("large", (256 * MIB,) * objects)


def mixed(total_bytes: int = 2 * GIB) -> Load:
    """Return log-normal sizes, cut to 4 KiB – 64 MiB; the last object is cut so that the sum is exact."""
    random_, sizes, left = random.Random(11), [], total_bytes
    while left > 0:
        drawn = round(random_.lognormvariate(math.log(MIXED_MEDIAN_BYTES), MIXED_SIGMA))
        sizes.append(min(max(drawn, 4 * KIB), 64 * MIB, left))
        left -= sizes[-1]
    return Load("mixed", tuple(sizes))


def beyond() -> Load:
    """Return one object of 5.1 GiB in 82 parts: beyond the 5 GiB of a single PUT (S3's limit)."""
    return Load("beyond", (5 * GIB + 102 * MIB + 1,), part_bytes=64 * MIB)


async def seed(pair: Pair, loads: Sequence[Load]) -> None:
    """Put every object of the loads to the source; what is larger than a part of its load goes in parts."""
    environment = pair.environment()
    settings = read(write_migration(pair, "seed", source="", target=""), environment)
    stores = S3Stores(settings, environment, SystemClock())
    try:
        store = stores.of("korea", "application")
        random_ = random.Random(7)
        pool = random_.randbytes(max((load.part_bytes for load in loads), default=0) + MIB)
        for load in loads:
            feed = iter(enumerate(load.sizes))

            async def lane(load: Load = load, feed: Iterator[tuple[int, int]] = feed) -> None:
                for number, size in feed:
                    await _put(
                        store, f"{load.prefix}{number % 100:02}/{number:07}", size, partial(_body, pool, random_), load.part_bytes
                    )

            await asyncio.gather(*(lane() for _ in range(AT_ONCE)))
    finally:
        await stores.close()


async def _put(store: Store, key: str, size: int, body: Callable[[int], memoryview], part_bytes: int) -> None:
    if size <= part_bytes:
        await store.put(SOURCE, key, body(size))
        return
    upload_id = await store.create_upload(SOURCE, key, checksum=False)
    parts = []
    for number, begin in enumerate(range(0, size, part_bytes), 1):
        parts.append(await store.put_part(SOURCE, key, upload_id, number, body(min(part_bytes, size - begin))))
    await store.complete_upload(SOURCE, key, upload_id, parts)


def _body(pool: bytes, random_: random.Random, size: int) -> memoryview:
    """Return bytes that no other object has, cheaply: a window of random ones."""
    begin = random_.randrange(len(pool) - size)
    return memoryview(pool)[begin : begin + size]
