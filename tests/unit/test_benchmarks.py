"""The benchmark's own arithmetic: what it says about speed, cost and memory is what was measured."""

from __future__ import annotations

import os
import resource
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import chart, loads
from benchmarks.cost import Cost, cost_of, medians
from benchmarks.goals import MEMORY_MIB, verdicts
from benchmarks.growth import HEIGHT, TOP, Figure, growth
from benchmarks.page import page, titles
from benchmarks.results import Case, Results

MIB = 1024 * 1024


def test_a_program_is_not_charged_with_the_memory_of_whoever_started_it(tmp_path: Path):
    """However large the benchmark has grown, `true` takes a few MiB, and a program that holds 64 MiB takes more than that."""
    ballast = bytearray(os.urandom(MIB)) * 128
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > len(ballast)
    program = ["python3", "-I", "-S", "-c", "x = bytearray(b'x' * 64 * 2**20)"]
    assert cost_of(["true"], dict(os.environ), output=tmp_path / "out").rss_mib < 20
    assert 64 < cost_of(program, dict(os.environ), output=tmp_path / "out").rss_mib < 160


def test_without_the_launcher_a_program_would_be_charged_with_the_memory_of_whoever_started_it():
    """The kernel's figure for a child that is started directly begins at its parent's: the launcher is needed."""
    ballast = bytearray(os.urandom(MIB)) * 128
    process = subprocess.Popen(["true"])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert used.ru_maxrss * 1024 > len(ballast)


def test_a_tool_that_fails_ends_the_benchmark_instead_of_being_fast(tmp_path: Path):
    """A tool that ended with an error has no speed."""
    with pytest.raises(SystemExit, match="ended with 3"):
        cost_of(["sh", "-c", "exit 3"], dict(os.environ), output=tmp_path / "out")


def test_the_mixed_load_has_the_sizes_that_it_says():
    """Sizes are the same on every machine, between 4 KiB and 64 MiB but for the last, and add up to the byte."""
    load = loads.mixed(256 * MIB)
    assert load == loads.mixed(256 * MIB)
    assert load.bytes == 256 * MIB
    assert all(4096 <= size <= 64 * MIB for size in load.sizes[:-1])


def results(ours_s: float, *, ours_cpu_s: float = 5.0, rss_mib: float = 200.0) -> Results:
    """Return a benchmark of 20,000 small objects in which rclone took 20 s."""
    found = Results(False, {"ours": "1", "rclone": "2 <&>"}, {"small": loads.small(20_000), "one": loads.small(1, "one")}, 8.0)
    found.add(Case("one", "ours", "copy"), Cost(1.0, 1.0, 100.0))
    found.add(Case("small", "ours", "copy"), Cost(ours_s, ours_cpu_s, rss_mib, 20.0))
    found.add(Case("small", "rclone", "copy"), Cost(20.0, 12.0, 80.0, 22.0))
    return found


def test_a_goal_is_met_or_missed_by_what_was_measured():
    """The verdict on a goal follows from medians of whole processes, and turns when they do."""
    fast = {each.goal: each for each in verdicts(results(14.0))}
    slow = {each.goal: each for each in verdicts(results(15.0, ours_cpu_s=6.0, rss_mib=MEMORY_MIB + 1))}
    assert len(fast) == len(slow) == 3
    assert all(each.met for each in fast.values())
    assert not any(each.met for each in slow.values())
    assert "1.43 ×" in {each.measured for each in fast.values()}
    assert "0.200 ms" in {each.measured for each in fast.values()}  # (5 - 1) s over the other 19,999 objects


def test_what_was_not_run_is_not_judged():
    """A benchmark without rclone says nothing about rclone."""
    found = results(14.0)
    del found.runs[Case("small", "rclone", "copy")]
    assert not [each for each in verdicts(found) if "rclone" in each.goal]


def test_medians_are_of_each_figure_for_itself():
    """One slow run among three does not move the median."""
    assert medians([Cost(1, 2, 3), Cost(9, 9, 9), Cost(2, 1, 4)]) == Cost(2, 2, 4, 0)


def test_the_page_and_the_pictures_can_be_read_by_machines():
    """The pictures are well-formed XML whatever a tool calls itself, and the page names what each goal came to."""
    found = results(14.0)
    found.loads["small <&>"] = found.loads["small"]
    text = page(found, verdicts(found), "make bench")
    assert "| ≥ 1.35 × | 1.43 × | met |" in text
    assert "the servers' own ceiling, copy* | | 2,000 objects/s" in text
    ET.fromstring(chart.bars(found, {**titles(found), "small": "<&>"}))
    ET.fromstring(chart.curves([("a <&> b", ["1", "2"], [chart.Curve("ours", "copy", (1.0, None))])]))


def test_what_grows_evenly_is_drawn_as_a_straight_line():
    """Both axes begin at nought: a figure in proportion to the keys lies on one line through it, whatever numbers were tried."""
    svg = growth("A dry run", [200_000, 1_000_000, 3_000_000], [Figure("Time", "s", [2.0, 10.0, 30.0])])
    circles = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}circle")
    points = [(float(circle.attrib["cx"]) - 10, float(circle.attrib["cy"])) for circle in circles]
    slopes = [(y - (TOP + HEIGHT)) / x for x, y in points]
    assert max(slopes) - min(slopes) < 0.02
    assert ">3M</text>" in svg
    assert ">200k</text>" in svg


def test_a_file_without_a_name_counts_as_disk_while_its_program_runs(tmp_path: Path):
    """What a program keeps where nobody sees it is seen here: memory that is spared on a disk has its price."""
    code = "import tempfile, time\nfile = tempfile.TemporaryFile(); file.write(b'x' * 8 * 2**20); file.flush(); time.sleep(0.7)"
    cost = cost_of(["python3", "-I", "-S", "-c", code], {**os.environ, "TMPDIR": str(tmp_path)}, output=tmp_path / "out")
    assert 7 < cost.disk_mib < 12
