"""Catching up on real servers, counted by proxies in front of both, with the rights of the shipped roles alone (D28, I3, I5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relocation.rules.summary import Summary
from relocation.stages.catch_up import CatchUpRequest, catch_up
from tests.faults.house import House
from tests.faults.stack import CATEGORY, WRITES, Case, behind_proxies, case_of
from tests.faults.test_versions import remover_of

pytestmark = pytest.mark.server


@pytest.fixture
def removing(house: House, tmp_path: Path) -> Iterator[Case]:
    """A case whose target has a remover."""
    with case_of(house, tmp_path, name="catch-up") as made:
        made.remover = remover_of(house, tmp_path, made.bucket)
        yield made


async def caught_up(case: Case, **changes) -> Summary:
    async with case.context() as context:
        return await catch_up(context, CatchUpRequest(CATEGORY, "all", **changes))


def seed(case: Case) -> None:
    for number in range(20):
        case.put(f"u{number % 7}/{number}.jpg", bytes([number]) * (100 + number), Tagging="kind=image" if number % 3 else "")


def tags(case: Case, site: str, key: str) -> list[dict[str, str]]:
    return case.client(site).get_object_tagging(Bucket=case.bucket, Key=key)["TagSet"]


async def test_a_catch_up_brings_over_what_came_changed_and_went(removing):
    """D28: puts, overwrites, deletions and a change of tags alone: after the passes boto3 finds both sides alike."""
    case = removing
    seed(case)
    await case.run()
    case.put("new.jpg", b"new")
    case.put("u0/0.jpg", b"another")
    case.korea.delete_object(Bucket=case.bucket, Key="u1/1.jpg")
    case.korea.put_object_tagging(Bucket=case.bucket, Key="u2/2.jpg", Tagging={"TagSet": [{"Key": "kind", "Value": "portrait"}]})
    case.korea.delete_object_tagging(Bucket=case.bucket, Key="u4/4.jpg")
    summary = await caught_up(case)
    assert case.listed("korea") == case.listed("japan")
    assert all(tags(case, "korea", key) == tags(case, "japan", key) for key in case.listed("korea"))
    assert [(each.found.objects, each.removed.objects, each.refreshed) for each in summary.passes] == [(3, 1, 0), (0, 0, 2)]
    assert not (*summary.conflicts, *summary.failed, *summary.remove, *summary.foreign)


async def test_a_pass_where_nothing_changed_sends_no_write_and_gets_no_body(removing):
    """I5: two listings and a HEAD an object and side: PUT, POST, DELETE and GET of an object: none that a proxy saw."""
    case = removing
    seed(case)
    await case.run()
    async with behind_proxies(case) as proxies:
        await caught_up(case)  # the target's address is another one now: it is probed
        for proxy in proxies:
            proxy.requests.clear()
        summary = await caught_up(case)
        seen = [each for proxy in proxies for each in case.seen(proxy, *WRITES)]
        bodies = [
            each
            for proxy in proxies
            for each in case.seen(proxy, "GET")
            if ".jpg" in each.target.partition("?")[0] and "tagging" not in each.target
        ]
        heads = [each for proxy in proxies for each in case.seen(proxy, "HEAD")]
    assert seen == bodies == []
    assert len(heads) >= 40
    assert [each.last for each in summary.passes] == [True]
