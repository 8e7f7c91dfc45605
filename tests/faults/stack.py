"""Two real MinIO for the tests of this folder, and one migration of its own for each test: buckets, ledger, configuration.

What a bucket of these servers answers to the probe is asked once and saved into each ledger, except where the probe is what a test
is about. The independent eye that says what is where is boto3, with the owner's keys, past every proxy.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest

from connectors.assemble import assembled, settings_from
from hikkoshi.fault_proxy import FaultProxy, Seen
from hikkoshi.local import down
from hikkoshi.local.configuration import REGIONS
from hikkoshi.local.state import SITES
from relocation.rules.objects import Place
from relocation.rules.records import Fact, RunRecord
from relocation.rules.summary import Summary
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.probe import probe, refuse_same_bucket
from relocation.stages.shards import timestamp
from relocation.stages.wave import WaveRequest, run_wave, verify_wave
from tests.faults.house import House

MIB = 1024 * 1024
CATEGORY = "talk"
WRITES = ("PUT", "POST", "DELETE")
WRITTEN = ("copied", "verified")
"""How a fact ends that says what stands at the target: a run that verifies reads back what it has just written."""
ROLES = {"korea": ("reader", "prober"), "japan": ("reader", "writer", "prober", "vault")}
_numbers = count(1)


class Watched:
    """Progress that a test can wait for: `reached` is set once so many objects were worked in the stage of that name."""

    def __init__(self, stage: str = "copy", objects: int = 1) -> None:
        self.reached = asyncio.Event()
        self._wanted, self._objects = stage, objects
        self._stage, self._done = "", 0

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        self._stage, self._done = name, 0

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None:
        self._done += objects
        if self._stage == self._wanted and self._done >= self._objects:
            self.reached.set()

    def note(self, event: str, **facts: object) -> None: ...


@dataclass
class Case:
    """One migration: category `talk`, from bucket to bucket of one name. `locked` names the sites whose bucket has object lock.

    `urls` leads an endpoint through a proxy, or to another server: then `references` says with which credentials, and `clients`
    holds boto3's client for it. `remover` is the reference of a role that the target has only for some tests; with
    `fencer`, the reference of another one, the source has an application too.
    """

    house: House
    folder: Path
    bucket: str
    transfer: Mapping[str, object] = field(default_factory=dict)
    waves: tuple[str, ...] = ()
    urls: dict[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    clients: Mapping[str, object] = field(default_factory=dict)
    policy: str = "{keep_etag: prefer}"
    probed: bool = True
    locked: tuple[str, ...] = ()
    remover: str = ""
    fencer: str = ""
    prefix: str = ""

    def client(self, site: str):
        """Return boto3's client with the owner's keys."""
        return self.clients.get(site) or self.house.client(site)

    @property
    def korea(self):
        return self.client("korea")

    @property
    def japan(self):
        return self.client("japan")

    @property
    def config(self) -> Path:
        """Write the configuration as it stands now, and return its path."""
        limits = {"unreachable_s": 20.0, "attempts_max": 4, "intent_objects": 16, "concurrency": 8, **self.transfer}
        lines = [f"migration: {self.bucket}", "state_dir: state", "ledger: sqlite:///state/ledger.db", "endpoints:"]
        for site in SITES:
            lines += [f"  {site}:", f'    url: "{self.urls.get(site) or self.house.url(site)}"', f"    region: {REGIONS[site]}"]
            lines += [f"    country: {'KR' if site == 'korea' else 'JP'}", "    credentials:"]
            lines += [f'      {role}: "{self._reference(site, role)}"' for role in ROLES[site]]
            lines += [f'      remover: "{self.remover}"'] if self.remover and site == "japan" else []
            if self.fencer and site == "korea":
                lines += [f'      fencer: "{self.fencer}"', f'      application: "{self._reference(site, "application")}"']
        lines += ["vault: {endpoint: japan, bucket: evidence, retention_days: 1}", "transfer:"]
        lines += [f"  {name}: {value}" for name, value in limits.items()]
        lines += ["categories:", f"  {CATEGORY}:", "    moves:"]
        lines += [
            f"      - source: {{endpoint: korea, bucket: {self.bucket}, prefix: '{self.prefix}'}}",
            f"        target: {{endpoint: japan, bucket: {self.bucket}, prefix: '{self.prefix}'}}",
        ]
        lines += ["    residency: JP", "    deadline: 2030-01-01", "    owner: tests", f"    policy: {self.policy}"]
        lines += ["    waves:", *(f"      - {wave}" for wave in self.waves)] if self.waves else []
        file = self.folder / "migration.yaml"
        file.write_text("\n".join((*lines, "")))
        return file

    def _reference(self, site: str, role: str) -> str:
        return self.references.get(site) or f"file:{self.house.state.credentials}#{site}-{role}"

    def settings(self) -> Migration:
        return settings_from(self.config, os.environ)

    @asynccontextmanager
    async def context(self, progress: Watched | None = None) -> AsyncIterator[Context]:
        """Open everything, as the command does at its start, with what the probe knows of such buckets already saved."""
        async with assembled(self.settings(), os.environ, progress or Watched(), who="tester") as context:
            if self.probed:
                await self._save_answers(context)
            yield context

    async def run(self, *, until: str = "verify", wave: str = "all", progress: Watched | None = None) -> Summary:
        async with self.context(progress) as context:
            return await run_wave(context, WaveRequest(CATEGORY, wave, until))

    async def verify(self, *, wave: str = "all") -> Summary:
        async with self.context() as context:
            return await verify_wave(context, WaveRequest(CATEGORY, wave))

    async def last_run(self) -> RunRecord:
        async with self.context() as context:
            return (await context.ledger.list_runs(limit=1))[0]

    async def tail(self, run_id: str, stage: str = "copy") -> list[Fact]:
        """Return the facts of a run's open shards."""
        async with self.context() as context:
            tallies = await context.ledger.shard_tallies(run_id, stage)
            return [fact for tally in tallies for fact in await context.ledger.tail(run_id, stage, tally.number)]

    async def sealed(self, run_id: str, stage: str = "copy") -> list[Fact]:
        """Return the facts of a run's sealed shards, as the vault holds them."""
        facts: list[Fact] = []
        async with self.context() as context:
            for segment in await context.ledger.segments(run_id=run_id, stage=stage):
                if segment.objects:
                    facts += context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact)
        return facts

    async def _save_answers(self, context: Context) -> None:
        sides = {"vault": ("japan", "evidence"), "source": ("korea", self.bucket), "target": ("japan", self.bucket)}
        for side, (endpoint, bucket) in sides.items():
            saved = await context.ledger.last_probe(endpoint, bucket)
            url = context.settings.endpoints[endpoint].url
            if saved is not None and saved.url == url:
                continue
            known = f"{side} {self.references.get(endpoint, '')} {endpoint in self.locked} {self.policy}"
            if known not in self.house.answers:
                self.house.answers[known] = await probe(context, Place(endpoint, bucket), side=side)
            answers = replace(self.house.answers[known], endpoint=endpoint, bucket=bucket, at=timestamp(context), url=url)
            await context.ledger.save_probe(answers)
        await refuse_same_bucket(context, Place("korea", self.bucket), Place("japan", self.bucket))

    # what boto3 sees

    def put(self, key: str, body: bytes = b"", *, site: str = "korea", **more) -> None:
        self.client(site).put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def put_parts(self, key: str, bodies: Iterable[bytes], *, site: str = "korea", **more) -> None:
        client, where = self.client(site), {"Bucket": self.bucket, "Key": key}
        upload = client.create_multipart_upload(**where, **more)["UploadId"]
        parts = []
        for number, body in enumerate(bodies, 1):
            answer = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})

    def listed(self, site: str) -> dict[str, tuple[int, str]]:
        """Return key → (size, ETag) by boto3's listing, every page of it."""
        pages = self.client(site).get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {each["Key"]: (each["Size"], each["ETag"].strip('"')) for page in pages for each in page.get("Contents", ())}

    def bodies(self, site: str) -> dict[str, str]:
        """Return key → SHA-256 of the body, read by boto3."""
        client, found = self.client(site), {}
        for key in self.listed(site):
            with client.get_object(Bucket=self.bucket, Key=key)["Body"] as body:
                found[key] = hashlib.sha256(body.read()).hexdigest()
        return found

    def versions(self, site: str = "japan") -> dict[str, int]:
        """Return key → how many versions and delete markers it has, the canaries' left out."""
        found: dict[str, int] = {}
        for page in self.client(site).get_paginator("list_object_versions").paginate(Bucket=self.bucket):
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                found[each["Key"]] = found.get(each["Key"], 0) + 1
        return found

    def uploads(self) -> list[str]:
        """Return the keys of unfinished uploads at the target."""
        return [each["Key"] for each in self.japan.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())]

    def seen(self, proxy: FaultProxy, *methods: str) -> list[Seen]:
        """Return the requests of these methods for this test's objects that a proxy saw: neither the vault's nor canaries'."""
        mine = (each for each in proxy.requests if each.method in methods and each.target.startswith(f"/{self.bucket}"))
        return [each for each in mine if "hikkoshi-canary" not in each.target]

    def assert_reconciled(self, summary: Summary, *, objects: int = -1) -> None:
        """Everything listed is verified, the equations hold, and boto3 finds the same keys, sizes and ETags on both sides."""
        korea, japan = self.listed("korea"), self.listed("japan")
        assert korea == japan
        totals = (len(korea), sum(size for size, _ in korea.values()))
        listed, verified = summary.counts["listed"], summary.outcomes["verified"]
        assert (listed.objects, listed.bytes) == (verified.objects, verified.bytes) == totals
        assert objects in {-1, len(korea)}
        assert all(equation.holds for equation in summary.equations)
        left = (
            summary.failed,
            summary.mismatched,
            summary.conflicts,
            summary.drifted,
            summary.gone,
            summary.foreign,
            summary.refused,
        )
        assert [named for each in left for named in each] == []
        assert self.uploads() == []


async def until(ready: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
    """Wait for what another process does: nothing but looking tells how far it is."""
    async with asyncio.timeout(timeout_s):
        while not ready():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@contextmanager
def case_of(house: House, folder: Path, **options) -> Iterator[Case]:
    """Make a bucket on either side, the target's versioned, and remove both with all that is in them at the end."""
    bucket = f"{options.pop('name', 'fault')}-{next(_numbers)}"
    versioned = options.pop("versioned", True)
    locked = options.get("locked", ())
    for site in SITES:
        place = {"CreateBucketConfiguration": {"LocationConstraint": REGIONS[site]}}
        house.client(site).create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=site in locked, **place)
    if versioned:
        house.client("japan").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield Case(house, folder, bucket, **options)
    finally:
        for site in SITES:
            if site not in locked:  # what is held stays until the servers' folder goes
                house.client(site).delete_bucket(Bucket=bucket)


@asynccontextmanager
async def behind_proxies(case: Case) -> AsyncIterator[tuple[FaultProxy, FaultProxy]]:
    """Lead both endpoints of a case through proxies, without a fault as yet: Korea's and Japan's."""
    async with AsyncExitStack() as stack:
        korea, japan = [await stack.enter_async_context(FaultProxy(case.house.url(site))) for site in SITES]
        case.urls.update(korea=korea.url, japan=japan.url)
        try:
            yield korea, japan
        finally:
            case.urls.clear()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Both MinIO, in a folder of their own; ended when the tests are over."""
    root = tmp_path_factory.mktemp("faults")
    try:
        yield House(root)
    finally:
        down(root)


@pytest.fixture
def case(house: House, tmp_path: Path) -> Iterator[Case]:
    """One migration of this test's own."""
    with case_of(house, tmp_path) as made:
        yield made
