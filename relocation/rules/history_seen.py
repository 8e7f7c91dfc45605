"""What of its history a category leaves at the source, where its latest versions alone are moved: as its runs counted it.

Guarantees: what nobody counted is named, wave by wave, and is not nought. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from relocation.rules.summary import Count, Histories

NONE = Count()
FORMER, MARKERS = "former_versions", "delete_markers"


@dataclass(frozen=True, slots=True)
class HistorySeen:
    """Former versions and delete markers that stay. `uncounted`: the waves of which nobody counted them; `moved`: all versions are
    moved, so that they are among the objects, home or left."""

    former: Count = NONE
    markers: int = 0
    uncounted: tuple[str, ...] = ()
    moved: bool = False

    @property
    def stays(self) -> bool:
        """Whether some are known to stay."""
        return bool(self.former.objects or self.markers)


def history_of(seen: Histories | None) -> HistorySeen | None:
    """Return what of one wave stays; None where nobody counted it."""
    if seen is None or seen.uncounted or (seen.policy == "latest" and FORMER not in seen.counts):
        return None
    if seen.policy == "all":
        return HistorySeen(moved=True)
    return HistorySeen(seen.counts[FORMER], seen.counts.get(MARKERS, Count()).objects)


def history_seen(waves: Iterable[tuple[str, Histories | None]]) -> HistorySeen:
    """Return it over all waves of a category, given by name."""
    told = [(name, history_of(seen)) for name, seen in waves]
    known = [each for _, each in told if each is not None]
    return HistorySeen(
        sum((each.former for each in known), Count()),
        sum(each.markers for each in known),
        tuple(name for name, each in told if each is None),
        bool(known) and all(each.moved for each in known),
    )
