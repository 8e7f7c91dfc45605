"""Write fences on a real MinIO: raised, tried as the application, lifted by command, by the end, after a kill (C3)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from hikkoshi.local.configuration import REGIONS
from hikkoshi.local.iam import Scope, make_user, new_keys, policy
from hikkoshi.local.state import write_profiles
from relocation.rules.errors import Refusal
from relocation.stages.catch_up import CatchUpRequest, catch_up
from relocation.stages.fence import FenceRequest, fenced, holds, lift_fences, raise_fences
from tests.faults.house import House
from tests.faults.processes import worker
from tests.faults.stack import CATEGORY, Case, case_of

pytestmark = pytest.mark.server


def fencer_of(house: House, folder: Path, bucket: str, *, cloud: str) -> str:
    """Make a fencer for one bucket, with a policy that is shipped, and return the reference of its keys."""
    keys = new_keys(f"fencer-{bucket}")
    make_user(house.url("korea"), house.state.keys("korea", "root"), keys, policy("fencer", Scope([(bucket, "")], {}), cloud=cloud))
    file = folder / "fencer"
    write_profiles(file, {"fencer": keys})
    return f"file:{file}#fencer"


@pytest.fixture(params=["minio-by-policy", "minio"], ids=["iam", "quota"])
def fencing(request, house: House, tmp_path: Path) -> Iterator[Case]:
    """A case whose source has an application and a fencer: one who may attach policies, and one who may set quotas alone."""
    with case_of(house, tmp_path, name="fence") as made:
        made.fencer = fencer_of(house, tmp_path, made.bucket, cloud=request.param)
        made.put("a/first.jpg", b"first")
        yield made


@pytest.fixture
def fencing_users(house: House, tmp_path: Path) -> Iterator[Case]:
    """A case whose fencer may attach policies."""
    with case_of(house, tmp_path, name="fence-users") as made:
        made.fencer = fencer_of(house, tmp_path, made.bucket, cloud="minio-by-policy")
        made.put("a/first.jpg", b"first")
        yield made


def application(case: Case):
    keys = case.house.state.keys("korea", "application")
    names = {"aws_access_key_id": keys.access, "aws_secret_access_key": keys.secret, "region_name": REGIONS["korea"]}
    config = Config(proxies={}, retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=case.house.url("korea"), config=config, **names)


def may_write(case: Case, key: str) -> bool:
    """Try a real write as the application, with boto3."""
    try:
        application(case).put_object(Bucket=case.bucket, Key=key, Body=b"from the application")
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"AccessDenied", "XMinioAdminBucketQuotaExceeded"}:
            raise
        return False
    return True


async def test_a_fence_bars_the_application_until_it_is_lifted(fencing):
    """Before, the application writes; behind the fence it is refused and still reads; afterwards it writes again."""
    assert may_write(fencing, "a/before.jpg")
    async with fencing.context() as context:
        (fence,) = await raise_fences(context, FenceRequest(CATEGORY))
        assert (fence.categories, fence.state) == ((CATEGORY,), "up")
        assert await context.ledger.fences() == (fence,)
        assert not may_write(fencing, "a/behind.jpg")
        assert application(fencing).get_object(Bucket=fencing.bucket, Key="a/first.jpg")["Body"].read() == b"first"
        assert await holds(context, fence)
    async with fencing.context() as context:  # a person's fence outlives the command that raised it
        assert not may_write(fencing, "a/behind.jpg")
        await lift_fences(context, CATEGORY)
        assert await context.ledger.fences() == ()
    assert may_write(fencing, "a/after.jpg")
    assert sorted(fencing.listed("korea")) == ["a/after.jpg", "a/before.jpg", "a/first.jpg"], "no try of ours was written"


async def test_deletes_and_tags_are_barred_too_and_other_prefixes_are_not(fencing_users):
    """By the users' policies a fence is as narrow as the move's prefix, and as wide as everything that changes an object."""
    case = fencing_users
    case.prefix = "a/"
    async with case.context() as context, fenced(context, FenceRequest(CATEGORY)):
        assert not may_write(case, "a/behind.jpg")
        assert may_write(case, "b/beside.jpg")
        user, place = application(case), {"Bucket": case.bucket, "Key": "a/first.jpg"}
        for change in (
            lambda: user.delete_object(**place),
            lambda: user.put_object_tagging(**place, Tagging={"TagSet": []}),
            lambda: user.create_multipart_upload(Bucket=case.bucket, Key="a/upload"),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                change()
    assert may_write(case, "a/after.jpg")


async def test_a_bucket_policy_that_binds_nobody_is_found_out_and_taken_away(house, tmp_path):
    """On MinIO a bucket's policy binds anonymous callers alone: the write that was tried went through, so it is no fence."""
    with case_of(house, tmp_path, name="fence-policy") as case:
        keys = house.state.keys("korea", "root")
        write_profiles(tmp_path / "root", {"root": keys})
        case.fencer = f"file:{tmp_path / 'root'}#root"
        async with case.context() as context:
            with pytest.raises(Refusal, match="went through all the same"):
                await raise_fences(replace(context, clock=Hasty()), FenceRequest(CATEGORY, by="bucket_policy"))
            assert await context.ledger.fences() == ()
        with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
            case.korea.get_bucket_policy(Bucket=case.bucket)


@pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
@pytest.mark.parametrize(
    ("barred", "through"),
    [(("s3:PutObject", "s3:PutObjectTagging"), "deletions"), (("s3:PutObject", "s3:DeleteObject"), "changes of tags")],
    ids=["deletions", "tags"],
)
async def test_a_policy_that_bars_writes_alone_is_no_fence(fencing_users, monkeypatch, barred, through, versioned):
    """What a fence claims is tried, each of it: one that lets deletions or tags through is refused, and the tries leave nothing."""
    case = fencing_users
    if versioned:
        case.korea.put_bucket_versioning(Bucket=case.bucket, VersioningConfiguration={"Status": "Enabled"})
    monkeypatch.setattr("connectors.fences.statements.WRITES", barred)
    async with case.context() as context:
        with pytest.raises(Refusal, match=f"{through} as the application went through all the same"):
            await raise_fences(replace(context, clock=Hasty()), FenceRequest(CATEGORY, by="iam"))
        assert await context.ledger.fences() == ()
    shown = case.korea.list_object_versions(Bucket=case.bucket)
    assert ([each["Key"] for each in shown["Versions"]], shown.get("DeleteMarkers", [])) == (["a/first.jpg"], [])
    assert may_write(case, "a/after.jpg")


class Hasty:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now(self) -> float:
        return self.seconds

    def worked(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def test_the_quota_that_was_there_before_is_there_afterwards(house, tmp_path):
    """A fence takes away what it put there, and puts back what it found."""
    with case_of(house, tmp_path, name="fence-quota") as case:
        case.fencer = fencer_of(house, tmp_path, case.bucket, cloud="minio")
        house.admin("korea").bucket_quota_set(case.bucket, 10**9)
        async with case.context() as context, fenced(context, FenceRequest(CATEGORY)):
            assert not may_write(case, "x")
        assert '"quota":1000000000' in house.admin("korea").bucket_quota_get(case.bucket).replace(" ", "")
        assert may_write(case, "x")


async def test_what_fails_behind_a_fence_lifts_it(fencing_users):
    """Whatever ends the block, people may write again."""
    async with fencing_users.context() as context:
        with pytest.raises(ZeroDivisionError):
            async with fenced(context, FenceRequest(CATEGORY)):
                raise ZeroDivisionError
        assert await context.ledger.fences() == ()
    assert may_write(fencing_users, "a/after.jpg")


async def test_the_fence_of_a_killed_process_is_lifted_by_whoever_comes_next(fencing_users):
    """C3: `kill -9` behind a fence leaves people barred only until the next command or flow opens the migration."""
    async with fencing_users.context():
        pass
    async with worker("fence", fencing_users.config) as other:
        await other.hear("fenced")
        assert not may_write(fencing_users, "a/behind.jpg")
        async with fencing_users.context() as context:
            assert len(await context.ledger.fences()) == 1, "its owner lives: it stays"
        assert not may_write(fencing_users, "a/behind.jpg")
        other.send(signal.SIGKILL)
        await other.end()
    assert not may_write(fencing_users, "a/behind.jpg")
    async with fencing_users.context() as context:
        assert await context.ledger.fences() == ()
    assert may_write(fencing_users, "a/after.jpg")


async def test_the_last_pass_of_a_catch_up_is_made_behind_the_fence(fencing_users):
    """What the application wrote before is brought level; during the last pass it writes nothing; then it writes again."""
    case = fencing_users
    await case.run()
    assert may_write(case, "a/second.jpg")
    async with case.context() as context:
        behind = partial(fenced, context, FenceRequest(CATEGORY))
        summary = await catch_up(context, CatchUpRequest(CATEGORY, "all"), fenced=behind)
    assert case.listed("korea") == case.listed("japan")
    assert "behind a write fence" in summary.passes_end
    assert [each.last for each in summary.passes] == [False, False, True]
    assert may_write(case, "a/after.jpg")


async def test_what_a_quota_lets_through_is_said_by_the_pass_behind_it(fencing):
    """A deletion passes a quota, and not a policy: the report of the last pass must not claim more than the fence held."""
    await fencing.run()
    fencing.put("a/second.jpg", b"second")
    deleted = []

    @asynccontextmanager
    async def behind(context):
        async with fenced(context, FenceRequest(CATEGORY)) as fences:
            with suppress(ClientError):
                application(fencing).delete_object(Bucket=fencing.bucket, Key="a/second.jpg")
                deleted.append(fences[0].kind)
            yield fences

    async with fencing.context() as context:
        summary = await catch_up(context, CatchUpRequest(CATEGORY, "all"), fenced=partial(behind, context))
    said = [text for text in summary.unknown if "lets deletions and changes of tags through" in text]
    assert len(said) == len(deleted)
