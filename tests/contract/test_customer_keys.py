"""Customers' own keys (SSE-C): the claims on the reference store and on MinIO over TLS, and each of them on a broken store."""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.credentials import Secret
from connectors.memory import MemoryService, MemoryStore
from connectors.memory.rules import Rules
from connectors.s3 import S3Store
from connectors.s3.control import Control
from connectors.s3.customer_key import CustomerKey
from connectors.signer import Signer
from relocation.rules.errors import BadRequest, HikkoshiError
from relocation.rules.objects import SSE_CUSTOMER
from tests.contract.claims_customer_keys import KEYED_CLAIMS, KeyedLab
from tests.contract.lab import Claim
from tests.contract.labs import WIRES, SystemClock
from tests.servers import Server, minio_server

ALL = tuple(KEYED_CLAIMS.by_name.values())
EACH = pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.name)
KEYS = [CustomerKey(Secret(b64encode(bytes(range(start, start + 32))).decode())) for start in (1, 2)]
_numbers = itertools.count(1)


def memory_lab(make: type[MemoryStore] = MemoryStore) -> KeyedLab:
    service = MemoryService("memory")

    async def bucket(*, versioning: str = "", object_lock: bool = False) -> str:
        service.make_bucket("bucket", versioning=versioning, object_lock=object_lock)
        return "bucket"

    return KeyedLab(make(service), make(service, customer_key="first"), make(service, customer_key="second"), bucket)


class TakesAnyKey(MemoryStore):
    def _check_key(self, key, care): ...


class TakesNoKey(MemoryStore):
    def _check_key(self, key, care):
        super()._check_key(key, replace(care, customer_key=care.customer_key and "nobody's"))


class WantsAKeyForAll(MemoryStore):
    def _check_key(self, key, care):
        super()._check_key(key, care)
        if self.customer_key and not care.customer_key:
            raise BadRequest("the encryption parameters are not applicable", code="InvalidRequest", status=400)


class ShowsPlainEtags(MemoryStore):
    def _etag(self, stored):
        return stored.etag


class WantsAKeyForTags(MemoryStore):
    async def get_tags(self, bucket, key, *, version_id=""):
        self._check_key(key, self._find(bucket, key, version_id).care)
        return await super().get_tags(bucket, key, version_id=version_id)


class BelievesChecksums(MemoryStore):
    def _check_checksum(self, data, crc64nvme, key): ...


class LeavesEncryptionOut(MemoryStore):
    def _care(self, place, bucket, key, attributes, *, retain_until=""):
        headers = tuple(header for header in attributes.headers if header[0] != SSE_CUSTOMER)
        return Rules._care(self, place, bucket, key, replace(attributes, headers=headers), retain_until=retain_until)


MUTANTS = {
    "what_a_key_encrypts_is_read_with_it": TakesNoKey,
    "without_its_key_an_object_is_refused": TakesAnyKey,
    "with_another_key_an_object_is_refused": TakesAnyKey,
    "what_no_key_encrypts_is_read_as_it_is": WantsAKeyForAll,
    "the_etag_of_a_customers_key_is_no_md5": ShowsPlainEtags,
    "an_upload_by_parts_takes_the_key_with_each_of_them": TakesNoKey,
    "a_part_without_the_key_or_with_another_is_refused": TakesAnyKey,
    "tags_need_no_key": WantsAKeyForTags,
    "a_wrong_checksum_is_refused_under_a_key_too": BelievesChecksums,
    "encryption_that_is_asked_for_without_a_key_is_refused": LeavesEncryptionOut,
}


@EACH
async def test_holds_in_memory(claim: Claim) -> None:
    """The reference store keeps every claim."""
    await claim.hold(memory_lab())


@EACH
async def test_goes_red(claim: Claim) -> None:
    """Negative control: the claim fails on a store that is broken in one place."""
    with pytest.raises((AssertionError, HikkoshiError)):
        await claim.hold(memory_lab(MUTANTS[claim.name]))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A MinIO that speaks TLS."""
    with minio_server(tmp_path_factory.mktemp("secure"), tls=True) as server:
        yield server


@pytest.mark.server
@pytest.mark.parametrize("wire", WIRES)
@EACH
async def test_holds_on_minio_over_tls(claim: Claim, wire: str, secure: Server) -> None:
    """Each claim on the real one, over either HTTP stack."""
    keys = {"access_key": secure.access_key, "secret_key": secure.secret_key}
    control = Control(secure.url, region=secure.region, ca_file=secure.ca_file, **keys)

    def store(key: CustomerKey | None = None) -> S3Store:
        signer = Signer(secure.access_key, secure.secret_key, "", secure.region)
        return S3Store("minio", "root", WIRES[wire](secure.url, ca_file=secure.ca_file), signer, SystemClock(), customer_key=key)

    async def bucket(*, versioning: str = "", object_lock: bool = False) -> str:
        name = f"keyed-{next(_numbers)}"
        control.make_bucket(name, object_lock=object_lock)
        return name

    stores = (store(), store(KEYS[0]), store(KEYS[1]))
    try:
        await claim.hold(KeyedLab(*stores, bucket))
    finally:
        for each in stores:
            await each.close()
        control.close()
