"""Put Korea's objects where they belong, as the application's own user would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from connectors.clock import SystemClock
from connectors.stores import S3Stores
from connectors.vault import crc64nvme_of
from hikkoshi.demo.korea import Made, korea
from relocation.ports import Store
from relocation.rules.objects import Part
from relocation.rules.summary import Count
from relocation.settings import Migration
from relocation.transfer.crew import work_all

AT_ONCE = 12


@dataclass(slots=True)
class Seeded:
    """How many objects and bytes are in each bucket."""

    buckets: dict[str, Count]

    @property
    def total(self) -> Count:
        """Return the sum over all buckets."""
        return sum(self.buckets.values(), Count())


async def seed(settings: Migration, environ: Mapping[str, str]) -> Seeded:
    """Make everything of `korea()` there, and return what was put where."""
    stores = S3Stores(settings, environ, SystemClock())
    store = stores.of("korea", "application")
    seeded = Seeded({})

    async def put(made: Made) -> None:
        await _put(store, made)
        seeded.buckets[made.bucket] = seeded.buckets.get(made.bucket, Count()) + Count(1, len(made.body))

    try:
        await work_all(_each(), put, size=AT_ONCE)
    finally:
        await stores.close()
    return seeded


async def _each() -> AsyncIterator[Made]:
    for made in korea():
        yield made


async def _put(store: Store, made: Made) -> None:
    if not made.part_bytes:
        await store.put(made.bucket, made.key, made.body, attributes=made.attributes, crc64nvme=crc64nvme_of(made.body))
        return
    upload_id = await store.create_upload(made.bucket, made.key, attributes=made.attributes)
    parts: list[Part] = []
    start, whole = 0, memoryview(made.body)
    for number, size in enumerate(made.part_bytes, 1):
        piece = whole[start : start + size]
        parts.append(await store.put_part(made.bucket, made.key, upload_id, number, piece, crc64nvme=crc64nvme_of(bytes(piece))))
        start += size
    await store.complete_upload(made.bucket, made.key, upload_id, parts, crc64nvme=crc64nvme_of(made.body))
