"""The buckets of each move side by side: read by the reader, compared, and refused where the target would spoil what arrives.

Guarantees: reads only. Refuses to plan or copy into a bucket whose lifecycle would expire, move or thin out what arrives; where
nobody may see that, it is said, and stands in every report as unknown.
"""

from __future__ import annotations

from collections.abc import Collection

from relocation.rules.bucket_settings import Aspect, BucketSettings
from relocation.rules.errors import Refusal
from relocation.rules.objects import Place
from relocation.rules.parity import Slice, acts_on_arrivals, compare, unseen
from relocation.rules.summary import Parity
from relocation.settings import Category, Move, Side
from relocation.stages.context import Context


async def refuse_what_would_act_on_arrivals(context: Context, category_name: str) -> None:
    """Raise `Refusal` where a lifecycle rule of a target's bucket would act on what arrives there."""
    category = context.settings.category_named(category_name)
    for move in category.moves:
        target = await _read(context, move.target, (Aspect.LIFECYCLE,))
        if told := acts_on_arrivals(target, slice_of(category, move)):
            below = f"{target.place}/{move.target.prefix}"
            raise Refusal(
                f"{told}. What arrives below {below} would not stay as it was proved: switch that rule off until the category is "
                "home, or give it another prefix; then run again"
            )


async def parity_of(context: Context, category: Category) -> tuple[tuple[Parity, ...], tuple[str, ...]]:
    """Return the comparison of every move's buckets, and what of it nobody could see, in words; none where nobody reads them."""
    if context.buckets is None:
        return (), ()
    lines: dict[Parity, None] = {}
    unknown: dict[str, None] = {}
    for move in category.moves:
        source, target = await _read(context, move.source), await _read(context, move.target)
        lines |= dict.fromkeys(compare(source, target, slice_of(category, move)))
        if words := unseen(target):
            unknown[words] = None
    return tuple(lines), tuple(unknown)


def slice_of(category: Category, move: Move) -> Slice:
    """Return the part of both buckets that a move is about."""
    return Slice(move.source.prefix, move.target.prefix, category.policy.versions == "all")


async def _read(context: Context, side: Side, aspects: Collection[Aspect] = tuple(Aspect)) -> BucketSettings:
    place = Place(side.endpoint, side.bucket)
    if context.buckets is None:
        return BucketSettings(place)
    buckets = context.buckets
    tries = context.tries()
    return await tries.run(lambda: buckets.read(place, aspects))
