"""The lists that need a person's eye, ready to print: grouped by reason, cut to what a page can hold, and saying so.

Guarantees: the full length always stands beside what is shown; keys are percent-encoded; a list takes a bounded number of rows
and of characters, whatever it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from connectors.report.figures import plain, readable
from connectors.report.words import Text, as_text, say, translated
from relocation.rules.keys import shown
from relocation.rules.summary import Named, Summary

ROWS_MAX = 1000
CHARACTERS_MAX = 72_000
ROW_COSTS = 60
"""What a row's own mark-up takes, in characters."""
KEY_CHARACTERS_MAX = 300
"""A longer key is shown by its beginning and its end."""
QUIET = ("deleted_at_target", "foreign", "lost")
"""Lists that are for information: nobody has to do anything."""
BOUNDED = ("lost", "unmatched")
"""Lists of which a summary names the first alone."""
LOST_ROWS_MAX = 200
REASONS_MAX = 12
SHARE_A_REASON = 3
"""How many objects on the average make a reason a heading; with fewer, each row has its own."""
IN_VIEW = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One object: where, its encoded key, what to say of the key (what it reads as, that it was cut), why.

    `target` is its place at the target, `bucket/key`, where that is another one.
    """

    bucket: str
    key: str
    reads: Text | str
    reason: Text
    attempts: int
    target: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The objects with one reason; `reason` None: each row has its own. `total` counts those not shown too."""

    reason: Text | None
    total: int
    rows: tuple[Row, ...]

    @property
    def in_view(self) -> tuple[Row, ...]:
        """Return the rows that are seen at once."""
        return self.rows[:IN_VIEW]

    @property
    def folded(self) -> tuple[Row, ...]:
        """Return the rows behind a click."""
        return self.rows[IN_VIEW:]


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of a report."""

    name: str
    total: int
    groups: tuple[Group, ...]

    @property
    def shown(self) -> int:
        """Return how many rows are there."""
        return sum(len(group.rows) for group in self.groups)

    @property
    def has_attempts(self) -> bool:
        """Whether any row counts its attempts."""
        return any(row.attempts for group in self.groups for row in group.rows)


def listings(summary: Summary, *, rows_max: int = ROWS_MAX, characters_max: int = CHARACTERS_MAX) -> tuple[Listing, ...]:
    """Return the lists that are not empty, the gravest first."""
    lists = (
        ("mismatched", summary.mismatched),
        ("failed", summary.failed),
        ("refused", summary.refused),
        ("not_found", summary.not_found),
        ("unmatched", summary.unmatched),
        ("hidden", summary.hidden),
        ("conflicts", summary.conflicts),
        ("drifted", summary.drifted),
        ("gone", summary.gone),
        ("remove", summary.remove),
        ("deleted_at_target", summary.deleted_at_target),
        ("foreign", summary.foreign),
    )
    found = tuple(_listing(name, rows, rows_max, characters_max) for name, rows in lists if rows)
    found = tuple(replace(each, total=summary.unmatched_keys) if each.name == "unmatched" else each for each in found)
    if not summary.lost:
        return found
    lost = _listing("lost", summary.lost, min(rows_max, LOST_ROWS_MAX), characters_max)
    return (*found, replace(lost, total=summary.lost_objects))


def _listing(name: str, found: Sequence[Named], rows_max: int, characters_max: int) -> Listing:
    reasons = Counter(named.reason for named in found)
    if len(reasons) > REASONS_MAX or len(found) < SHARE_A_REASON * len(reasons):
        rows, _ = _rows(found, rows_max, characters_max)
        return Listing(name, len(found), (Group(None, len(found), rows),))
    # Rare reasons first, each with a fair share of the room that is left, so that a common one does not push them out.
    groups: list[Group] = []
    for place, (reason, total) in enumerate(reversed(reasons.most_common())):
        waiting = len(reasons) - place
        rows, taken = _rows([named for named in found if named.reason == reason], rows_max // waiting, characters_max // waiting)
        rows_max, characters_max = rows_max - len(rows), characters_max - taken
        groups.append(Group(_reason(reason), total, rows))
    return Listing(name, len(found), tuple(reversed(groups)))


def _rows(found: Sequence[Named], rows_max: int, characters_max: int) -> tuple[tuple[Row, ...], int]:
    """Return the first rows, at least one, that fit, and the characters that they take."""
    rows: list[Row] = []
    taken = 0
    for named in found[: max(rows_max, 1)]:
        row = _row(named)
        reads = as_text(row.reads)
        size = len(row.bucket + row.key + row.target + reads.en + reads.ja + row.reason.en + row.reason.ja) + ROW_COSTS
        if rows and taken + size > characters_max:
            break
        taken += size
        rows.append(row)
    return tuple(rows), taken


def _row(named: Named) -> Row:
    key, reads = shown(named.key), say("list.reads", key=readable(named.key)) if readable(named.key) else ""
    target = f"{plain(named.target_bucket)}/{_cut(shown(named.target_key))}" if named.target_key else ""
    if len(key) > KEY_CHARACTERS_MAX:
        key, reads = _cut(key), say("list.long", n=len(key))
    return Row(plain(named.bucket), key, reads, _reason(named.reason), named.attempts, target)


def _cut(key: str) -> str:
    return key if len(key) <= KEY_CHARACTERS_MAX else f"{key[:200]} … {key[-60:]}"


def _reason(reason: str) -> Text:
    return translated(plain(reason)) if reason else say("list.no_reason")
