"""All versions come home from one real MinIO to another: in their order, with their markers, each proved by itself (D12)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hikkoshi.local.iam import Scope, make_user, new_keys, policy
from hikkoshi.local.state import write_profiles
from relocation.rules.errors import Refusal
from tests.faults.house import House
from tests.faults.stack import MIB, Case, Watched, behind_proxies, case_of

pytestmark = pytest.mark.server


@pytest.fixture
def versioned(house: House, tmp_path: Path) -> Iterator[Case]:
    """A case whose buckets keep versions on both sides, with a remover of its own for its target bucket."""
    with case_of(house, tmp_path, name="versions", policy="{versions: all}") as made:
        keep_versions(made, "korea")
        made.remover = remover_of(house, tmp_path, made.bucket)
        yield made


def keep_versions(case: Case, site: str) -> None:
    case.client(site).put_bucket_versioning(Bucket=case.bucket, VersioningConfiguration={"Status": "Enabled"})


def remover_of(house: House, folder: Path, bucket: str) -> str:
    """Make a remover for one bucket, with the policy that is shipped, and return the reference of its keys."""
    keys = new_keys(f"remover-{bucket}")
    text = policy("remover", Scope([(bucket, "")], {"vault": "evidence"}))
    make_user(house.url("japan"), house.state.keys("japan", "root"), keys, text)
    file = folder / "remover"
    write_profiles(file, {"remover": keys})
    return f"file:{file}#remover"


def write(case: Case, key: str, *bodies: bytes | None, site: str = "korea", **more) -> None:
    for body in bodies:
        if body is None:
            case.client(site).delete_object(Bucket=case.bucket, Key=key)
        else:
            case.put(key, body, site=site, **more)


def histories(case: Case, site: str) -> dict[str, list[tuple[str, int]]]:
    """Return key → (ETag or `marker`, size), the oldest first, by boto3's listing."""
    found: dict[str, list[tuple[str, str, int, str]]] = {}
    for page in case.client(site).get_paginator("list_object_versions").paginate(Bucket=case.bucket):
        for each in page.get("Versions", ()):
            entry = (each["LastModified"], each["ETag"].strip('"'), each["Size"], each["IsLatest"])
            found.setdefault(each["Key"], []).append(entry)
        for each in page.get("DeleteMarkers", ()):
            found.setdefault(each["Key"], []).append((each["LastModified"], "marker", 0, each["IsLatest"]))
    for entries in found.values():
        entries.sort(key=lambda entry: (entry[3], entry[0]))  # the latest is the latest, whatever the clock's grain
    return {key: [(etag, size) for _, etag, size, _ in entries] for key, entries in found.items()}


def seed(case: Case) -> None:
    """Put histories of every kind."""
    write(case, "a", b"1", b"22", b"22", None, b"333")
    write(case, "a beside", b"b")
    write(case, "deleted", b"x", None)
    write(case, "deleted twice", b"x", None, None)
    write(case, "写真 %2F+", b"1" * 99, b"2" * 99, Metadata={"album": "one"}, Tagging="kind=image", ContentType="image/jpeg")
    for letter in (b"y", b"z"):
        case.put_parts("video", (letter * 5 * MIB, b"end"))
    write(case, "video", None, b"cut")


async def test_every_version_and_marker_comes_home_and_is_proved_by_itself(versioned):
    """D12: both servers list the same histories; each version was read back by its own id; a second run writes nothing (I5)."""
    case = versioned
    seed(case)
    korea = histories(case, "korea")
    count = sum(len(entries) for entries in korea.values())
    summary = await case.run()
    assert histories(case, "japan") == korea
    assert summary.outcomes["verified"].objects == summary.counts["listed"].objects == count
    assert all(equation.holds for equation in summary.equations)
    assert {name: each.objects for name, each in summary.histories.counts.items() if "verified" in name} == {
        "objects_verified": 4,
        "former_versions_verified": 8,
        "delete_markers_verified": 4,
    }
    facts = await case.sealed((await case.last_run()).id)
    assert len({(fact.source_key, fact.source_version_id, fact.target_version_id) for fact in facts}) == count
    head = case.japan.head_object(Bucket=case.bucket, Key="写真 %2F+")
    assert (head["ContentType"], head["Metadata"], head.get("TagCount")) == ("image/jpeg", {"album": "one"}, 1)
    before = case.versions()
    again = await case.run()
    assert again.counts["keep"] == again.counts["listed"] == again.outcomes["verified"]
    assert case.versions() == before


async def test_a_run_of_versions_that_was_stopped_goes_on_and_doubles_nothing(versioned):
    """D12, D31: stopped between two versions of a key, the next run goes on where it was; nothing is there twice."""
    case = versioned
    for number in range(6):
        write(case, f"k{number}", b"1", b"1", None, b"22", b"22")
    for stop_after in (4, 9):
        watched = Watched("copy", stop_after)
        running = asyncio.create_task(case.run(progress=watched))
        await asyncio.wait_for(watched.reached.wait(), 60)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    summary = await case.run()
    assert histories(case, "japan") == histories(case, "korea")
    assert summary.outcomes["verified"].objects == summary.counts["listed"].objects == 30
    assert not summary.conflicts


async def test_a_marker_is_laid_by_the_remover_alone(versioned):
    """D12, I2: of all that is sent to the target, a DELETE names no version, and the writer's keys send none."""
    case = versioned
    write(case, "a", b"1", None, b"2", None)
    async with behind_proxies(case) as (korea, japan):
        await case.run()
        deletes = case.seen(japan, "DELETE")
        assert len(deletes) == 2
        assert not any("versionId" in each.target for each in deletes)
        assert case.seen(korea, "PUT", "POST", "DELETE") == []


async def test_the_writers_keys_lay_no_marker(versioned):
    """D12: with the writer's keys in the remover's place the store itself says no, and no version goes on top."""
    case = versioned
    write(case, "a", b"1", None, b"2")
    remover, case.remover = case.remover, f"file:{case.house.state.credentials}#japan-writer"
    summary = await case.run()
    assert [named.key for named in summary.failed] == ["a", "a"]
    assert "s3:DeleteObject" in summary.failed[0].reason
    assert histories(case, "japan")["a"] == histories(case, "korea")["a"][:1]
    case.remover = remover
    await case.run()
    assert histories(case, "japan") == histories(case, "korea")


async def test_a_foreign_version_between_two_of_ours_is_a_conflict(versioned):
    """D12, I3: what somebody else put on top is named, and the source's next version does not cover it."""
    case = versioned
    write(case, "a", b"1")
    await case.run()
    write(case, "a", b"theirs", site="japan")
    write(case, "a", b"2")
    write(case, "other", b"fine")
    summary = await case.run()
    assert [named.key for named in summary.conflicts] == ["a"]
    assert [size for _, size in histories(case, "japan")["a"]] == [1, 6]
    assert histories(case, "japan")["other"] == histories(case, "korea")["other"]


async def test_a_target_without_versions_is_refused_before_the_first_byte(house, tmp_path):
    """D12: the plan says what to do; nothing was written."""
    with case_of(house, tmp_path, name="versions", policy="{versions: all}", versioned=False) as case:
        keep_versions(case, "korea")
        write(case, "a", b"1", b"2")
        with pytest.raises(Refusal, match="Turn versioning on"):
            await case.run()
        assert case.versions() == {}


async def test_what_stays_behind_is_counted_by_default(house, tmp_path):
    """D12: the latest versions alone are moved, and the report says how many others, and markers, stay in the source."""
    with case_of(house, tmp_path, name="versions", policy="{keep_etag: prefer, verify: read_back}") as case:
        keep_versions(case, "korea")
        write(case, "a", b"1", b"22", None, b"333")
        write(case, "b", b"x", None)
        summary = await case.run()
        assert case.listed("japan") == case.listed("korea")
        assert {name: each.objects for name, each in summary.histories.counts.items()} == {
            "former_versions": 3,
            "delete_markers": 2,
        }
