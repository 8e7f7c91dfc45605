"""Labs: the reference store, scripted or broken at will, and real servers over either wire."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
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
_numbers = itertools.count(1)

MakeStore = Callable[..., MemoryStore]


class SystemClock:
    """The clock of this machine, as far as a store asks for it."""

    def now(self) -> float:
        return time.time()

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


@contextmanager
def site_of(server: Server) -> Iterator[Site]:
    """Make the control client; on MinIO, the reader too (SeaweedFS knows it from its configuration, moto knows nobody)."""
    if server.kind == "minio":
        host = server.url.removeprefix("http://")
        admin = MinioAdmin(endpoint=host, credentials=StaticProvider(server.access_key, server.secret_key), secure=False)
        admin.user_add(READER_ACCESS_KEY, READER_SECRET_KEY)
        admin.policy_set("readonly", user=READER_ACCESS_KEY)
    control = Control(server.url, access_key=server.access_key, secret_key=server.secret_key, region=server.region)
    try:
        yield Site(server, control)
    finally:
        control.close()


@asynccontextmanager
async def server_lab(site: Site, wire: str) -> AsyncIterator[Lab]:
    """Give a lab over a real server; its connections are closed in the end."""
    server, control = site.server, site.control

    def store(role: str, access_key: str, secret_key: str) -> S3Store:
        signer = Signer(access_key, secret_key, "", server.region)
        return S3Store(server.kind, role, WIRES[wire](server.url), signer, SystemClock())

    async def bucket(*, versioning: str = "", object_lock: bool = False) -> str:
        name = f"bucket-{next(_numbers)}"
        control.make_bucket(name, object_lock=object_lock)
        if versioning:
            control.set_versioning(name, versioning)
        return name

    async def set_versioning(name: str, status: str) -> None:
        control.set_versioning(name, status)

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
