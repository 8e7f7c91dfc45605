"""How buckets are set up, read in the control plane: eight requests a bucket, in a thread, which loads boto3 when first asked.

Guarantees: only reads; a right that is missing, a thing that a store does not have and a thing that is not set are told apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from connectors import credentials
from relocation.rules.bucket_settings import Aspect, BucketSettings
from relocation.rules.objects import Place
from relocation.settings import Migration

if TYPE_CHECKING:
    from connectors.s3.bucket_reader import BucketReader

ROLE = "reader"


class BucketConfigurations:
    """The port `Buckets` over boto3: one reader an endpoint, made when first asked for."""

    def __init__(self, settings: Migration, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._readers: dict[str, BucketReader] = {}

    async def read(self, place: Place, aspects: Collection[Aspect] = tuple(Aspect)) -> BucketSettings:
        """Read these aspects of one bucket."""
        return await asyncio.to_thread(self._read, place, aspects)

    def close(self) -> None:
        """Close every connection."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def _read(self, place: Place, aspects: Collection[Aspect]) -> BucketSettings:
        from connectors.s3.bucket_reader import BucketReader  # noqa: PLC0415 — half a second that most commands need not spend

        if place.endpoint not in self._readers:
            keys = credentials.of_role(self._settings, place.endpoint, ROLE, environ=self._environ)
            self._readers[place.endpoint] = BucketReader(
                self._settings.endpoints[place.endpoint], keys, limits=self._settings.transfer, role=ROLE
            )
        return self._readers[place.endpoint].read(place, aspects)
