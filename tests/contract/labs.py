"""Labs: the reference store, scripted or broken at will, and real servers over either wire."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from minio import MinioAdmin
from minio.credentials import StaticProvider

from connectors.memory import Behaviour, MemoryService, MemoryStore
from connectors.s3 import S3Store
from connectors.s3.control import Control
from connectors.signer import Signer
from connectors.wire import LeanWire, LibraryWire
from tests.contract.lab import Lab
from tests.servers import READER_ACCESS_KEY, READER_SECRET_KEY, Server

WIRES: dict[str, type[LeanWire] | type[LibraryWire]] = {"lean": LeanWire, "library": LibraryWire}
WRITES = frozenset({"s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload"})
SEAWEEDFS_BUCKETS = 140
_numbers = itertools.count(1)

MakeStore = Callable[..., MemoryStore]


class SystemClock:
    """The clock of this machine, as far as a store asks for it."""

    def now(self) -> float:
        return time.time()

    def worked(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a store never waits")


def memory_lab(behaviour: Behaviour | None = None, *, make: MakeStore = MemoryStore) -> Lab:
    """Return a lab over a memory store; `make` makes it (a mutant's class)."""
    service = MemoryService("memory", behaviour=behaviour)

    async def bucket(*, versioning: str = "", object_lock: bool = False) -> str:
        name = f"bucket-{next(_numbers)}"
        service.make_bucket(name, versioning=versioning, object_lock=object_lock)
        return name

    async def set_versioning(name: str, status: str) -> None:
        service.buckets[name].versioning = status

    return Lab(
        store=make(service, "root"),
        reader=make(service, "reader", forbidden=WRITES),
        stranger=make(service, "stranger", known=False),
        unknown=make(service, "unknown", known=False),
        bucket=bucket,
        set_versioning=set_versioning,
    )


@dataclass(frozen=True, slots=True)
class Site:
    """A server with what is made once a session: a control client, and the user that may only read."""

    server: Server
    control: Control
    warm: list[str]
    """Buckets that were made and written to ahead."""

    def plain_bucket(self) -> str:
        """Return a bucket that nobody else has, empty."""
        return self.warm.pop() if self.warm else self.make_bucket()

    def make_bucket(self, *, object_lock: bool = False) -> str:
        name = f"bucket-{next(_numbers)}"
        self.control.make_bucket(name, object_lock=object_lock)
        return name

    def warm_bucket(self, _: int) -> str:
        """Make a bucket and write into it once: SeaweedFS takes 0.2 s for the first write into each, any number at a time."""
        name = self.make_bucket()
        self.control._client.put_object(Bucket=name, Key="first", Body=b"x")
        self.control._client.delete_object(Bucket=name, Key="first")
        return name


@contextmanager
def site_of(server: Server) -> Iterator[Site]:
    """Make the control client; on MinIO, the reader too (SeaweedFS knows it from its configuration, moto knows nobody)."""
    if server.kind == "minio":
        host = server.url.removeprefix("http://")
        admin = MinioAdmin(endpoint=host, credentials=StaticProvider(server.access_key, server.secret_key), secure=False)
        admin.user_add(READER_ACCESS_KEY, READER_SECRET_KEY)
        admin.policy_set("readonly", user=READER_ACCESS_KEY)
    control = Control(server.url, access_key=server.access_key, secret_key=server.secret_key, region=server.region)
    site = Site(server, control, [])
    if server.kind == "seaweedfs":
        with ThreadPoolExecutor(10) as pool:
            site.warm.extend(pool.map(site.warm_bucket, range(SEAWEEDFS_BUCKETS)))
    try:
        yield site
    finally:
        control.close()


@asynccontextmanager
async def server_lab(site: Site, wire: str) -> AsyncIterator[Lab]:
    """Give a lab over a real server; its connections are closed in the end."""
    server = site.server

    def store(role: str, access_key: str, secret_key: str) -> S3Store:
        signer = Signer(access_key, secret_key, "", server.region)
        return S3Store(server.kind, role, WIRES[wire](server.url), signer, SystemClock())

    async def bucket(*, versioning: str = "", object_lock: bool = False) -> str:
        if not versioning and not object_lock:
            return site.plain_bucket()
        name = site.make_bucket(object_lock=object_lock)
        if versioning:
            site.control.set_versioning(name, versioning)
        return name

    async def set_versioning(name: str, status: str) -> None:
        site.control.set_versioning(name, status)

    lab = Lab(
        store=store("root", server.access_key, server.secret_key),
        reader=store("reader", READER_ACCESS_KEY, READER_SECRET_KEY),
        stranger=store("stranger", server.access_key, "not the secret"),
        unknown=store("unknown", "nobodys-key", "nobodys-secret"),
        bucket=bucket,
        set_versioning=set_versioning,
    )
    try:
        yield lab
    finally:
        for each in (lab.store, lab.reader, lab.stranger, lab.unknown):
            await each.close()
