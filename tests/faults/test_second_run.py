"""A second run writes nothing: counted by proxies in front of both servers, not by us (I5)."""

from __future__ import annotations

import pytest

from tests.faults.stack import MIB, WRITES, Case, behind_proxies

pytestmark = pytest.mark.server


def seed(case: Case) -> None:
    for number in range(40):
        case.put(f"u{number % 7}/{number}.jpg", bytes([number]) * (100 + number), Tagging="kind=image" if number % 3 else "")
    case.put_parts("video.mp4", (b"a" * 5 * MIB, b"b" * 7))


async def test_a_second_run_sends_neither_side_a_single_write(case):
    """A run over what is already home reads, lists and reports; PUT, POST and DELETE of source and target: none."""
    seed(case)
    async with behind_proxies(case) as proxies:
        case.assert_reconciled(await case.run(), objects=41)
        assert len(case.seen(proxies[1], *WRITES)) >= 41  # the proxy does see writes
        assert not case.seen(proxies[0], *WRITES)
        for proxy in proxies:
            proxy.requests.clear()
        summary = await case.run()
        assert [each for proxy in proxies for each in case.seen(proxy, *WRITES)] == []
    case.assert_reconciled(summary, objects=41)
    assert summary.counts["keep"].objects == 41
    assert set(case.versions().values()) == {1}
