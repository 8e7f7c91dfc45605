"""Encryption at rest on either side, on a MinIO with a key of its own: by policy, tried before the first byte, named (D9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from hikkoshi.local.configuration import REGIONS
from hikkoshi.local.state import Keys, write_profiles
from relocation.stages.wave import WaveRequest, dry_run
from tests.faults.stack import CATEGORY, MIB, Case, case_of
from tests.servers import Server, minio_server

pytestmark = pytest.mark.server

KEY = "evidence-key"


@pytest.fixture(scope="module")
def encrypting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Server]]:
    """A MinIO with one key, in the place of either side."""
    folder = tmp_path_factory.mktemp("kms")
    with minio_server(folder, region=REGIONS[request.param], kms_key=KEY) as server:
        yield request.param, server


@contextmanager
def case_at(house, folder: Path, site: str, server: Server, **options) -> Iterator[Case]:
    config = Config(proxies={}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
    keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    client = boto3.client("s3", endpoint_url=server.url, region_name=server.region, config=config, **keys)
    folder.mkdir(parents=True, exist_ok=True)
    write_profiles(folder / "its-credentials", {"it": Keys(server.access_key, server.secret_key)})
    more = {"urls": {site: server.url}, "references": {site: "file:its-credentials#it"}, "clients": {site: client}}
    with case_of(house, folder, **more, **options) as made:
        place = {"CreateBucketConfiguration": {"LocationConstraint": REGIONS[site]}}
        client.create_bucket(Bucket=made.bucket, **place)
        if site == "japan":
            client.put_bucket_versioning(Bucket=made.bucket, VersioningConfiguration={"Status": "Enabled"})
            client.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True, **place) if not _has(client) else None
        yield made


def _has(client) -> bool:
    return any(bucket["Name"] == "evidence" for bucket in client.list_buckets()["Buckets"])


def seed(case: Case, **encryption) -> None:
    case.put("small", b"s" * 500, **encryption)
    case.put("tagged", b"t" * 500, Tagging="kind=image", Metadata={"owner": "u1"}, **encryption)
    case.put_parts("video", (b"\1" * 5 * MIB, b"\2" * 99), **encryption)


AT_THE_TARGET = pytest.mark.parametrize("encrypting", ["japan"], indirect=True)
AT_THE_SOURCE = pytest.mark.parametrize("encrypting", ["korea"], indirect=True)


@AT_THE_TARGET
@pytest.mark.parametrize(("policy", "shown"), [("{sse: {type: s3}}", "AES256"), (f"{{sse: {{type: kms, key: {KEY}}}}}", "aws:kms")])
async def test_objects_are_encrypted_at_the_target_as_the_policy_says(house, encrypting, tmp_path, policy, shown):
    """Each object is, by its own HEAD; what a key makes of ETags is no difference, and a second run keeps everything."""
    site, server = encrypting
    with case_at(house, tmp_path, site, server, policy=policy) as case:
        seed(case)
        summary = await case.run()
        assert summary.outcomes["verified"].objects == 3
        assert (summary.losses, summary.refused, summary.failed) == ({}, (), ())
        assert any(text.startswith(f"encryption: {shown}") for text in summary.declared)
        for key in ("small", "tagged", "video"):
            assert case.japan.head_object(Bucket=case.bucket, Key=key)["ServerSideEncryption"] == shown
        assert case.bodies("japan") == case.bodies("korea")
        again = await case.run()
        assert again.counts["keep"].objects == 3
        assert again.outcomes["verified"].objects == 3


@AT_THE_TARGET
async def test_a_key_that_is_not_there_is_named_at_plan(house, encrypting, tmp_path):
    """The probe tries the key that the policy names; the dry run refuses each object with the key's name, and writes nothing."""
    site, server = encrypting
    with case_at(house, tmp_path, site, server, policy="{sse: {type: kms, key: not-ours}}") as case:
        seed(case)
        async with case.context() as context:
            summary = await dry_run(context, WaveRequest(CATEGORY, "all"))
        assert {named.key for named in summary.refused} == {"small", "tagged", "video"}
        assert all("aws:kms:not-ours" in named.reason for named in summary.refused)
        assert case.listed("japan") == {}


@AT_THE_SOURCE
@pytest.mark.parametrize(
    "encryption", [{"ServerSideEncryption": "AES256"}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}]
)
async def test_an_encrypted_source_comes_home_in_the_clear_of_the_target(house, encrypting, tmp_path, encryption):
    """What the source's keys make of its ETags is not taken for altered bytes; the target's own setting decides there."""
    site, server = encrypting
    with case_at(house, tmp_path, site, server) as case:
        seed(case, **encryption)
        case.put("clear", b"c" * 500)
        summary = await case.run()
        assert summary.outcomes["verified"].objects == 4, (summary.failed, summary.mismatched)
        assert summary.losses == {}
        assert case.bodies("japan") == case.bodies("korea")
        assert "ServerSideEncryption" not in case.japan.head_object(Bucket=case.bucket, Key="small")
