"""Slices of a category: what a wave asks for, and when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from relocation.rules import values
from relocation.rules.waves import Between, Selector, Users
from relocation.settings.values import Bytes, Cron, Day, FilePath, KeyPrefix, Settings, Slug, TimeZone

Ordered = TypeVar("Ordered", bound=Settings)


class Schedule(Settings):
    """When a wave starts by itself: five cron fields in a time zone."""

    cron: Cron
    timezone: TimeZone = "Asia/Tokyo"


def _in_order(model: Ordered, least: str | int | None = None) -> Ordered:
    """Refuse a range that holds nothing. `least`: what no value comes before."""
    start, end = getattr(model, "start", None), getattr(model, "end", None)
    if least is not None and end is not None and end <= least:
        raise ValueError("holds nothing: no object comes before `end`, which itself is left out")
    if start is not None and end is not None and not start < end:
        raise ValueError("holds nothing: `end` is not beyond `start`; `end` itself is left out")
    return model


class KeyRange(Settings):
    """Keys below the move's prefix, by their bytes in UTF-8. `start` is in it, `end` is not."""

    start: KeyPrefix | None = None
    end: KeyPrefix | None = None

    _order = model_validator(mode="after")(partial(_in_order, least=""))


class DayRange(Settings):
    """Days of the last modification, in UTC, as the source's listing shows it. `start` is in it, `end` is not."""

    start: Day | None = None
    end: Day | None = None

    _order = model_validator(mode="after")(_in_order)


class SizeRange(Settings):
    """Sizes of objects. `start` is in it, `end` is not."""

    start: Bytes | None = None
    end: Bytes | None = None

    _order = model_validator(mode="after")(partial(_in_order, least=0))


class UserShare(Settings):
    """A share of the users. `pattern` is matched at the beginning of the key below the move's prefix; its group `user` is the user.

    Shares of one pattern follow each other in file order: 10 % and then 40 % leave half for others.
    """

    pattern: Annotated[str, AfterValidator(values.user_pattern)]
    share: Annotated[int, BeforeValidator(values.share_ppm)]
    """In parts of a million."""


class KeyList(Settings):
    """A file of keys below the move's prefix, one a line, percent-encoded as all our output is."""

    path: FilePath
    keys: Annotated[frozenset[str], Field(repr=False)]


class Wave(Settings):
    """A slice of a category: what meets all that it asks for. One that asks for nothing is the rest of the category."""

    name: Slug
    prefixes: tuple[KeyPrefix, ...] = ()
    keys: KeyRange = KeyRange()
    modified: DayRange = DayRange()
    size: SizeRange = SizeRange()
    users: UserShare | None = None
    keys_file: KeyList | None = None
    schedule: Schedule | None = None
    catch_up_schedule: Schedule | None = None


def selectors_of(waves: Sequence[Wave]) -> tuple[Selector, ...]:
    """Return what waves ask for. The shares of one pattern follow each other: each begins where the one before it ends."""
    ends: dict[str, int] = {}
    return tuple(_selector(wave, ends) for wave in waves)


def _selector(wave: Wave, ends: dict[str, int]) -> Selector:
    users = None
    if wave.users is not None:
        start = ends.get(wave.users.pattern, 0)
        end = ends[wave.users.pattern] = start + wave.users.share
        users = Users(wave.users.pattern, start, end)
    days = (f"{day}T00:00:00" if day else None for day in (wave.modified.start, wave.modified.end))
    return Selector(
        wave.name,
        wave.prefixes,
        Between(wave.keys.start, wave.keys.end),
        Between(*days),
        Between(wave.size.start, wave.size.end),
        users,
        wave.keys_file.keys if wave.keys_file else None,
    )
