"""What a whole run takes of memory, on real servers, against what its configuration allows (C3)."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks import loads
from benchmarks.memory import allowed_mib, peak
from benchmarks.pair import running_pair

pytestmark = [pytest.mark.server, pytest.mark.long]

BUDGET_MIB = 128


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_run_takes_its_budget_and_the_program_and_no_more(tls):
    """C3, I9: a mixed load of four times the budget, every byte read back: peak memory is the budget and 170 MB at most."""
    load = loads.mixed(512 * loads.MIB)
    with running_pair(tls=tls, say=lambda _line: None) as pair:
        asyncio.run(loads.seed(pair, [load]))
        cost = peak(pair, load, BUDGET_MIB)
    assert cost.rss_mib <= allowed_mib(BUDGET_MIB)
