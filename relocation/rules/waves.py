"""Which wave of a category an object belongs to. Pure.

Guarantees: every object belongs to exactly one wave. A wave asks for prefixes, a range of keys, of days or of sizes, or for a share
of the users, all of it at once; a list of keys takes them from all other waves; the wave that asks for nothing takes the rest.
Refuses overlaps, in the configuration where it shows them and by the object's name where only the keys do; a second rest; and a
hole: that is a rest without a name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Generic, TypeVar

from relocation.rules.errors import StateMismatch
from relocation.rules.keys import shown

Bound = TypeVar("Bound", int, str)
WHOLE_PPM = 1_000_000
SECONDS = len("2021-06-30T00:00:00")
"""Of a listing's time, what two stores write alike."""


@dataclass(frozen=True, slots=True)
class Between(Generic[Bound]):
    """From a bound on, itself included, up to another, itself left out; None: no bound."""

    start: Bound | None = None
    end: Bound | None = None

    @property
    def is_open(self) -> bool:
        return self.start is None and self.end is None

    def holds(self, value: Bound) -> bool:
        return (self.start is None or value >= self.start) and (self.end is None or value < self.end)

    def meets(self, other: Between[Bound]) -> bool:
        """Whether some value may lie in both."""
        return self._begins_before(other.end) and other._begins_before(self.end)

    def _begins_before(self, end: Bound | None) -> bool:
        return self.start is None or end is None or self.start < end


@dataclass(frozen=True)
class Users:
    """A share of the users: `pattern` names the part of a key that is the user, in parts of a million of all."""

    pattern: str
    start_ppm: int
    end_ppm: int

    @cached_property
    def _search(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def holds(self, key: str) -> bool:
        """Whether the key names a user, and one of this share. The same users each time: a share that grows drops nobody."""
        found = self._search.match(key)
        return found is not None and self.start_ppm <= place_ppm(found["user"]) < self.end_ppm


def place_ppm(user: str) -> int:
    """Return a user's place among all, in parts of a million: evenly spread, the same on every machine and in every category."""
    return int.from_bytes(hashlib.sha256(user.encode()).digest()[:8], "big") * WHOLE_PPM >> 64


@dataclass(frozen=True, slots=True)
class Selector:
    """What a wave asks of an object: of its key below the move's prefix, and of what the source's listing shows."""

    name: str
    prefixes: tuple[str, ...] = ()
    keys: Between[str] = field(default_factory=Between)
    modified: Between[str] = field(default_factory=Between)
    """By UTC times, `2021-06-30T00:00:00`."""
    size: Between[int] = field(default_factory=Between)
    users: Users | None = None
    listed: frozenset[str] | None = None
    """Keys that belong to this wave whatever others ask for."""

    @property
    def is_rest(self) -> bool:
        return self.listed is None and self.users is None and not self.prefixes and all(bounds.is_open for bounds in self._box)

    @property
    def _box(self) -> tuple[Between[str], Between[str], Between[int]]:
        return (self.keys, self.modified, self.size)

    def that_decides(self) -> list[str] | dict[str, object]:
        """Return what of it decides which objects are its own, as JSON: the prefixes alone, where it asks for nothing else."""
        rarer: dict[str, object] = {
            name: [bounds.start, bounds.end]
            for name, bounds in (("keys", self.keys), ("modified", self.modified), ("size", self.size))
            if not bounds.is_open
        }
        if self.users is not None:
            rarer["users"] = [self.users.pattern, self.users.start_ppm, self.users.end_ppm]
        if self.listed is not None:
            rarer["listed"] = hashlib.sha256("\n".join(sorted(map(shown, self.listed))).encode()).hexdigest()
        prefixes = sorted(set(self.prefixes))
        return {"prefixes": prefixes, **rarer} if rarer else prefixes

    def claims(self, key: str, size: int, last_modified: str) -> bool:
        """Whether an object is what the wave asks for. Lists are the partition's business."""
        return (
            (not self.prefixes or key.startswith(self.prefixes))
            and self.keys.holds(key)
            and self.size.holds(size)
            and self.modified.holds(last_modified[:SECONDS])
            and (self.users is None or self.users.holds(key))
        )


class Partition:
    """The waves of one category, for asking object by object."""

    def __init__(self, selectors: Sequence[Selector]) -> None:
        self._listed = {key: each.name for each in selectors for key in each.listed or ()}
        self._asking = [each for each in selectors if each.listed is None and not each.is_rest]
        self._rest = next((each.name for each in selectors if each.is_rest), "")

    @property
    def by_key(self) -> bool:
        """Whether a key alone tells the wave; else what the source's listing shows of the object does too."""
        return all(each.modified.is_open and each.size.is_open for each in self._asking)

    def wave_of(self, key: str, size: int, last_modified: str) -> str:
        """Return the name of the one wave that an object (by its key below the move's prefix) belongs to.

        Raises StateMismatch, with the key, where two waves ask for it.
        """
        if key in self._listed:
            return self._listed[key]
        name = ""
        for each in self._asking:
            if each.claims(key, size, last_modified):
                if name:
                    raise StateMismatch(
                        f"{shown(key)} is claimed by the waves {name} and {each.name}; a key belongs to one wave only: "
                        "change what they ask for, or name the key in a wave's `keys_file`, which goes before all others"
                    )
                name = each.name
        return name or self._rest


def partition_problems(selectors: Sequence[Selector]) -> tuple[tuple[str, str], ...]:
    """Return what keeps the waves from being a partition, as (place below `waves`, what is wrong and what would be right).

    No waves at all are fine: the category is one wave then.
    """
    problems = _twice_named(selectors)
    rests = [index for index, each in enumerate(selectors) if each.is_rest]
    first = selectors[rests[0]].name if rests else ""
    problems += [
        (f"{index}", f"asks for nothing, and neither does `{first}`; one wave at most takes the rest") for index in rests[1:]
    ]
    empty = "holds an empty one, which claims everything; leave `prefixes` away for the rest"
    problems += [(f"{index}.prefixes", empty) for index, each in enumerate(selectors) if "" in each.prefixes]
    for earlier, index in combinations(range(len(selectors)), 2):
        problems += _overlap(index, selectors[index], selectors[earlier])
    alone = "is there beside other conditions; a list of keys stands alone, and goes before what other waves ask for"
    problems += [
        (f"{index}.keys_file", alone)
        for index, each in enumerate(selectors)
        if each.listed is not None and not replace(each, listed=None).is_rest
    ]
    over = "asks, with the shares of the same pattern before it, for more than 100% of the users"
    problems += [
        (f"{index}.users.share", over)
        for index, each in enumerate(selectors)
        if each.users is not None and each.users.end_ppm > WHOLE_PPM
    ]
    if selectors and not rests:
        problems.append(("", "no wave takes what the others leave; add `- {name: rest}`"))
    return tuple(problems)


def share_keys(first: str, second: str) -> bool:
    """Whether some key begins with both prefixes: one is the beginning of the other."""
    return first.startswith(second) or second.startswith(first)


def _overlap(index: int, one: Selector, other: Selector) -> list[tuple[str, str]]:
    """Name an overlap that no key can help. Where a share of the users is asked for, only the keys can tell."""
    if one.listed is not None and other.listed is not None:
        both = f"as does that of wave `{other.name}`; a key belongs to one wave only"
        return [(f"{index}.keys_file", f"names {shown(min(twice))}, {both}")] if (twice := one.listed & other.listed) else []
    if any(each.is_rest or each.listed is not None or each.users is not None or "" in each.prefixes for each in (one, other)):
        return []
    pair = _meeting(one, other)
    if pair is None:
        return []
    if all(pair):
        shared = f"`{pair[0]}` shares keys with `{pair[1]}` of wave `{other.name}`; a key belongs to one wave only"
        return [(f"{index}.prefixes", shared)]
    return [(f"{index}", f"may claim objects that wave `{other.name}` claims too; nothing that both ask for keeps them apart")]


def _meeting(one: Selector, other: Selector) -> tuple[str, str] | None:
    """Return the first prefixes of both (empty where there are none) by which some object may be in both."""
    if not (one.modified.meets(other.modified) and one.size.meets(other.size)):
        return None
    pairs = ((mine, theirs) for mine in one.prefixes or ("",) for theirs in other.prefixes or ("",))
    return next((pair for pair in pairs if _meet(*pair, one.keys, other.keys)), None)


def _meet(one: str, other: str, keys: Between[str], others: Between[str]) -> bool:
    """Whether some key begins with both prefixes and lies in both ranges."""
    if not share_keys(one, other) or not keys.meets(others):
        return False
    prefix = max(one, other, key=len)
    start = max((bound for bound in (keys.start, others.start) if bound is not None), default=prefix)
    end = min((bound for bound in (keys.end, others.end) if bound is not None), default=None)
    low = max(start, prefix)
    return low.startswith(prefix) and (end is None or low < end)


def _twice_named(selectors: Sequence[Selector]) -> list[tuple[str, str]]:
    names = [each.name for each in selectors]
    twice = [index for index, name in enumerate(names) if name in names[:index]]
    return [(f"{index}.name", f"`{names[index]}` is there twice; each wave has a name of its own") for index in twice]
