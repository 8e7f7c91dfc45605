"""How a bucket is set up, as its store tells it: what there is to ask, and what the answers look like. Pure.

Guarantees: "none", "not offered", "not allowed to see" and "not read" are four answers; no failure reads like "none".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from relocation.rules.objects import Place


class Aspect(StrEnum):
    """What of a bucket's configuration is compared: a closed set, in the order of reports."""

    VERSIONING = "versioning"
    OBJECT_LOCK = "object_lock"
    LIFECYCLE = "lifecycle"
    ENCRYPTION = "encryption"
    CORS = "cors"
    NOTIFICATIONS = "notifications"
    POLICY = "policy"
    REPLICATION = "replication"


class State(StrEnum):
    """What kind of answer it was."""

    SET = "set"
    NONE = "none"
    NOT_OFFERED = "not offered"
    NOT_ALLOWED = "not allowed to see"
    NOT_READ = "not read"


@dataclass(frozen=True, slots=True)
class Setting:
    """One answer. `says` is it in a few words; `whole` is all of it in a form that two buckets with the same share."""

    state: State
    says: str = ""
    whole: str = ""

    @property
    def words(self) -> str:
        """Return it in a few words."""
        return self.says or str(self.state)

    @property
    def known(self) -> bool:
        """Whether it says what is there; a store that does not offer it has none of it."""
        return self.state not in (State.NOT_ALLOWED, State.NOT_READ)


NOT_READ = Setting(State.NOT_READ)


class Deed(StrEnum):
    """What a lifecycle rule does to objects: a closed set, as words of a sentence."""

    EXPIRES = "expires"
    MOVES = "moves to another storage class"
    EXPIRES_FORMER = "expires former versions of"
    MOVES_FORMER = "moves to another storage class former versions of"
    REMOVES_MARKERS = "removes delete markers of"
    UNKNOWN = "does something unknown to"


class Act(NamedTuple):
    """One deed of a rule, and when: `after 30 days`, `on 2026-01-01`."""

    deed: Deed
    when: str = ""


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """One rule that is switched on. `narrowed`: it asks for tags or sizes too, so that it takes some of its prefix only."""

    name: str
    prefix: str
    narrowed: bool
    acts: tuple[Act, ...]

    def reaches(self, prefix: str) -> bool:
        """Whether anything below that prefix can be its."""
        return self.prefix.startswith(prefix) or prefix.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class BucketSettings:
    """How one bucket is set up. What was not asked is `NOT_READ`. `default_retention`: in words, empty where there is none."""

    place: Place
    settings: Mapping[Aspect, Setting] = field(default_factory=dict)
    rules: tuple[LifecycleRule, ...] = ()
    default_retention: str = ""

    def __getitem__(self, aspect: Aspect) -> Setting:
        """Return an answer."""
        return self.settings.get(aspect, NOT_READ)
