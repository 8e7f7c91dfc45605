"""Servers in pairs for the corpus, and a raw look at what they hold: whole keys, past every client that would tidy them up."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config

from connectors.clock import SystemClock
from connectors.s3.store import S3Store
from connectors.signer import Signer
from connectors.wire.lean import LeanWire
from hikkoshi.local.configuration import REGIONS
from hikkoshi.local.state import Keys, write_profiles
from relocation.rules.errors import BadRequest, NotFound, Transient
from tests.faults.stack import Case, case_of
from tests.names.corpus import CORPUS, body_of


@dataclass
class Held:
    """What a raw look finds: the keys of a listing, and, of the corpus, those whose own body a GET of that very key gives back."""

    listed: dict[str, int] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)


@asynccontextmanager
async def raw(case: Case, site: str) -> AsyncIterator[S3Store]:
    """Open a store with the owner's keys whose requests carry a key as it is."""
    keys = case.house.state.keys(site, "root")
    if site in case.clients:
        found = case.clients[site]._request_signer._credentials
        keys = Keys(found.access_key, found.secret_key)
    url = case.urls.get(site) or case.house.url(site)
    wire = LeanWire(url, connections_max=8)
    store = S3Store(site, "owner", wire, Signer(keys.access, keys.secret, "", REGIONS[site]), SystemClock())
    try:
        yield store
    finally:
        await store.close()


async def seed(case: Case) -> dict[str, str]:
    """Put every key of the corpus straight into the source, one after the other; return each refusal with the store's code."""
    refused: dict[str, str] = {}
    async with raw(case, "korea") as store:
        for key in CORPUS:
            try:
                await store.put(case.bucket, key, body_of(key))
            except BadRequest as error:
                refused[key] = error.code
            except Transient as error:
                refused[key] = type(error).__name__
    return refused


async def look(case: Case, site: str) -> Held:
    """List a side whole, and read each key of the corpus under its very name."""
    held = Held()
    into = memoryview(bytearray(8192))
    async with raw(case, site) as store:
        token = ""
        while True:
            page = await store.list_objects(case.bucket, token=token)
            held.listed |= {item.key: item.size for item in page.items}
            if not (token := page.next_token):
                break
        for key in dict.fromkeys((*CORPUS, *held.listed)):
            try:
                head = await store.get(case.bucket, key, into)
            except (NotFound, BadRequest, Transient):
                continue
            if bytes(into[: head.size]) == body_of(key):
                held.own.add(key)
    return held


async def bodies(case: Case, site: str, keys: set[str]) -> dict[str, bytes]:
    """Read these keys."""
    found: dict[str, bytes] = {}
    into = memoryview(bytearray(8192))
    async with raw(case, site) as store:
        for key in sorted(keys):
            head = await store.get(case.bucket, key, into)
            found[key] = bytes(into[: head.size])
    return found


@contextmanager
def between(house, folder: Path, others: dict[str, object]) -> Iterator[Case]:
    """Make a case from Korea to Japan in which these sites are other servers; the evidence lies at Japan's."""
    profiles, clients, references, urls = {}, {}, {}, {}
    config = Config(proxies={}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
    for site, server in others.items():
        profiles[site] = Keys(server.access_key, server.secret_key)
        references[site], urls[site] = f"file:other-credentials#{site}", server.url
        keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
        clients[site] = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1", config=config, **keys)
    write_profiles(folder / "other-credentials", profiles)
    with case_of(house, folder, urls=urls, references=references, clients=clients, probed=False) as made:
        for site, client in clients.items():
            client.create_bucket(Bucket=made.bucket)
            if site == "japan":
                with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
                    client.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True)
                client.put_bucket_versioning(Bucket=made.bucket, VersioningConfiguration={"Status": "Enabled"})
        yield made
