"""Sizes and ages as bars."""

import random

import pytest

from relocation.rules.histogram import UNKNOWN_AGE, AgeHistogram, SizeHistogram
from relocation.rules.summary import Bin, Count


def total(bars: tuple[Bin, ...]) -> Count:
    return sum((bar.count for bar in bars), Count())


def ages(*months: str) -> AgeHistogram:
    histogram = AgeHistogram()
    for month in months:
        histogram.add(f"{month}-11T00:00:00.000Z", 10)
    return histogram


@pytest.mark.parametrize(
    ("size", "label"),
    [
        (0, "0 B"),
        (1, "≤ 1 KiB"),
        (1024, "≤ 1 KiB"),
        (1025, "≤ 4 KiB"),
        (65_536, "≤ 64 KiB"),
        (1024**2, "≤ 1 MiB"),
        (1024**2 + 1, "≤ 4 MiB"),
        (5 * 1024**3, "≤ 16 GiB"),
        (50 * 1000**4, "≤ 64 TiB"),
        (1024**5, "> 64 TiB"),
    ],
)
def test_a_size_stands_in_the_bar_whose_upper_edge_is_the_next(size: int, label: str) -> None:
    """Each object is counted in exactly one bar, and an edge belongs to the bar below it."""
    histogram = SizeHistogram()
    histogram.add(size)
    assert histogram.bars() == (Bin(label, Count(1, size)),)


def test_the_bars_add_up_and_have_no_holes() -> None:
    """Bars hold every object and byte; an empty bar between two others is there too, so that the axis is even."""
    histogram = SizeHistogram()
    sizes = [0, 10, 70_000, 70_001, 3_000_000]
    for size in sizes:
        histogram.add(size)
    assert total(histogram.bars()) == Count(len(sizes), sum(sizes))
    assert [bar.label for bar in histogram.bars()] == [
        "0 B",
        "≤ 1 KiB",
        "≤ 4 KiB",
        "≤ 16 KiB",
        "≤ 64 KiB",
        "≤ 256 KiB",
        "≤ 1 MiB",
        "≤ 4 MiB",
    ]


def first_year(histogram: AgeHistogram) -> int:
    return int(histogram.bars()[0].label.removeprefix("≤ ")[:4])


def by_year(histogram: AgeHistogram, since: int) -> dict[int, Count]:
    """Bars summed by the year, everything up to `since` in one."""
    years: dict[int, Count] = {}
    for bar in histogram.bars():
        year = max(int(bar.label.removeprefix("≤ ")[:4]), since)
        years[year] = years.get(year, Count()) + bar.count
    return {year: count for year, count in years.items() if count.objects}


def test_nothing_added_has_no_bars() -> None:
    """An empty category has an empty picture, not an error."""
    assert SizeHistogram().bars() == () == AgeHistogram().bars()


def test_a_negative_size_is_refused() -> None:
    """A size that can't be is no figure of a report."""
    with pytest.raises(ValueError, match="-1 bytes"):
        SizeHistogram().add(-1)


def test_months_stand_side_by_side_while_they_are_few() -> None:
    """Up to two years are shown by the month, empty months included."""
    bars = ages("2020-11", "2021-02").bars()
    assert [(bar.label, bar.count.objects) for bar in bars] == [("2020-11", 1), ("2020-12", 0), ("2021-01", 0), ("2021-02", 1)]


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("2019-01", "2020-12", ("2019-01", "2020-12")),
        ("2019-01", "2021-01", ("2019-Q1", "2021-Q1")),
        ("2015-06", "2021-03", ("2015-Q2", "2021-Q1")),
        ("2015-01", "2021-01", ("2015", "2021")),
        ("1970-01", "2026-11", ("≤ 2003", "2026")),
    ],
)
def test_longer_spans_take_wider_bars(first: str, last: str, labels: tuple[str, str]) -> None:
    """However old the oldest object is, there are at most 24 bars, and none is left out."""
    bars = ages(first, last).bars()
    assert (bars[0].label, bars[-1].label) == labels
    assert len(bars) <= 24
    assert total(bars) == Count(2, 20)


def test_a_time_that_is_none_is_counted_as_unknown() -> None:
    """An object whose date can't be read is shown as such, never left out."""
    histogram = ages("2021-03")
    histogram.add("Tue, 01 Mar 2021", 7)
    histogram.add("", 7)
    assert histogram.bars() == (Bin("2021-03", Count(1, 10)), Bin(UNKNOWN_AGE, Count(2, 14)))


@pytest.mark.parametrize("seed", range(20))
def test_merging_bars_gives_what_all_objects_together_give(seed: int) -> None:
    """The category's picture is the sum of its waves' pictures: no object is lost or counted twice when bars get wider."""
    dice = random.Random(seed)
    whole_sizes, merged_sizes, whole_ages, merged_ages = SizeHistogram(), SizeHistogram(), AgeHistogram(), AgeHistogram()
    for _ in range(3):
        sizes, of_ages = SizeHistogram(), AgeHistogram()
        newest = dice.randint(1990, 2026)
        for _ in range(200):
            size = int(2 ** dice.uniform(0, 35))
            at = f"{dice.randint(newest - dice.choice((0, 2, 9, 40)), newest)}-{dice.randint(1, 12):02}-01T00:00:00Z"
            for histogram in (whole_sizes, sizes):
                histogram.add(size)
            for histogram in (whole_ages, of_ages):
                histogram.add(at, size)
        merged_sizes.add_bars(sizes.bars())
        merged_ages.add_bars(of_ages.bars())
    assert merged_sizes.bars() == whole_sizes.bars()
    assert total(merged_ages.bars()) == total(whole_ages.bars())
    assert len(merged_ages.bars()) <= 24
    since = max(first_year(merged_ages), first_year(whole_ages))
    assert by_year(merged_ages, since) == by_year(whole_ages, since)
