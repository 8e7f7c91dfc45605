"""What the newest runs saw of multipart uploads that nobody completed: of each category, and what no category claims. Pure.

Guarantees: each figure has the run that saw it; of a category of which no run looked for any there is none, and not nought.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from relocation.rules.residency import Holding, Said
from relocation.rules.summary import Unfinished


@dataclass(frozen=True, slots=True)
class UploadsSeen:
    """What was seen at one endpoint (the `place` of `found`), and by which run. `category` empty: what no category claims."""

    category: str
    found: Unfinished
    said: Said


def uploads_seen(held: Iterable[Holding]) -> tuple[UploadsSeen, ...]:
    """Return it by category and side; at the end what none claims, once for each endpoint, as the newest run saw it that looked."""
    claimed: list[UploadsSeen] = []
    nobodys: dict[str, tuple[UploadsSeen, ...]] = {}
    of_categories = [seen for each in held if (seen := _of_category(each))]
    for seen in of_categories:
        claimed += (each for each in seen if each.category)
    for seen in sorted(of_categories, key=lambda each: each[0].said.at):
        for source in {each.found.place for each in seen if each.found.side == "source"}:
            nobodys[source] = tuple(each for each in seen if not each.category and each.found.place == source)
    return (*claimed, *(each for seen in nobodys.values() for each in seen))


def _of_category(held: Holding) -> tuple[UploadsSeen, ...]:
    """Return what the newest run of a category saw that looked; a run of any wave looks below all of the category's moves."""
    looked = [(wave.listed_by, wave.unfinished) for wave in held.waves if wave.listed_by and wave.unfinished]
    if not looked:
        return ()
    said, found = max(looked, key=lambda each: each[0].at)
    return tuple(UploadsSeen("" if each.side == "unclaimed" else held.category, each, said) for each in found)
