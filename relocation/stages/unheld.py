"""Refuse what the target would rename, hide, merge or not take, and what the policy does not allow: names, sizes, ETags."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from relocation.rules import parts
from relocation.rules.excluded import held_back
from relocation.rules.keys import is_canary
from relocation.rules.names import Names
from relocation.rules.plan import Target
from relocation.rules.records import Action, PlanRow
from relocation.settings import Category, Move
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.fidelity import seen_by
from relocation.stages.inventory import in_the_way

MAY_BE_REFUSED = (Action.COPY, Action.REPLACE)
Check = Callable[[PlanRow], PlanRow]
"""Return a row refused with its reason, or with the ETag that the target will give it."""


async def checks_of(context: Context, category: Category, places: Callable[[], Iterable[Target]]) -> list[Check]:
    """Return what checks the rows of each move. `places` yields, in order, all that stands at the target or is to stand there."""
    above: dict[str, set[str]] = {}
    for move in category.moves:
        above.setdefault(move.target.bucket, set()).update(await in_the_way(context, move.target))
    return [await _check_of(context, category, move, _beside(places, move.target.bucket, above)) for move in category.moves]


def _beside(places: Callable[[], Iterable[Target]], bucket: str, above: dict[str, set[str]]) -> Iterator[str]:
    yield from heapq.merge((key for place, key in places() if place == bucket), sorted(above[bucket]))


async def _check_of(context: Context, category: Category, move: Move, beside: Iterator[str]) -> Check:
    source, target = await answers_of(context, move)
    listed = category.policy.held_back
    names, relies_on = Names(target), seen_by(category.policy, source, target)
    together = names.refuses_in_order(beside)
    must_keep = category.policy.keep_etag == "require"

    def check(row: PlanRow) -> PlanRow:
        keeps = relies_on.foretells(row.source_etag, row.size, whole_bytes_max=parts.PART_BYTES_MAX)
        row = held_back(row._replace(foretold_etag=row.source_etag if keeps else ""), listed)
        if row.action == Action.PROVE and must_keep and not row.ours and row.found_etag != row.source_etag:
            return row._replace(action=Action.CONFLICT, reason="what the target holds has another ETag (keep_etag: require)")
        if row.action not in MAY_BE_REFUSED:
            return row
        reason = _reserved(row) or names.refuses(row.target_key, row.size) or together.get(row.target_key, "")
        if not reason and row.size > parts.PARTS_MAX * parts.PART_BYTES_MAX:
            reason = (
                f"{row.size} bytes do not fit in {parts.PARTS_MAX} parts of {parts.PART_BYTES_MAX} bytes, the most that S3 takes"
            )
        if not reason and not keeps and must_keep and row.source_etag:
            reason = f"the target can't give it the same ETag ({row.source_etag}), and the policy says keep_etag: require"
        return row._replace(action=Action.REFUSE, reason=reason) if reason else row

    return check


def _reserved(row: PlanRow) -> str:
    return "its target key lies below the prefix that the probe reserves" if is_canary(row.target_key) else ""
