"""What is held at the source is held as firmly at the target, or is refused at plan by name (D11, S3's object lock on MinIO)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from hikkoshi.local import down
from relocation.rules import fidelity
from relocation.stages.wave import WaveRequest, dry_run
from tests.faults.house import House
from tests.faults.stack import CATEGORY, MIB, Case, case_of

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Servers of this file's own: buckets with locked objects can't be removed, and would be unclaimed ones to other tests."""
    root = tmp_path_factory.mktemp("locks")
    try:
        yield House(root)
    finally:
        down(root)


@pytest.fixture(params=["both", "source alone"])
def locked(request: pytest.FixtureRequest, house: House, tmp_path: Path) -> Iterator[Case]:
    sites = ("korea", "japan") if request.param == "both" else ("korea",)
    with case_of(house, tmp_path, locked=sites) as made:
        yield made


def seed(case: Case) -> datetime:
    """Put objects under every kind of hold, whole and in parts, and two that nothing holds; return until when."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    retained = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    case.put("compliance", b"c", **retained)
    case.put("governance", b"g", **{**retained, "ObjectLockMode": "GOVERNANCE"})
    case.put("hold", b"h", ObjectLockLegalHoldStatus="ON")
    case.put("both", b"b", **retained, ObjectLockLegalHoldStatus="ON", Tagging="kind=evidence")
    case.put_parts("video", (b"\1" * 5 * MIB, b"\2" * 9), **retained)
    case.put("free", b"f")
    case.put("let go", b"l", ObjectLockLegalHoldStatus="ON")
    case.korea.put_object_legal_hold(Bucket=case.bucket, Key="let go", LegalHold={"Status": "OFF"})
    return until


HELD = {"compliance", "governance", "hold", "both", "video"}
LOCK = ("ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus")


def lock_of(client, case: Case, key: str) -> dict[str, object]:
    found = client.head_object(Bucket=case.bucket, Key=key)
    return {name: found[name] for name in LOCK if found.get(name, "OFF") != "OFF"}


async def test_holds_go_along_or_are_refused_at_plan(locked):
    """Mode, end and legal hold are the same on both sides, and the target enforces them; without object lock there, what is held is
    refused by name before anything is copied, and the rest comes home."""
    case = locked
    until = seed(case)
    async with case.context() as context:
        dry = await dry_run(context, WaveRequest(CATEGORY, "all"))
    summary = await case.run()
    if "japan" not in case.locked:
        assert {named.key for named in dry.refused} == {named.key for named in summary.refused} == HELD
        assert all("object lock" in named.reason for named in summary.refused)
        assert set(case.listed("japan")) == {"free", "let go"}
        return
    assert dry.refused == ()
    case.assert_reconciled(summary, objects=7)
    assert summary.losses == {}
    for key in case.listed("korea"):
        theirs, ours = (lock_of(case.client(site), case, key) for site in ("korea", "japan"))
        assert theirs == ours, key
    assert case.japan.head_object(Bucket=case.bucket, Key="video")["ObjectLockRetainUntilDate"] == until
    for key in HELD:
        version = case.japan.head_object(Bucket=case.bucket, Key=key)["VersionId"]
        with pytest.raises(ClientError, match=r"WORM|AccessDenied|InvalidRequest"):
            case.japan.delete_object(Bucket=case.bucket, Key=key, VersionId=version)


async def test_without_carrying_locks_nothing_would_be_held(house, tmp_path, monkeypatch):
    """Negative control: it is what `to_send` makes of the answer's headers that holds an object at the target."""
    to_send = fidelity.to_send

    def unheld(policy, head, acl, *, now):
        return to_send(policy, head._replace(rarer=()), acl, now=now)

    monkeypatch.setattr(fidelity, "to_send", unheld)
    with case_of(house, tmp_path, locked=("korea", "japan")) as case:
        seed(case)
        await case.run()
        assert not any(name in case.japan.head_object(Bucket=case.bucket, Key=key) for key in HELD for name in LOCK)
