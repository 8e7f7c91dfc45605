"""How buckets are set up, asked over the reader's own store: one small document an aspect, all of them at once.

Guarantees: only reads; a right that is missing, a thing that a store does not have and a thing that is not set are told apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from connectors.s3.bucket_answers import Understood, understood
from connectors.s3.store import S3Store
from connectors.stores import S3Stores
from relocation.rules.bucket_settings import Aspect, BucketSettings, Setting, State
from relocation.rules.errors import BadRequest, Forbidden, NotFound
from relocation.rules.objects import Place

ROLE = "reader"
NONE = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchConfiguration",
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
NOT_OFFERED = frozenset({"NotImplemented", "MethodNotAllowed"})
ASKED_BY = {
    Aspect.VERSIONING: ("versioning", "s3:GetBucketVersioning"),
    Aspect.OBJECT_LOCK: ("object-lock", "s3:GetBucketObjectLockConfiguration"),
    Aspect.LIFECYCLE: ("lifecycle", "s3:GetLifecycleConfiguration"),
    Aspect.ENCRYPTION: ("encryption", "s3:GetEncryptionConfiguration"),
    Aspect.CORS: ("cors", "s3:GetBucketCORS"),
    Aspect.NOTIFICATIONS: ("notification", "s3:GetBucketNotification"),
    Aspect.POLICY: ("policy", "s3:GetBucketPolicy"),
    Aspect.REPLICATION: ("replication", "s3:GetReplicationConfiguration"),
}
"""What of the bucket is asked for (its sub-resource), and the IAM action that this needs."""


class BucketConfigurations:
    """The port `Buckets` over the stores that there are already."""

    def __init__(self, stores: S3Stores) -> None:
        self._stores = stores

    async def read(self, place: Place, aspects: Collection[Aspect] = tuple(Aspect)) -> BucketSettings:
        """Read these aspects of one bucket."""
        store = self._store(place.endpoint)
        answers = await asyncio.gather(*(_read(store, place.bucket, aspect) for aspect in aspects))
        return BucketSettings(
            place,
            {aspect: each.setting for aspect, each in zip(aspects, answers, strict=True)},
            tuple(rule for each in answers for rule in each.rules),
            "".join(each.default_retention for each in answers),
        )

    def _store(self, endpoint: str) -> S3Store:
        return self._stores.of(endpoint, ROLE)


async def _read(store: S3Store, bucket: str, aspect: Aspect) -> Understood:
    """Read one aspect; a refusal is an answer too, but for what concerns the bucket or the keys as a whole."""
    asked, action = ASKED_BY[aspect]
    try:
        return understood(aspect, await store.get_bucket_document(bucket, asked, action=action), bucket)
    except Forbidden:
        return Understood(Setting(State.NOT_ALLOWED))
    except (NotFound, BadRequest) as error:
        if error.code in NONE:
            return Understood(Setting(State.NONE))
        if error.code in NOT_OFFERED or (isinstance(error, BadRequest) and error.status in (405, 501)):
            return Understood(Setting(State.NOT_OFFERED))
        return Understood(Setting(State.NOT_READ, f"not read ({error.code})"))
