"""Whether a category makes its day: said from what runs saw, or not at all."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relocation.rules.deadlines import PACE_DAYS, Chance, Sight, day_ends, forecast
from relocation.rules.summary import Count

FIRST = date(2021, 6, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def seen(*left: int, wave: str = "all", listed: int = 1000, first: int = 0) -> list[Sight]:
    """A run each day, after which so many objects of 10 bytes are left."""
    return [
        Sight(wave, day(first + number), Count(listed, 10 * listed), Count(listed - each, 10 * (listed - each)))
        for number, each in enumerate(left)
    ]


@pytest.mark.parametrize(
    ("left", "deadline", "chance", "slack"),
    [
        ((1000, 900, 800), 10, Chance.IN_TIME, 0),  # 100 a day: eight more days after day 2
        ((1000, 900, 800), 9, Chance.LATE, -1),
        ((1000, 900, 800), 30, Chance.IN_TIME, 20),
        ((1000,), 30, Chance.NO_PACE, None),
        ((1000, 1000), 30, Chance.STANDS_STILL, None),
        ((500, 800), 30, Chance.STANDS_STILL, None),  # the source grows faster than it empties
        ((1000, 500, 0), 10, Chance.HOME, 8),
        ((1000, 900, 800), 1, Chance.PASSED, None),
        ((1000, 0), 0, Chance.HOME, -1),  # home, a day late
    ],
)
def test_a_deadline_is_made_or_not_at_the_pace_that_was_seen(left, deadline, chance, slack):
    """The slack is counted from the day on which nothing is left; without a pace there is none."""
    ends = day_ends(seen(*left), ["all"])
    told = forecast(ends, day(deadline), ends[-1].day)
    assert (told.chance, told.slack_days) == (chance, slack)


def test_a_wave_that_nobody_listed_makes_the_day_unknown():
    """What was never looked at is not nothing: no category is called home for want of looking."""
    ends = day_ends(seen(500, 0, wave="first"), ["first", "rest"])
    told = forecast(ends, day(30), day(1))
    assert (told.chance, told.unseen) == (Chance.UNKNOWN, ("rest",))
    assert forecast((), day(30), day(1)).chance is Chance.UNKNOWN
    assert forecast((), day(30), day(31)).chance is Chance.PASSED


def test_days_without_a_run_are_days_too():
    """A pace seen once and not since is worth less each day: it is taken over the week, not over the days that had runs."""
    ends = day_ends(seen(1000, 300), ["all"])
    assert forecast(ends, day(30), day(1)).per_day == Count(700, 7000)
    assert forecast(ends, day(30), day(5)).per_day == Count(140, 1400)
    assert forecast(ends, day(30), day(1 + PACE_DAYS)).chance is Chance.STANDS_STILL


def test_the_last_run_of_a_day_and_of_each_wave_counts():
    """Two waves: what is left is the sum of what each last saw, also where the other had its run days before."""
    sights = [*seen(900, wave="first"), *seen(500, 400, wave="rest"), *seen(100, wave="first", first=3), *seen(1, wave="gone")]
    ends = day_ends(sights, ["first", "rest"])
    assert [(end.day, end.left.objects, end.unseen) for end in ends] == [
        (day(0), 1400, ()),
        (day(1), 1300, ()),
        (day(3), 500, ()),
    ]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.integers(0, 60), st.integers(0, 60))
def test_only_what_is_seen_to_be_home_is_called_home(left, deadline, later):
    """Whatever the runs saw: home means nothing left; in time means a day not after the deadline, at a pace that shrinks."""
    ends = day_ends(seen(*left), ["all"])
    told = forecast(ends, day(deadline), ends[-1].day + timedelta(days=later))
    assert (told.chance is Chance.HOME) == (left[-1] == 0)
    if told.chance is Chance.IN_TIME:
        assert told.per_day.objects > 0
        assert told.home_by is not None
        assert told.home_by <= day(deadline)
    if told.chance in (Chance.NO_PACE, Chance.STANDS_STILL, Chance.UNKNOWN):
        assert told.home_by is told.slack_days is None
