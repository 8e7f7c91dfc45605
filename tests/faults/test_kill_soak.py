"""The soak's short form: two kills under load, drawn from a seed (C1, S1, S2)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.faults.kill_soak import RSS_BYTES_MAX
from tests.faults.soaking.invariants import rows_of
from tests.faults.soaking.kills import draw
from tests.faults.soaking.load import batch
from tests.faults.soaking.report import Sample, chart, table
from tests.faults.soaking.siege import Siege, besiege
from tests.faults.stack import Case

SEED = 20261122


@pytest.mark.server
async def test_a_migration_besieged_loses_nothing_and_leaves_nothing(case: Case):
    """C1, C3, S1, S2: a server or the worker is killed twice within seconds of work; then every invariant holds, memory too."""
    case.transfer = {"lease_s": 3.0, "unreachable_s": 30.0, "stall_s": 5.0, "intent_objects": 32, "concurrency": 8}
    soaked = await besiege(case, Siege(SEED, kills=2, seconds=3.0, objects=120))
    rows = rows_of(soaked, rss_bytes_max=RSS_BYTES_MAX)
    print(table(rows))
    assert [row for row in rows if not row.holds and not row.of_share] == []  # of so small a load one part is a great share


def test_the_soaks_memory_is_the_programs_own():
    """C3: the process whose memory is measured holds none of what tests import beside the product."""
    listed = "import sys, tests.faults.soaking.runner; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout.split()
    assert not {"boto3", "pytest", "minio"} & set(imported)


def test_the_same_seed_is_the_same_siege():
    """Load, moments and victims follow from the seed, so that a soak that broke something can be had again."""
    import random

    blows = [draw(random.Random(SEED), kills=20, pauses=3, seconds=60) for _ in range(2)]
    assert blows[0] == blows[1]
    assert [sum(blow.victim == victim for blow in blows[0]) for victim in ("worker", "korea", "japan", "all", "pause")] == [
        5,
        5,
        5,
        5,
        3,
    ]
    assert batch(SEED, 3, objects=50) == batch(SEED, 3, objects=50)
    bodies = [part for planned in batch(SEED, 3, objects=50) for part in planned.parts()]
    assert len(set(bodies)) == len(bodies)


def test_the_chart_shows_memory_and_every_blow():
    """The chart of a soak has a point for each second, a mark for each blow and the limit, and is well-formed."""
    from xml.etree import ElementTree

    samples = [Sample(float(second), 100_000_000) for second in range(10)]
    text = chart(samples, [(2.0, "worker"), (5.0, "all")], title="5 < 6 & more", limit_bytes=RSS_BYTES_MAX)
    root = ElementTree.fromstring(text)
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    assert len(line.attrib["points"].split()) == len(samples)
    assert text.count('stroke-dasharray="2 3"') == 2
