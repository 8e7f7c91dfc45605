"""The last answers of a move's two buckets, as the ledger holds them."""

from __future__ import annotations

from relocation.rules.records import Answers
from relocation.settings import Move
from relocation.stages.context import Context


async def answers_of(context: Context, move: Move) -> tuple[Answers, Answers]:
    """Return what source and target bucket last answered; a bucket that nobody asked has answers that say so."""
    sides = (move.source, move.target)
    found = [await context.ledger.last_probe(side.endpoint, side.bucket) for side in sides]
    source, target = (answers or _unasked(side.endpoint, side.bucket) for answers, side in zip(found, sides, strict=True))
    return source, target


def _unasked(endpoint: str, bucket: str) -> Answers:
    return Answers(endpoint=endpoint, bucket=bucket, at="", url="", server="", answers=())
