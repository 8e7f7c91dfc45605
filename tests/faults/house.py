"""Two real MinIO that tests may kill and start again, and what boto3, MinIO's own client and our store see of them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import boto3
import urllib3
import uvloop
from botocore.config import Config
from minio.credentials.providers import StaticProvider
from minio.minioadmin import MinioAdmin

from connectors.clock import SystemClock
from connectors.s3.store import S3Store
from connectors.signer import Signer
from connectors.wire.lean import LeanWire
from hikkoshi.local import LocalState, Server, find_or_build, up
from hikkoshi.local.configuration import REGIONS
from hikkoshi.local.launch import HEALTH, launch
from hikkoshi.local.listening import answers, wait_until
from hikkoshi.local.process import start
from hikkoshi.local.state import SITES, save
from relocation.rules.records import Answers


class House:
    """The two servers. `kill` and `revive` are for tests of servers that die; whoever kills revives."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state: LocalState = up(root, prefect=False)
        self.answers: dict[str, Answers] = {}
        self._held: dict[str, socket.socket] = {}
        self._clients = {site: self._client(site) for site in SITES}

    def url(self, site: str) -> str:
        return self.state.url(site)

    def client(self, site: str):
        """Return boto3's client with the owner's keys."""
        return self._clients[site]

    def kill(self, site: str) -> None:
        """End one server by SIGKILL, by its process id, and see it gone."""
        server = self.state.server(site)
        assert server is not None
        assert server.process is not None
        assert server.running
        os.kill(server.process.pid, signal.SIGKILL)
        while server.running:
            time.sleep(0.005)  # the kernel closes its sockets first
        self._hold(site, server.port)

    def _hold(self, site: str, port: int) -> None:
        """Keep a dead server's port from being given to somebody else; without a listener, whoever connects is refused."""
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)  # else a listener that wants it could still have it
        self._held[site] = held

    async def revive(self) -> None:
        """Start again what was killed: the same port, the same data. What runs is left alone."""
        for server in self.state.servers:
            if not server.running:
                await asyncio.to_thread(self._start, server)

    def _start(self, server: Server) -> None:
        if server.name in self._held:
            self._held.pop(server.name).close()
        what = launch(self.state, server, find_or_build(), self.state.keys(server.name, "root"))
        process = start(
            what.command,
            log=self.state.log(server.name),
            environment=what.environment,
            folder=what.folder,
            mark=self.state.mark_of(server.name),
        )
        self.state = self.state.having(replace(server, process=process))
        save(self.state)
        started = self.state.server(server.name)
        assert started is not None
        assert wait_until(partial(answers, server.port, HEALTH[server.name]), lambda: started.running, timeout_s=60)

    def admin(self, site: str) -> MinioAdmin:
        """Return MinIO's own client for what only it knows: quotas."""
        keys = self.state.keys(site, "root")
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=30), retries=False)
        address = self.url(site).removeprefix("http://")
        return MinioAdmin(endpoint=address, credentials=StaticProvider(keys.access, keys.secret), secure=False, http_client=pool)

    @asynccontextmanager
    async def store(self, site: str) -> AsyncIterator[S3Store]:
        """Open our own store with the owner's keys: for seeding many objects at once."""
        keys = self.state.keys(site, "root")
        wire = LeanWire(self.url(site), connections_max=32)
        store = S3Store(site, "root", wire, Signer(keys.access, keys.secret, "", REGIONS[site]), SystemClock())
        try:
            yield store
        finally:
            await store.close()

    async def seed(self, bucket: str, objects: Iterable[tuple[str, bytes]], *, site: str = "korea", at_once: int = 24) -> None:
        """Put many objects, some at a time, on a fast loop of their own."""
        feed = iter(objects)

        async def put_all(store: S3Store) -> None:
            for key, body in feed:
                await store.put(bucket, key, body)

        async def seeded() -> None:
            async with self.store(site) as store:
                await asyncio.gather(*(put_all(store) for _ in range(at_once)))

        await asyncio.to_thread(uvloop.run, seeded())

    def _client(self, site: str):
        keys = self.state.keys(site, "root")
        config = Config(
            proxies={}, retries={"max_attempts": 5}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        )
        names = {"aws_access_key_id": keys.access, "aws_secret_access_key": keys.secret, "region_name": REGIONS[site]}
        client = boto3.client("s3", endpoint_url=self.url(site), config=config, **names)
        client.meta.events.register("before-call.s3.DeleteBucket", _force)
        return client


def _force(params, **_) -> None:
    params["headers"]["x-minio-force-delete"] = "true"  # MinIO's own: the bucket goes with all that is in it
