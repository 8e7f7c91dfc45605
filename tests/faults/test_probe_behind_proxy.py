"""What the probe sees on a real server, straight and behind proxies that spoil what they pass on (N2, S12, D25, D26, D27)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import boto3
import pytest
from botocore.config import Config

from connectors.s3.store import S3Store
from connectors.signer import Signer
from connectors.wire.lean import LeanWire
from hikkoshi.fault_proxy import Answer, Fault, FaultProxy, Resign, SetResponseHeader, StripRequestHeader
from hikkoshi.local import Keys
from hikkoshi.local.iam import EVERYWHERE, Scope, make_user, new_keys, policy
from relocation.rules.capabilities import counts_received, unknowns, vault_guard, writes_guard
from relocation.rules.errors import Forbidden, Refusal, Unreachable, WrongCredentials
from relocation.rules.objects import Place
from relocation.rules.questions import NOT_ASKED, Question
from relocation.rules.records import Answers
from relocation.stages.context import Context
from relocation.stages.probe import probe, same_bucket
from tests.servers import Server, minio_server
from tests.unit.probe_cases import context_of

pytestmark = pytest.mark.server

ON_MINIO = {
    Question.PUT_IF_NONE_MATCH: "honoured",
    Question.PUT_IF_MATCH: "honoured",
    Question.COMPLETE_IF_NONE_MATCH: "honoured",
    Question.GET_IF_MATCH: "honoured",
    Question.DELETE_IF_MATCH: "ignored",
    Question.DELETE_VERSION: NOT_ASKED,
    Question.CHECKSUM: "verified",
    Question.CHECKSUM_ECHOED: "yes",
    Question.CHECKSUM_STORED: "yes",
    Question.PART_CHECKSUM: "verified",
    Question.UPLOAD_CHECKSUM_STORED: "yes",
    Question.PUT_ETAG: "md5",
    Question.UPLOAD_ETAG: "md5",
    Question.PART_NUMBER: "honoured",
    Question.UPLOADS_LISTED: "by whole key",
    Question.VERSIONING: "off",
    Question.OBJECT_LOCK: "off",
    Question.LOCK_ENFORCED: NOT_ASKED,
    Question.DATE_SKEW_S: "0",
    Question.STORAGE_CLASSES: (
        "STANDARD_IA=InvalidStorageClass ONEZONE_IA=InvalidStorageClass INTELLIGENT_TIERING=InvalidStorageClass "
        "GLACIER_IR=InvalidStorageClass REDUCED_REDUNDANCY=kept"
    ),
    Question.ENCRYPTION: NOT_ASKED,
    Question.LEADING_SLASH: "renamed to lead",
    Question.DOUBLE_SLASH: "refused XMinioInvalidObjectName",
    Question.DOT_PART: "refused XMinioInvalidResourceName",
    Question.DOT_DOT_PART: "refused XMinioInvalidResourceName",
    Question.PART_BYTES_MAX: "255",
    Question.KEY_BYTES_MAX: "1024",
    Question.XLDIR_SUFFIX: "renamed to x/",
    Question.CHILD_OF_KEY: "hidden",
    Question.SLASH_OF_KEY: "listed",
    Question.WEBSITE_REDIRECT: "dropped",
    Question.NON_ASCII_TAG: "refused InvalidTag",
    Question.NON_ASCII_METADATA: "changed",
}
"""What MinIO answers; all that is not here is `kept`."""


class WallClock:
    """The time as it is."""

    def now(self) -> float:
        return time.time()

    def worked(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One MinIO with a plain bucket, one with versions, and one with object lock."""
    with minio_server(tmp_path_factory.mktemp("probe")) as server:
        client = client_of(server)
        place = {"CreateBucketConfiguration": {"LocationConstraint": server.region}}
        client.create_bucket(Bucket="talk", **place)
        client.create_bucket(Bucket="versions", **place)
        client.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
        client.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True, **place)
        yield server


def client_of(server: Server):
    """Return boto3's client: the independent eye that looks for what was left behind."""
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    return boto3.client("s3", endpoint_url=server.url, region_name=server.region, config=config, **keys)


def left_behind(server: Server) -> list[str]:
    """Return every version, marker and upload of every bucket."""
    client, found = client_of(server), []
    for bucket in client.list_buckets()["Buckets"]:
        versions = client.list_object_versions(Bucket=bucket["Name"])
        uploads = client.list_multipart_uploads(Bucket=bucket["Name"])
        found += [each["Key"] for each in (*versions.get("Versions", ()), *versions.get("DeleteMarkers", ()))]
        found += [each["Key"] for each in uploads.get("Uploads", ())]
    return found


@asynccontextmanager
async def context_at(server: Server, url: str, *, keys: Keys | None = None) -> AsyncIterator[Context]:
    """A context whose prober speaks to that address, with the owner's keys or with others."""
    keys = keys or Keys(server.access_key, server.secret_key)
    signer = Signer(keys.access, keys.secret, "", server.region)
    store = S3Store("korea", "prober", LeanWire(url), signer, WallClock())
    try:
        yield context_of({"korea": store}, clock=WallClock(), urls={"korea": url})
    finally:
        await store.close()


async def probe_at(server: Server, url: str, bucket: str = "talk") -> Answers:
    """Probe a bucket at that address; nothing may be left, as boto3 sees it, past any proxy."""
    async with context_at(server, url) as context:
        answers = await probe(context, Place("korea", bucket), side="vault" if bucket == "evidence" else "target")
    assert left_behind(server) == []
    return answers


async def test_what_minio_does_is_seen(minio: Server) -> None:
    """Each fact about MinIO that the plan relies on is found by asking, in less than 300 requests (S12, D25, D26, D27)."""
    async with FaultProxy(minio.url) as proxy:
        answers = await probe_at(minio, proxy.url)
    assert len(proxy.requests) < 300
    assert dict(answers.answers) == {str(question): ON_MINIO.get(question, "kept") for question in Question}
    assert unknowns(answers) == (
        "korea/talk hides children of a key from listings (`foo/bar` while `foo` exists): objects may exist that no listing shows",
    )


async def test_versions_are_deleted_exactly(minio: Server) -> None:
    """In a bucket with versions the probe sees an exact delete by version, and leaves neither version nor marker."""
    answers = await probe_at(minio, minio.url, "versions")
    assert answers[Question.DELETE_VERSION] == "exact"
    assert answers[Question.VERSIONING] == "enabled"


async def test_a_vault_is_seen_to_lock(minio: Server) -> None:
    """A locked canary stays while it is locked, and goes afterwards; such a bucket may hold evidence, another may not."""
    answers = await probe_at(minio, minio.url, "evidence")
    assert answers[Question.LOCK_ENFORCED] == "enforced"
    vault_guard(answers)
    with pytest.raises(Refusal, match="made with object lock"):
        vault_guard(await probe_at(minio, minio.url))


@pytest.mark.parametrize("resigned", [True, False], ids=["signed anew", "signature broken"])
async def test_a_stripped_condition_is_ignored(minio: Server, resigned: bool) -> None:
    """Behind a proxy that takes If-None-Match away nothing is believed to be guarded: HEAD first with versions, else refused."""
    faults = [Fault(StripRequestHeader("If-None-Match")), *([Fault(resign(minio))] if resigned else [])]
    async with FaultProxy(minio.url, faults) as proxy:
        plain, versioned = await probe_at(minio, proxy.url), await probe_at(minio, proxy.url, "versions")
    for answers in (plain, versioned):
        assert answers[Question.PUT_IF_NONE_MATCH] == answers[Question.COMPLETE_IF_NONE_MATCH] == "ignored"
        assert answers[Question.GET_IF_MATCH] == "honoured"
    assert writes_guard(versioned) == "head_first"
    with pytest.raises(Refusal, match="If-None-Match on PUT is not honoured"):
        writes_guard(plain)


@pytest.mark.parametrize("resigned", [True, False], ids=["signed anew", "signature broken"])
async def test_a_stripped_checksum_is_ignored(minio: Server, resigned: bool) -> None:
    """Behind a proxy that takes the checksum away an acknowledged write proves nothing."""
    faults = [Fault(StripRequestHeader("x-amz-checksum-crc64nvme")), *([Fault(resign(minio))] if resigned else [])]
    async with FaultProxy(minio.url, faults) as proxy:
        answers = await probe_at(minio, proxy.url)
    assert answers[Question.CHECKSUM] == "ignored"
    assert answers[Question.PUT_ETAG] == answers[Question.UPLOAD_ETAG] == "md5"
    assert not counts_received(answers)
    assert not counts_received(answers, multipart=True)


async def test_a_stripped_read_condition_is_ignored(minio: Server) -> None:
    """Behind a proxy that takes If-Match away reads are not held to a version."""
    async with FaultProxy(minio.url, [Fault(StripRequestHeader("If-Match")), Fault(resign(minio))]) as proxy:
        answers = await probe_at(minio, proxy.url)
    assert answers[Question.GET_IF_MATCH] == answers[Question.PUT_IF_MATCH] == "ignored"
    assert answers[Question.PUT_IF_NONE_MATCH] == "honoured"


async def test_a_clock_that_is_off_is_measured(minio: Server) -> None:
    """A store whose Date is years behind is seen to be (N13)."""
    async with FaultProxy(minio.url, [Fault(SetResponseHeader("Date", "Tue, 01 Jun 2021 00:00:00 GMT"))]) as proxy:
        answers = await probe_at(minio, proxy.url)
    assert int(answers[Question.DATE_SKEW_S]) < -86_400 * 365


async def test_canaries_go_even_if_the_server_falters(minio: Server) -> None:
    """A burst of 503 in the middle, the removal included, leaves nothing behind."""
    faults = [Fault(Answer(503, b""), method="PUT", nth=9), Fault(Answer(503, b""), method="DELETE", nth=4)]
    async with FaultProxy(minio.url, faults) as proxy:
        answers = await probe_at(minio, proxy.url)
    assert answers[Question.PUT_IF_NONE_MATCH] == "honoured"


async def test_the_probers_own_rights_are_enough_and_a_readers_are_not(minio: Server) -> None:
    """With the shipped policy of the prober, all is asked and removed; with a reader's the missing right is named."""
    owner = Keys(minio.access_key, minio.secret_key)
    roles = {role: new_keys(f"probe-test-{role}") for role in ("prober", "reader")}
    for role, keys in roles.items():
        await asyncio.to_thread(make_user, minio.url, owner, keys, policy(role, Scope(EVERYWHERE, {})))
    expected = {"talk": "honoured", "versions": "honoured", "evidence": NOT_ASKED}
    async with context_at(minio, minio.url, keys=roles["prober"]) as context:
        for bucket, complete in expected.items():
            answers = await probe(context, Place("korea", bucket), side="vault" if bucket == "evidence" else "source")
            assert answers[Question.PUT_IF_NONE_MATCH] == "honoured"
            assert answers[Question.COMPLETE_IF_NONE_MATCH] == complete
            assert "forbidden" not in dict(answers.answers).values()
    async with context_at(minio, minio.url, keys=roles["reader"]) as context:
        with pytest.raises(Forbidden, match=r"role prober can't probe talk: it needs to put.*s3:PutObject"):
            await probe(context, Place("korea", "talk"), side="source")
    assert left_behind(minio) == []


async def test_wrong_keys_and_a_dead_server_are_named(minio: Server) -> None:
    """A probe that can't get in says why, and writes no answer."""
    async with context_at(minio, minio.url, keys=Keys(minio.access_key, "wrong-secret")) as context:
        with pytest.raises(WrongCredentials):
            await probe(context, Place("korea", "talk"), side="source")
        assert context.ledger.probes == []
    async with context_at(minio, "http://127.0.0.1:9") as context:
        with pytest.raises(Unreachable):
            await probe(context, Place("korea", "talk"), side="source")


async def test_two_addresses_of_one_bucket_are_found_out(minio: Server) -> None:
    """A source and a target that are one bucket behind two addresses are seen to be one."""
    async with FaultProxy(minio.url) as proxy, context_at(minio, minio.url) as straight, context_at(minio, proxy.url) as behind:
        both = {"korea": straight.stores.of("korea", "prober"), "japan": behind.stores.of("korea", "prober")}
        context = context_of(both, clock=WallClock())
        assert await same_bucket(context, Place("korea", "talk"), Place("japan", "talk"))
        assert not await same_bucket(context, Place("korea", "talk"), Place("japan", "versions"))
    assert left_behind(minio) == []


def resign(server: Server) -> Resign:
    """A gateway that holds the keys, and signs what it changed."""
    return Resign(server.access_key, server.secret_key)
