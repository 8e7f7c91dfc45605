"""Refuse what the target would rename, hide, merge or not take, and what the policy does not allow: names, sizes, ETags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from operator import itemgetter

from relocation.rules import parts
from relocation.rules.excluded import Reasons, held_back
from relocation.rules.keys import is_canary
from relocation.rules.merging import merged
from relocation.rules.names import Folded, Names
from relocation.rules.plan import Target
from relocation.rules.records import Action, PlanRow
from relocation.rules.seen import Seen
from relocation.settings import Category, Move
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.fidelity import seen_by
from relocation.stages.inventory import in_the_way

MAY_BE_REFUSED = (Action.COPY, Action.REPLACE)


async def checks_of(context: Context, category: Category, places: Callable[[], Iterable[Sequence[Target]]]) -> list[Check]:
    """Return what checks the rows of each move. `places` yields, in order, some at a time, all that stands at the target or is to
    stand there."""
    above: dict[str, set[str]] = {}
    for move in category.moves:
        above.setdefault(move.target.bucket, set()).update(await in_the_way(context, move.target))
    return [await _check_of(context, category, move, _beside(places, move.target.bucket, above)) for move in category.moves]


def _beside(places: Callable[[], Iterable[Sequence[Target]]], bucket: str, above: dict[str, set[str]]) -> Iterator[list[str]]:
    return merged(([key for place, key in some if place == bucket] for some in places()), [sorted(above[bucket])])


async def _check_of(context: Context, category: Category, move: Move, beside: Iterable[Sequence[str]]) -> Check:
    source, target = await answers_of(context, move)
    names = Names(target)
    policy = category.policy
    must_keep = policy.keep_etag == "require"
    with ExitStack() as stack:
        together = names.refuses_in_order(beside, lambda: stack.enter_context(closing(context.scratch.rows(Folded, _NAME))))
    return Check(names, together, seen_by(policy, source, target), policy.held_back, must_keep=must_keep)


_NAME: Callable[[Folded], tuple[str]] = itemgetter(slice(1))


@dataclass(frozen=True, slots=True)
class Check:
    """What the rows of one move are held against. `together`: why keys can't stand beside each other."""

    names: Names
    together: Mapping[str, str]
    relies_on: Seen
    listed: Reasons
    must_keep: bool

    def foretold(self, etag: str, size: int) -> str:
        """Return the ETag that the target will give to an object; empty where it can't be known."""
        return etag if self.relies_on.foretells(etag, size, whole_bytes_max=parts.PART_BYTES_MAX) else ""

    def __call__(self, row: PlanRow) -> PlanRow:
        """Return a row refused with its reason, or with the ETag that the target will give it."""
        return self.judged(row._replace(foretold_etag=self.foretold(row.source_etag, row.size)))

    def judged(self, row: PlanRow) -> PlanRow:
        """Return a row as it is, or refused with its reason."""
        if row.source_key in self.listed:
            row = held_back(row, self.listed)
        if row.action == Action.KEEP:
            return row
        if row.action == Action.PROVE and self.must_keep and not row.ours and row.found_etag != row.source_etag:
            return row._replace(action=Action.CONFLICT, reason="what the target holds has another ETag (keep_etag: require)")
        if row.action not in MAY_BE_REFUSED:
            return row
        reason = _reserved(row) or self.names.refuses(row.target_key, row.size) or self.together.get(row.target_key, "")
        if not reason and row.size > parts.PARTS_MAX * parts.PART_BYTES_MAX:
            reason = (
                f"{row.size} bytes do not fit in {parts.PARTS_MAX} parts of {parts.PART_BYTES_MAX} bytes, the most that S3 takes"
            )
        if not reason and not row.foretold_etag and self.must_keep and row.source_etag:
            reason = f"the target can't give it the same ETag ({row.source_etag}), and the policy says keep_etag: require"
        return row._replace(action=Action.REFUSE, reason=reason) if reason else row


def _reserved(row: PlanRow) -> str:
    return "its target key lies below the prefix that the probe reserves" if is_canary(row.target_key) else ""
