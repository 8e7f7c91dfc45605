"""Look at what travels beside the bytes of an object that is kept: a change of tags, ACL or lock alone shows in no listing.

Guarantees: both sides are asked by HEAD (and for tags where either counts any); tags are brought up to date by PutObjectTagging on
the very version that we wrote, all else that changed at the source by writing the object anew under its condition. What is not ours
is named, never touched; and so is, as a loss, what the target alone shows otherwise: not kept there, or changed there by somebody.
Reads no body unless there is something to write anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from relocation.rules.errors import Drift, NotFound
from relocation.rules.fidelity import SOURCE_MODIFIED, differences
from relocation.rules.objects import LOCK_HEADERS, Attributes, Head
from relocation.rules.records import Action, Fact, Intent, Outcome, PlanRow
from relocation.rules.tally import AS_IT_STANDS
from relocation.transfer.copy_object import copy_object
from relocation.transfer.endings import ended, settled
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import attributes_sha256
from relocation.transfer.read import as_kept, read_head, to_send
from relocation.transfer.retry import Tries

STAGE = "look"
OURS = "whoever put it there has to bring it level, or take it away"
Confirm = Callable[[PlanRow, Fact], Awaitable[Fact]]
"""Reads back what was just written anew."""


class _Found(NamedTuple):
    """Both sides of one object: their HEADs, what would be sent along with it now, and what of it can't be."""

    head: Head
    there: Head
    sent: Attributes
    losses: tuple[str, ...]


async def look(hands: Hands, row: PlanRow, confirm: Confirm) -> Fact | None:
    """Hold a kept object's attributes against the source's and bring them level; None where there is nothing to say."""
    tries = hands.tries()

    async def looked() -> Fact:
        return await _level(hands, row, tries, confirm) or _NOTHING

    fact = await settled(looked, row, tries, stage=STAGE)
    return None if fact is _NOTHING else fact


_NOTHING = Fact(STAGE, "", "", "", "", "", 0, "", "")


async def _level(hands: Hands, row: PlanRow, tries: Tries, confirm: Confirm) -> Fact | None:
    source, target = (row.source_bucket, row.source_key), (row.target_bucket, row.target_key)
    head = await read_head(hands.source, source, etag=row.source_etag, tries=tries)
    sent, losses = await to_send(hands.fidelity, hands.source, source, head, tries, now=hands.clock.now())
    try:
        there = await read_head(hands.target, target, etag=row.found_etag, tries=tries)
        kept = await as_kept(hands.fidelity, hands.target, target, there, tries)
    except Drift as error:
        reason = f"what the target holds was changed or taken away meanwhile: {error}"
        return ended(row, Outcome.CONFLICTED, reason, tries, stage=STAGE)
    as_before = attributes_sha256(sent, losses) == row.attributes_sha256
    differ = _differ(sent, kept)
    missing: tuple[str, ...] = ()
    if as_before:  # what the target never kept can't be told from what somebody changed there: named, not written again and again
        missing = tuple(name for name in differ if not _is_levelled(name))
        differ = tuple(name for name in differ if _is_levelled(name))
    found = _Found(head, there, sent, losses)
    if not differ:
        if missing:
            return _noted(row, found, tries)._replace(losses=(*losses, *missing), reason=AS_IT_STANDS)
        return None if as_before else _noted(row, found, tries)
    if not row.ours:
        reason = f"{', '.join(differ)} at the source are others than at the target, and that object is not ours: {OURS}"
        return ended(row, Outcome.CONFLICTED, reason, tries, stage=STAGE)
    if differ == ("tags",):
        fact = await _tagged(hands, row, found, tries)
        return fact._replace(losses=(*fact.losses, *missing))
    return await _anew(hands, row, confirm)


def _differ(sent: Attributes, kept: Attributes) -> tuple[str, ...]:
    """Name what is not the same at both sides, user metadata that the target has beyond the source's among it."""
    left = {name for name, _ in kept.metadata} - {name for name, _ in sent.metadata} - {SOURCE_MODIFIED}
    return tuple(differences(sent, kept)) + tuple(f"x-amz-meta-{name}" for name in sorted(left))


def _is_levelled(name: str) -> bool:
    """Tell whether a difference is brought level though the source is as it was when it was copied."""
    return name == "tags" or name in LOCK_HEADERS


async def _tagged(hands: Hands, row: PlanRow, found: _Found, tries: Tries) -> Fact:
    """Put the source's tags on our version, and see that they are there."""
    target = (row.target_bucket, row.target_key)
    await hands.amend(_intent(row))
    hands.check_lease()
    there, sent = found.there, found.sent
    version_id = "" if there.version_id == "null" else there.version_id
    try:
        await tries.run(lambda: hands.target.put_tags(*target, sent.tags, version_id=version_id))
        tags = await tries.run(lambda: hands.target.get_tags(*target, version_id=version_id))
    except NotFound:
        reason = "what the target holds was taken away meanwhile"
        return ended(row, Outcome.CONFLICTED, reason, tries, stage=STAGE)
    if sorted(tags) != sorted(sent.tags):
        reason = "the tags that were put at the target are not those that it shows; run again"
        return ended(row, Outcome.FAILED, reason, tries, stage=STAGE)
    return _noted(row, found, tries)._replace(reason="tags")


async def _anew(hands: Hands, row: PlanRow, confirm: Confirm) -> Fact:
    """Write the object once more, with what goes along with it now."""
    row = row._replace(action=Action.REPLACE)
    await hands.amend(_intent(row))
    fact = await copy_object(hands, row)
    return await confirm(row, fact) if fact.outcome == Outcome.COPIED else fact


def _intent(row: PlanRow) -> Intent:
    return Intent(-1, row.target_bucket, row.target_key, row.source_etag, row.foretold_etag)


def _noted(row: PlanRow, found: _Found, tries: Tries) -> Fact:
    """Return the fact that stands from now on: the same object, with what goes along with it now."""
    return ended(row, Outcome.VERIFIED, "", tries, stage=STAGE)._replace(
        source_version_id=found.head.version_id,
        target_etag=found.there.etag,
        target_version_id=found.there.version_id,
        xxh3=row.xxh3,
        proofs=row.proofs,
        losses=found.losses,
        attributes_sha256=attributes_sha256(found.sent, found.losses),
        sha256=row.sha256,
    )
