"""A target without room (a quota): the run stops with the reason, nothing is done that is not, and it goes on after space (S3)."""

from __future__ import annotations

import asyncio

import pytest

from hikkoshi.fault_proxy import Call, Fault
from relocation.rules.errors import NoSpace
from tests.faults.stack import MIB, WRITTEN, behind_proxies

pytestmark = pytest.mark.server


async def test_a_full_target_stops_the_run_and_it_goes_on_with_its_own_plan_after_space(case):
    """S3: no retry storm: the run ends as NoSpace; what has a fact is there, and the same run finishes later."""
    for number in range(60):
        case.put(f"{number:02}", bytes([number]) * 300)
    case.put_parts("zz-video", (b"a" * 5 * MIB, b"b" * 5 * MIB, b"c" * 9))
    admin = case.house.admin("japan")

    async def fill() -> None:
        await asyncio.to_thread(admin.bucket_quota_set, case.bucket, 1)

    async with behind_proxies(case) as (_, japan):
        japan.faults = [Fault(Call(fill), method="PUT", target=f"^/{case.bucket}/\\d", nth=20)]
        with pytest.raises(NoSpace, match="make room and run again"):
            await case.run()
        refused = [each for each in case.seen(japan, "PUT") if each.status == 400]
    assert 1 <= len(refused) <= 16  # at most what was in hand, twice
    stopped = await case.last_run()
    assert (stopped.state, "make room" in stopped.message) == ("open", True)
    done = {fact.target_key: fact.target_etag for fact in await case.tail(stopped.id) if fact.outcome in WRITTEN}
    there = case.listed("japan")
    assert 10 <= len(done) < 60
    assert done.items() <= {key: etag for key, (_, etag) in there.items()}.items()
    assert case.uploads() == []
    await asyncio.to_thread(admin.bucket_quota_clear, case.bucket)
    summary = await case.run()
    assert summary.run_id == stopped.id
    case.assert_reconciled(summary, objects=61)
    assert set(case.versions().values()) == {1}


async def test_a_target_that_is_full_from_the_start_gets_no_upload_left_behind(case):
    """S3: an upload can be begun where no part can be written: it is aborted when the first part is refused."""
    case.put_parts("video", (b"a" * 5 * MIB, b"b" * 5 * MIB, b"c" * 9))
    admin = case.house.admin("japan")
    await asyncio.to_thread(admin.bucket_quota_set, case.bucket, 1)
    with pytest.raises(NoSpace):
        await case.run()
    assert case.uploads() == []
    assert case.listed("japan") == {}
    await asyncio.to_thread(admin.bucket_quota_clear, case.bucket)
    case.assert_reconciled(await case.run(), objects=1)
