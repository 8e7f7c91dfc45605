"""Whether a category is home by its day, at the pace that was seen. Pure: the day is handed in.

Guarantees: says nothing that the runs did not show. A wave that nobody has listed yet makes what is left unknown, and with it the
day; a pace is what the last week came to, growth of the source included, and where nothing shrinks there is no day at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from relocation.rules.summary import Count

NONE = Count()
PACE_DAYS = 7
"""A pace is taken over so many days: a schedule's quiet days are in it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one run of a wave saw as it ended: how much there is at the source, and how much of it is verified at the target."""

    wave: str
    day: date
    listed: Count
    home: Count

    @property
    def left(self) -> Count:
        return Count(max(self.listed.objects - self.home.objects, 0), max(self.listed.bytes - self.home.bytes, 0))


@dataclass(frozen=True, slots=True)
class DayEnd:
    """How a category stood at the end of a day. `unseen`: the waves that no run had listed by then."""

    day: date
    left: Count
    home: Count
    unseen: tuple[str, ...] = ()


class Chance(StrEnum):
    """Whether a category makes its deadline. `PASSED`: the day is over and it is not home. `GROWN`: it was, and more came since;
    `NOTHING`: the source shows nothing of it; `CHANGED`: its moves or waves are other ones since it was listed. `HISTORY`: its
    latest versions are home, and of its history something stays at the source; `NOT_COUNTED`: nobody counted whether any does."""

    HOME = "home"
    IN_TIME = "in time"
    LATE = "late"
    NO_PACE = "no pace yet"
    STANDS_STILL = "stands still"
    UNKNOWN = "unknown"
    PASSED = "passed"
    GROWN = "grown"
    NOTHING = "nothing there"
    CHANGED = "changed"
    HISTORY = "history stays"
    NOT_COUNTED = "history not counted"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the pace comes to. `home_by` is the day on which nothing is left, `slack_days` how many days before the deadline that is
    (below 0: after it); None where there is no such day. `per_day` is by how much a day less was left, in the last week."""

    chance: Chance
    left: Count
    per_day: Count = NONE
    home_by: date | None = None
    slack_days: int | None = None
    unseen: tuple[str, ...] = ()


def day_ends(sights: Iterable[Sight], waves: Sequence[str]) -> tuple[DayEnd, ...]:
    """Return how the category stood at the end of each day on which a run ended, oldest first. `sights` in order."""
    last: dict[str, Sight] = {}
    ends: dict[date, DayEnd] = {}
    for sight in sights:
        if sight.wave in waves:
            last[sight.wave] = sight
            unseen = tuple(name for name in waves if name not in last)
            left = sum((each.left for each in last.values()), Count())
            home = sum((each.home for each in last.values()), Count())
            ends[sight.day] = DayEnd(sight.day, left, home, unseen)
    return tuple(ends.values())


def forecast(ends: Sequence[DayEnd], deadline: date, today: date) -> Forecast:
    """Return whether a category is home by its deadline (that day included) at the pace of its last week."""
    if not ends:
        return Forecast(Chance.PASSED if today > deadline else Chance.UNKNOWN, Count())
    now = ends[-1]
    if not now.left.objects and not now.unseen:
        return Forecast(Chance.HOME, now.left, home_by=now.day, slack_days=(deadline - now.day).days)
    if today > deadline:
        return Forecast(Chance.PASSED, now.left, unseen=now.unseen)
    if now.unseen:
        return Forecast(Chance.UNKNOWN, now.left, unseen=now.unseen)
    return _at_pace(ends, now, deadline, today)


def _at_pace(ends: Sequence[DayEnd], now: DayEnd, deadline: date, today: date) -> Forecast:
    seen = [end for end in ends if not end.unseen]
    week = [end for end in seen if end.day <= today - timedelta(days=PACE_DAYS)]
    before = week[-1] if week else seen[0]
    days = min((today - before.day).days, PACE_DAYS) if week else (today - before.day).days
    if days < 1:
        return Forecast(Chance.NO_PACE, now.left)
    per_day = Count((before.left.objects - now.left.objects) // days, (before.left.bytes - now.left.bytes) // days)
    if per_day.objects < 1 or (now.left.bytes and per_day.bytes < 1):
        return Forecast(Chance.STANDS_STILL, now.left, per_day)
    needed = max(-(-now.left.objects // per_day.objects), -(-now.left.bytes // per_day.bytes) if now.left.bytes else 0)
    home_by = today + timedelta(days=needed)
    slack_days = (deadline - home_by).days
    return Forecast(Chance.IN_TIME if slack_days >= 0 else Chance.LATE, now.left, per_day, home_by, slack_days)
