"""Which keys of a wave's list (`keys_file`) the source does not show. Pure.

Guarantees: nothing but references to the list's own keys is in memory; all are counted, the first are named. What a slip keeps off
the list moves with another wave: nothing else would tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nsmallest

from relocation.rules.records import PlanRow
from relocation.rules.summary import UNMATCHED_NAMED_MAX, Named


class Unmatched:
    """The keys of a list that no row of the wave's plan had so far; `prefixes` are the source's, by move."""

    def __init__(self, listed: Iterable[str], prefixes: Sequence[str]) -> None:
        self._left = set(listed)
        self._prefixes = prefixes

    def see(self, rows: Iterable[PlanRow]) -> None:
        """Strike out what some rows have."""
        if self._left:
            self._left.difference_update([row.source_key[len(self._prefixes[row.move]) :] for row in rows])

    @property
    def keys(self) -> int:
        """How many are left."""
        return len(self._left)

    def named(self) -> tuple[Named, ...]:
        """Return the first of them, as the list has them, each with what may be wrong with it."""
        return tuple(Named("", key, self._why(key)) for key in nsmallest(UNMATCHED_NAMED_MAX, self._left))

    def _why(self, key: str) -> str:
        if any(prefix and key.startswith(prefix) for prefix in self._prefixes):
            return "it begins with the move's prefix: a listed key is what follows that"
        if key.startswith("#"):
            return "every line is a key: there are no comments in this list"
        return "the source shows no such key below the move's prefix"
