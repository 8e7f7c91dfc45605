"""What can be said of multipart uploads that somebody began and nobody completed or aborted. Pure.

Guarantees: no store is believed that was not seen to show an upload by the beginning of its key. One that shows it by its whole key
alone forgets, in its listing of all, what was begun before it was started last: there 0 means that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from relocation.rules.keys import shown
from relocation.rules.questions import NOT_ASKED, Question
from relocation.rules.records import Answers
from relocation.rules.summary import Unfinished


def doubt_of(answers: Answers) -> str:
    """Return why a bucket's listing of unfinished uploads is not to be believed, in words; empty where it is."""
    answer = answers[Question.UPLOADS_LISTED]
    if answer == "by prefix":
        return ""
    if answer == "no":
        return "it shows no unfinished uploads"
    if answer in ("by whole key", "without prefix"):
        return f"it shows an unfinished upload {answer} alone, and may forget others"
    return "nobody has seen whether it shows all unfinished uploads" + ("" if answer == NOT_ASKED else f" ({answer})")


def by_endpoint(found: Iterable[Unfinished]) -> tuple[Unfinished, ...]:
    """Return them summed by side and endpoint: of a place no more than its endpoint is left. One doubt makes the sum doubtful."""
    sums: dict[tuple[str, str], Unfinished] = {}
    for each in found:
        place = (each.side, each.place.partition("/")[0])
        before = sums.get(place, replace(each, place=place[1], uploads=0, ours=0, bytes=0, looked_into=0))
        sums[place] = replace(
            before,
            uploads=before.uploads + each.uploads,
            ours=before.ours + each.ours,
            bytes=before.bytes + each.bytes,
            looked_into=before.looked_into + each.looked_into,
            oldest=min(filter(None, (before.oldest, each.oldest)), default=""),
            doubt=before.doubt or each.doubt,
        )
    return tuple(sums.values())


def unknowns(found: Iterable[Unfinished]) -> tuple[str, ...]:
    """Return what these leave open at the source, in words: one that is completed later is an object that nobody counted."""
    words = []
    for each in found:
        place = shown(each.place)
        if each.side == "source" and each.uploads:
            words.append(
                f"{place} has unfinished uploads ({each.uploads}, the oldest begun {each.oldest}): "
                "one that is completed later is an object that nothing here has counted"
            )
        if each.side == "source" and each.doubt:
            words.append(f"{place}, unfinished uploads: {each.doubt}: some may exist, and may still be completed")
    return tuple(words)
