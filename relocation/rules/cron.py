"""The five fields of a cron line, checked before anything is registered. Pure.

Refuses what schedulers read in different ways: six fields, `@daily`, `R`, `L`, `W` and `#`, a value out of its range, and a date
that no calendar has (`0 0 31 2 *`), which would wait for ever.
"""

from __future__ import annotations

import re

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NAMES = {
    "month": {name: number for number, name in enumerate(MONTHS, start=1)},
    "day of the week": {name: number for number, name in enumerate(WEEKDAYS)},
}
ITEM = re.compile(r"(?P<first>\*|[0-9]+|[a-z]{3})(?:-(?P<last>[0-9]+|[a-z]{3}))?(?:/(?P<step>[0-9]+))?")
DAYS_MAX = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def cron(text: str) -> str:
    """Return the line with single spaces, or raise `ValueError` that names the field."""
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise ValueError(
            f"has {len(fields)} fields; five are wanted (minute, hour, day, month, weekday), as in `0 1 * * *` (1:00 daily)"
        )
    sets = [_numbers(field.lower(), name, low, high) for field, (name, low, high) in zip(fields, FIELDS, strict=True)]
    days, months = sets[2], sets[3]
    if fields[4] == "*" and not any(day <= DAYS_MAX[month - 1] for day in days for month in months):
        raise ValueError(f"`{text}` names a day that its months do not have; it would never start")
    return " ".join(fields)


def _numbers(field: str, name: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for item in field.split(","):
        match = ITEM.fullmatch(item)
        if not match or (match["first"] == "*" and match["last"]) or (match["step"] and int(match["step"]) == 0):
            raise ValueError(f"`{item}` is no {name}; a number from {low} to {high}, a range `{low}-{high}`, `*` or `*/5`")
        first = low if match["first"] == "*" else _number(match["first"], name, low, high)
        last = high if match["first"] == "*" or (match["step"] and not match["last"]) else first
        if match["last"]:
            last = _number(match["last"], name, low, high) or (7 if match["last"] == "sun" else 0)  # `fri-sun` is a weekend
        if last < first:
            raise ValueError(f"`{item}` is a {name} range that runs backwards; the smaller one first")
        found.update(range(first, last + 1, int(match["step"] or 1)))
    return frozenset(found)


def _number(text: str, name: str, low: int, high: int) -> int:
    number = NAMES.get(name, {}).get(text, -1) if text.isalpha() else int(text)
    if not low <= number <= high:
        raise ValueError(f"`{text}` is no {name}; from {low} to {high}")
    return number
