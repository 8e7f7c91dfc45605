"""The vault: one WORM bucket, through a store of role `vault`, under a prefix of the migration's own.

Guarantees: an object is written once (If-None-Match), with a checksum that the store verifies and a COMPLIANCE retention; what is
read is compared with its SHA-256 where one is known. A write whose answer was lost is recognised as our own by its bytes.
Refuses a bucket without object lock, other bytes under a name that is taken, and names that a store could rename.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from awscrt import checksums
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from relocation.ports import Clock, Store
from relocation.rules.errors import NotFound, PreconditionFailed, ProtocolError, StateMismatch, Transient
from relocation.rules.objects import Attributes

Result = TypeVar("Result")
ATTEMPTS_MAX = 6
WAIT_S_MAX = 8.0
PAGES_MAX = 1_000_000
NAME = re.compile(r"[A-Za-z0-9._=-]{1,200}(/[A-Za-z0-9._=-]{1,200})*")


class StoreVault:
    """The port `Vault` over one bucket. The store stays its giver's: closing the vault does not close it."""

    def __init__(self, store: Store, bucket: str, *, prefix: str, retention_days: int, clock: Clock) -> None:
        self._store = store
        self._bucket = bucket
        self._prefix = prefix
        self._retention = timedelta(days=retention_days)
        self._clock = clock

    @classmethod
    async def open(cls, store: Store, bucket: str, *, prefix: str, retention_days: int, clock: Clock) -> StoreVault:
        """Return a vault after a look at its bucket: `StateMismatch` where nothing would keep its objects from being changed."""
        vault = cls(store, bucket, prefix=prefix, retention_days=retention_days, clock=clock)
        if not await vault._patiently(lambda: store.get_object_lock(bucket)):
            raise StateMismatch(
                f"the vault bucket {store.endpoint}/{bucket} has no object lock, so that evidence in it could be changed: "
                f"make one with object lock (`mc mb --with-lock ALIAS/{bucket}`, or `ObjectLockEnabledForBucket` at its creation) "
                "and name it in `vault.bucket`; most stores can't add the lock later"
            )
        return vault

    async def put(self, name: str, data: bytes, *, content_type: str = "application/octet-stream") -> str:
        """Write `data` once under `name` and return its SHA-256 (hex).

        The same bytes under a name that is taken are fine, others a `StateMismatch`. Transient faults are retried.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        crc64nvme = crc64nvme_of(data)
        try:
            written = await self._patiently(
                lambda: self._store.put(
                    self._bucket,
                    self._key(name),
                    data,
                    attributes=Attributes(headers=(("content-type", content_type),)),
                    crc64nvme=crc64nvme,
                    if_none_match=True,
                    retain_until=self._retain_until(),
                )
            )
        except PreconditionFailed:
            return await self._same(name, sha256)
        if written.crc64nvme and written.crc64nvme != crc64nvme:
            raise StateMismatch(f"the vault acknowledged {self._shown(name)} with another checksum than ours: do not rely on it")
        return sha256

    async def get(self, name: str, *, sha256: str = "") -> bytes:
        """Read an object whole. `NotFound` where there is none, `StateMismatch` where its bytes hash to something else."""
        try:
            data = await self._patiently(lambda: self._read(self._key(name)))
        except NotFound as error:
            raise NotFound(f"the vault has no {self._shown(name)}: is it in another bucket?", deleted=error.deleted) from error
        found = hashlib.sha256(data).hexdigest()
        if sha256 and found != sha256:
            raise StateMismatch(
                f"{self._shown(name)} in the vault has SHA-256 {found}, the ledger says {sha256}: "
                "one of the two is not of this migration, or was changed; compare the object's versions before going on"
            )
        return data

    async def list(self, prefix: str) -> tuple[str, ...]:
        """Return every name that begins with `prefix`, in byte order. A listing that does not end by protocol is an error."""
        names: list[str] = []
        token = ""
        for _ in range(PAGES_MAX):
            page = await self._patiently(
                lambda after=token: self._store.list_objects(self._bucket, prefix=f"{self._prefix}/{prefix}", token=after)  # type: ignore[misc]
            )
            names += [item.key[len(self._prefix) + 1 :] for item in page.items]
            token = page.next_token
            if not token:
                return tuple(names)
        raise ProtocolError(f"the listing of {self._shown(prefix)} went on for {PAGES_MAX} pages: the store repeats itself")

    async def close(self) -> None:
        """Nothing: the store belongs to whoever made it."""

    async def _read(self, key: str) -> bytes:
        head = await self._store.head(self._bucket, key)
        into = bytearray(head.size)
        got = await self._store.get(self._bucket, key, memoryview(into), if_match=head.etag)
        if got.size != head.size:
            raise ProtocolError(f"{self._store.endpoint}/{self._bucket}/{key}: {got.size} bytes came, {head.size} were announced")
        return bytes(into)

    async def _same(self, name: str, sha256: str) -> str:
        """Return the hash if the bytes under a taken name are these very bytes."""
        found = hashlib.sha256(await self.get(name)).hexdigest()
        if found != sha256:
            raise StateMismatch(
                f"the vault has {self._shown(name)} already, with other bytes (SHA-256 {found}, not {sha256}), and keeps it: "
                "was this run's id used before, or is another migration of the same name writing into this bucket?"
            )
        return sha256

    async def _patiently(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Make a call; after a first transient fault, again a few times, later each time and not in step with others."""
        try:
            return await call()
        except Transient as error:
            await self._clock.sleep(error.retry_after_s or 0.1)
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(Transient),
            wait=wait_random_exponential(multiplier=0.2, max=WAIT_S_MAX),
            stop=stop_after_attempt(ATTEMPTS_MAX - 1),
            sleep=self._clock.sleep,
            reraise=True,
        ):
            with attempt:
                return await call()
        raise AssertionError("tenacity ends with a result or an error")

    def _key(self, name: str) -> str:
        if not NAME.fullmatch(name) or any(part in {".", ".."} for part in name.split("/")):
            raise ValueError(f"no name for the vault: {name!r} (letters, digits, `.`, `_`, `=`, `-`, in parts joined by one `/`)")
        return f"{self._prefix}/{name}"

    def _retain_until(self) -> str:
        until = datetime.fromtimestamp(self._clock.now(), UTC) + self._retention
        return until.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _shown(self, name: str) -> str:
        return f"{self._store.endpoint}/{self._bucket}/{self._prefix}/{name}"


def crc64nvme_of(data: bytes) -> str:
    """Return the CRC-64/NVME of the bytes as S3 writes it: base64 of eight bytes, big end first."""
    return base64.b64encode(checksums.crc64nvme(data).to_bytes(8, "big")).decode()
