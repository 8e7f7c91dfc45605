"""The last answers of a move's two buckets, as the ledger holds them."""

from __future__ import annotations

from relocation.rules.objects import Place
from relocation.rules.probe_changes import PROBES_LOOKED_AT, changes
from relocation.rules.records import Answers
from relocation.rules.summary import AnswerChange
from relocation.settings import Category, Move
from relocation.stages.context import Context


async def answers_of(context: Context, move: Move) -> tuple[Answers, Answers]:
    """Return what source and target bucket last answered; a bucket that nobody asked has answers that say so."""
    sides = (move.source, move.target)
    found = [await context.ledger.last_probe(side.endpoint, side.bucket) for side in sides]
    source, target = (answers or _unasked(side.endpoint, side.bucket) for answers, side in zip(found, sides, strict=True))
    return source, target


async def changes_of(context: Context, category: Category) -> tuple[AnswerChange, ...]:
    """Return what the buckets of a category's moves answer otherwise than they did, as far as the ledger remembers."""
    sides = (side for move in category.moves for side in (move.source, move.target))
    found: list[AnswerChange] = []
    for place in dict.fromkeys(Place(side.endpoint, side.bucket) for side in sides):
        found += changes(await context.ledger.probe_history(place.endpoint, place.bucket, limit=PROBES_LOOKED_AT))
    return tuple(found)


def _unasked(endpoint: str, bucket: str) -> Answers:
    return Answers(endpoint=endpoint, bucket=bucket, at="", url="", server="", answers=())
