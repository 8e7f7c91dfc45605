"""What a category's policy makes of what travels beside the bytes: at plan, what can't be kept is refused by name, or declared.

Guarantees: storage classes, encryption, archives and locks that the target can't take are found before the first byte moves. Asks
for an object's HEAD only where its listing (archived) or its bucket (object lock) says that there is something to see. Reads only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from relocation.rules import fidelity
from relocation.rules.errors import BadRequest, Drift
from relocation.rules.fidelity import MAY_ARCHIVE, STANDARD, Encryption, Fidelity
from relocation.rules.objects import SSE, SSE_CUSTOMER, SSE_KEY, Head, Place
from relocation.rules.records import Action, Answers, InventoryRow, PlanRow
from relocation.rules.seen import Seen, seen
from relocation.settings import Category, Move, Policy
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.encrypted import refuse_unreadable
from relocation.transfer.crew import work_all
from relocation.transfer.pinned import pinned
from relocation.transfer.read import read_head

WRITTEN = (Action.COPY, Action.REPLACE)


def fidelity_of(policy: Policy, *, drops_odd_tags: bool = False) -> Fidelity:
    """Return how a policy's objects are carried. `drops_odd_tags`: the target was seen not to take tags beyond ASCII."""
    return Fidelity(
        storage_classes=policy.storage_class_map,
        acls=policy.acl_map,
        source_modified=policy.source_modified_in_metadata,
        encryption=_encryption(policy),
        drops_odd_tags=drops_odd_tags,
    )


def _encryption(policy: Policy) -> Encryption:
    if policy.customer_keys.target is not None:
        return ((SSE_CUSTOMER, "AES256"),)
    if policy.sse is None:
        return ()
    if policy.sse.type == "s3":
        return ((SSE, "AES256"),)
    return ((SSE, "aws:kms"), (SSE_KEY, policy.sse.key)) if policy.sse.key else ((SSE, "aws:kms"),)


def seen_by(policy: Policy, source: Answers, target: Answers) -> Seen:
    """Return what a move may rely on where its objects are written as the policy says."""
    opaque_source = policy.customer_keys.source is not None
    return seen(source, target, opaque_source=opaque_source, opaque_target=fidelity_of(policy).opaque_etags)


def encryptions_of(context: Context, place: Place) -> dict[Encryption, str]:
    """Return the encryptions that any category asks of a target bucket, for the probe to try, each with the reference to a
    customer's key that it needs (empty: none)."""
    asked = {
        (_encryption(category.policy), category.policy.customer_keys.target or "")
        for category in context.settings.categories.values()
        for move in category.moves
        if (move.target.endpoint, move.target.bucket) == (place.endpoint, place.bucket)
    }
    return dict(sorted(each for each in asked if each[0]))


async def refuse_unkept(context: Context, category: Category, rows: list[PlanRow], listed: Sequence[InventoryRow]) -> list[PlanRow]:
    """Turn into Refuse what would lose its storage class, its encryption or its lock at the target, or is archived at the source,
    or encrypted there with a key that is not ours to use. `listed` holds the source's line of each row, in the same order.
    """
    rows = await refuse_unreadable(context, category, rows)
    checks = [await _check_of(context, category, move) for move in category.moves]
    odd = [
        index
        for index, (row, line) in enumerate(zip(rows, listed, strict=True))
        if row.action in WRITTEN and (line.storage_class != STANDARD or checks[row.move].of_all)
    ]
    if not odd:
        return rows
    rows = list(rows)
    await work_all(_feed(odd), partial(_check, context, checks, rows, listed), size=context.settings.transfer.concurrency)
    return rows


async def _feed(odd: Sequence[int]) -> AsyncIterator[int]:
    for index in odd:
        yield index


async def _check(context: Context, checks: list[_Check], rows: list[PlanRow], listed: Sequence[InventoryRow], index: int) -> None:
    """Refuse one row, if there is a reason to; HEAD its object where only that can tell."""
    row, line, check = rows[index], listed[index], checks[rows[index].move]
    reason = check.encryption
    if not reason and (check.locks or line.storage_class in MAY_ARCHIVE):
        store = pinned(context.stores.of(check.endpoint, "reader", customer_key=check.customer_key), row.source_version_id)
        try:
            head = await read_head(store, (row.source_bucket, row.source_key), etag=row.source_etag, tries=context.tries())
        except (Drift, BadRequest):  # the copy says how it ended
            return
        reason = check.by_head(line, head, now=context.clock.now())
    reason = reason or fidelity.refused_class(check.policy, line.storage_class, check.target)
    if reason:
        rows[index] = row._replace(action=Action.REFUSE, reason=reason)


@dataclass(frozen=True, slots=True)
class _Check:
    """What one move's objects are held against. `encryption`: why none can be written; `locks`: objects may be held at the source,
    and can't be at the target."""

    policy: Fidelity
    endpoint: str
    customer_key: str
    target: Answers
    encryption: str
    locks: bool

    @property
    def of_all(self) -> bool:
        """Whether every object is to be looked at, whatever its listing says."""
        return self.locks or bool(self.encryption)

    def by_head(self, line: InventoryRow, head: Head, *, now: float) -> str:
        archived = fidelity.needs_restore(head, line.storage_class)
        if archived or not self.locks or not fidelity.is_held(head, now=now):
            return archived
        place = f"{self.target.endpoint}/{self.target.bucket}"
        return f"it is held at the source (retention or legal hold), and nothing could hold it at {place}: no object lock there"


async def _check_of(context: Context, category: Category, move: Move) -> _Check:
    _, target = await answers_of(context, move)
    locks = await _locks(context, move.source.endpoint, move.source.bucket)
    locks = locks and not await _locks(context, move.target.endpoint, move.target.bucket)
    policy = fidelity_of(category.policy)
    key = category.policy.customer_keys.source or ""
    return _Check(policy, move.source.endpoint, key, target, fidelity.refused_encryption(policy, target), locks)


async def _locks(context: Context, endpoint: str, bucket: str) -> bool:
    try:
        return await context.tries().run(lambda: context.stores.of(endpoint, "reader").get_object_lock(bucket))
    except BadRequest:  # a store that knows no object lock has none
        return False
