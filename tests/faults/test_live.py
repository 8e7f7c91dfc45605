"""A wave that moves while people use its source (D1, D28): `python -m tests.faults.live_writer` is the same for two minutes."""

from __future__ import annotations

import pytest

from tests.faults.live_writer import CHANGES_PER_S, furnish, live
from tests.faults.stack import case_of

pytestmark = [pytest.mark.server, pytest.mark.long]


async def test_a_wave_under_a_live_writer_ends_with_nothing_that_differs(house, tmp_path):
    """D28: puts, overwrites, deletions, tag changes, 50 a second; after the fence and the last pass both sides are alike."""
    with case_of(house, tmp_path, name="live") as case:
        case.transfer = {"intent_objects": 256, "concurrency": 32}
        lived = await live(furnish(case, house, tmp_path), objects=400, seconds=8)
        assert lived.differ == []
        assert sum(lived.changes.values()) > CHANGES_PER_S * 8 / 4, lived.changes
        assert set(lived.changes) == {"put", "overwrite", "delete", "tag"}
        assert lived.summary.passes[-1].last
        assert not (*lived.summary.conflicts, *lived.summary.failed, *lived.summary.foreign, *lived.summary.remove)
