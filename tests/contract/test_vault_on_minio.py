"""The vault over a real MinIO with object lock, by the same claims as over the reference store."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest

from connectors.clock import SystemClock
from connectors.s3 import S3Store
from connectors.s3.control import Control
from connectors.signer import Signer
from connectors.wire import LeanWire
from relocation.rules.errors import StateMismatch
from tests.unit.vault_claims import CLAIMS, vault_over

pytestmark = pytest.mark.server
numbers = itertools.count(1)


@pytest.fixture
def control(minio):
    with contextlib.closing(
        Control(minio.url, access_key=minio.access_key, secret_key=minio.secret_key, region=minio.region)
    ) as control:
        yield control


@pytest.fixture
async def store(minio):
    signer = Signer(minio.access_key, minio.secret_key, "", minio.region)
    store = S3Store("japan", "vault", LeanWire(minio.url), signer, SystemClock())
    yield store
    await store.close()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
async def test_over_a_real_store(claim, store, control):
    """The vault's promises, one by one, on MinIO."""
    bucket = f"evidence-{next(numbers)}"
    await asyncio.to_thread(control.make_bucket, bucket, object_lock=True)
    await claim(store, bucket, SystemClock())


async def test_a_real_bucket_without_object_lock_is_refused(store, control):
    """MinIO says itself whether a bucket was made with object lock."""
    await asyncio.to_thread(control.make_bucket, "loose", versioning=True)
    with pytest.raises(StateMismatch, match="no object lock"):
        await vault_over(store, "loose", SystemClock())
