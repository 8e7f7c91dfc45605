"""An object whose source changes while the wave is under way: drifted or gone, and home with the next run (D1-D4, D23)."""

from __future__ import annotations

import asyncio

import pytest

from connectors.s3.store import S3Store
from hikkoshi.fault_proxy import Call, Fault
from tests.faults.stack import MIB, behind_proxies

pytestmark = pytest.mark.server


async def test_what_changed_between_plan_and_copy_is_drifted_or_gone_and_comes_home_next_time(case):
    """D1, D3, D4: only the planned version is read: what was overwritten since is drifted, what was deleted is gone, by name."""
    for number in range(8):
        case.put(f"plain/{number}", bytes([number]) * 500)
    case.put_parts("video.mp4", (b"a" * 5 * MIB, b"b" * 9))
    before = {key: etag for key, (_, etag) in case.listed("korea").items()}
    planned = await case.run(until="plan")
    case.put("plain/2", b"\xff" * 500)  # the same size: only the ETag tells
    case.put("plain/3", b"longer than before" * 100)
    case.korea.delete_object(Bucket=case.bucket, Key="plain/4")
    case.put_parts("video.mp4", (b"c" * 5 * MIB, b"d" * 9))
    summary = await case.run()
    assert summary.run_id == planned.run_id
    assert {named.key for named in summary.drifted} == {"plain/2", "plain/3", "video.mp4"}
    assert [named.key for named in summary.gone] == ["plain/4"]
    for named in summary.drifted:  # both versions, by name
        assert before[named.key] in named.reason
        assert case.listed("korea")[named.key][1] in named.reason
    assert not summary.failed
    assert set(case.listed("japan")) == {f"plain/{number}" for number in (0, 1, 5, 6, 7)}
    assert all(equation.holds for equation in summary.equations)
    assert case.uploads() == []
    case.assert_reconciled(await case.run(), objects=8)


async def test_without_its_guard_a_read_would_take_another_version(case, monkeypatch):
    """Negative control: If-Match and the comparison of ETags are what keeps another version from passing for the planned one."""
    get = S3Store.get

    async def unguarded(self, bucket, key, into, *, if_match="", **more):
        head = await get(self, bucket, key, into, **more)
        return head._replace(etag=if_match or head.etag)

    monkeypatch.setattr(S3Store, "get", unguarded)
    with pytest.raises(AssertionError, match="plain/2"):
        await test_what_changed_between_plan_and_copy_is_drifted_or_gone_and_comes_home_next_time(case)


async def test_parts_of_two_versions_are_never_mixed(case):
    """D2: an object that is overwritten between two of its parts arrives as neither, and leaves no upload behind."""
    bodies = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c" * 9]
    case.put_parts("video.mp4", bodies)

    async def overwrite() -> None:
        await asyncio.to_thread(case.put_parts, "video.mp4", [body.upper() for body in bodies])

    async with behind_proxies(case) as (korea, _):
        korea.faults = [Fault(Call(overwrite), method="GET", target="video.mp4.partNumber=3", nth=1)]
        summary = await case.run()
    assert [named.key for named in summary.drifted] == ["video.mp4"]
    assert case.listed("japan") == {}
    assert case.uploads() == []
    case.assert_reconciled(await case.run(), objects=1)
    assert case.bodies("japan") == case.bodies("korea")
