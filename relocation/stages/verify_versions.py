"""Verify each version of each object by itself: read back by the target's version id, and hashed. A delete marker is looked for.

Guarantees: what counts is the very version that the facts name, not what happens to be the latest. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from relocation.ports import Store
from relocation.rules.records import Action, Fact, Intent, Outcome, PlanRow
from relocation.rules.versions import is_marker
from relocation.stages.context import Context
from relocation.stages.copy_versions import reading_version
from relocation.stages.list_versions import history_of
from relocation.transfer.endings import ended
from relocation.transfer.hands import Hands
from relocation.transfer.read_back import Expected, read_back

Alone = Callable[[Hands, PlanRow], Awaitable[Fact]]
"""Says how a version stands that no run of this plan has copied."""


class VerifyingVersions:
    """Verifies rows of versions: against the copy stage's facts, or the standing ones, or (`alone`) both sides."""

    def __init__(
        self, context: Context, readers: Sequence[tuple[Hands, Store]], unread: Mapping[tuple[str, ...], Fact], alone: Alone
    ) -> None:
        self._context = context
        self._readers = readers
        self._unread = unread
        self._alone = alone

    async def carry_out(self, row: PlanRow, _earlier: Intent | None) -> Fact:
        copied = self._unread.get((row.target_bucket, row.target_key, row.source_version_id))
        if copied is not None:
            expected, version_id = _as_copied(copied), copied.target_version_id
        elif row.action == Action.KEEP:
            expected, version_id = _as_kept(row), row.found_version_id
        else:
            expected, version_id = None, row.found_version_id
        fact = await self._verified(row, expected, version_id)
        return fact._replace(source_version_id=row.source_version_id)

    async def _verified(self, row: PlanRow, expected: Expected | None, version_id: str) -> Fact:
        hands, other = reading_version(*self._readers[row.move], row, version_id)
        if is_marker(row) and version_id:
            return await self._marked(hands, row, version_id, ours=row.ours if expected is None else expected.ours)
        if expected is not None:
            return (await read_back(hands, other, row, expected))._replace(target_version_id=version_id)
        return await self._alone(hands, row)

    async def _marked(self, hands: Hands, row: PlanRow, version_id: str, *, ours: bool) -> Fact:
        """Look for a delete marker in its key's history at the target; where it stands in it, the last listing compares."""
        store = self._context.stores.of(hands.target.endpoint, "reader")
        found = await history_of(self._context, store, row.target_bucket, row.target_key)
        tries = hands.tries()
        if (version_id, "") not in [(entry.version_id, entry.etag) for entry in found]:
            reason = f"delete marker {version_id} is not at the target any more"
            return ended(row, Outcome.FAILED, reason, tries, stage="verify")
        fact = ended(row, Outcome.VERIFIED, "", tries, stage="verify")
        return fact._replace(target_version_id=version_id, target_etag="", ours=ours)


def _as_copied(fact: Fact) -> Expected:
    return Expected(fact.target_etag, fact.xxh3, fact.attributes_sha256, fact.proofs, fact.losses, fact.ours, fact.sha256)


def _as_kept(row: PlanRow) -> Expected:
    return Expected(row.found_etag, row.xxh3, row.attributes_sha256, row.proofs, (), row.ours, row.sha256)
