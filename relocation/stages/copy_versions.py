"""Bring the history of a key level, version by version, the oldest first: what the copy stage does where all versions are moved.

Guarantees: before a key is touched its history at the target is listed and held against the source's; a version goes out only on
top of the one before it, under a condition that says so; a delete marker is the remover's, laid only on top of that very history,
and looked for before it is tried again; where one version does not make it, nothing is written on top. Keys go side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from relocation.ports import Store
from relocation.rules.errors import Forbidden, ProtocolError, SourceGone
from relocation.rules.keys import shown
from relocation.rules.plan import WRITES, Target
from relocation.rules.records import Action, Fact, Intent, Outcome, PlanRow
from relocation.rules.versions import THERE, Entry, Identity, VersionFacts, align, entry_of, is_marker, known_of
from relocation.stages.context import Context
from relocation.stages.list_versions import history_of
from relocation.stages.shards import Shard
from relocation.transfer.copy_object import copy_object
from relocation.transfer.endings import ended, settled
from relocation.transfer.hands import Hands
from relocation.transfer.pinned import pinned
from relocation.transfer.prove import Anew, conflict, prove
from relocation.transfer.read_back import confirm
from relocation.transfer.retry import Patience, Tries

FORBIDDEN_MAX = 2
AGAIN_AFTER_S = 0.2
ONE_FOR_SEVERAL = "delete markers that follow each other: the target keeps one for all of them"
STOPS = (Outcome.FAILED, Outcome.DRIFTED, Outcome.CONFLICTED)
"""How a version ends on top of which nothing may be written."""


class Blocked(Exception):
    """The target's history is not what the next version belongs on top of."""


@dataclass(slots=True)
class History:
    """One key under way: the source's versions, the target's as listed last, which is which, and why nothing more goes on top."""

    source: list[Entry]
    known: dict[tuple[str, str], Identity] = field(default_factory=dict)
    found: list[Entry] | None = None
    stopped: str = ""
    left: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def aligned(self, row: PlanRow) -> Entry | None:
        """Return what stands at the target in the version's place, None where it is the next to be written.

        Raises Blocked where it can't be written in its order."""
        found = self.found or []
        alignment = align(self.source, found, self.known)
        if alignment.blocked:
            raise Blocked(alignment.blocked)
        index = self.source.index(entry_of(row))
        lost = next((self.source[at].version_id for at in range(index) if at not in alignment.there), "")
        if lost:
            raise Blocked(f"the version before it, {lost}, is not at the target any more; run again")
        at = alignment.there.get(index)
        return None if at is None else found[at]

    def shared_marker(self, row: PlanRow) -> Entry | None:
        """Return the target's latest where it is the marker of the source's marker before: some stores lay none on top of one."""
        index = self.source.index(entry_of(row))
        top = self.top
        follows = index > 0 and not self.source[index - 1].etag
        return top if follows and top is not None and not top.etag else None

    def stands(self, row: PlanRow, entry: Entry) -> None:
        """Take in that a source version is the target's version `entry`."""
        self.known[(entry.version_id, entry.etag)] = (row.source_version_id, row.source_etag, row.source_last_modified)

    @property
    def top(self) -> Entry | None:
        return self.found[-1] if self.found else None


class Step(NamedTuple):
    """What one version is brought level with; `earlier` is the intent of a lane that was cut off."""

    hands: Hands
    tries: Tries
    earlier: Intent | None


class CopyingVersions:
    """Carries out rows of versions. Rows of one key wait for each other, in the order in which they were handed out."""

    def __init__(
        self,
        context: Context,
        shard: Shard,
        hands: Sequence[Hands],
        readers: Sequence[tuple[Hands, Store]],
        *,
        rows: Sequence[PlanRow],
        standing: Mapping[Target, VersionFacts],
    ) -> None:
        """`rows` are all of the shard, `standing` is what the facts say of the versions of its keys at the target."""
        self._context = context
        self._shard = shard
        self._hands = hands
        self._readers = readers
        self._standing = standing
        self._forbidden = 0
        self._rows: dict[Target, list[PlanRow]] = {}
        for row in rows:
            self._rows.setdefault((row.target_bucket, row.target_key), []).append(row)
        self._histories: dict[Target, History] = {}

    async def carry_out(self, row: PlanRow, earlier: Intent | None) -> Fact | None:
        target = (row.target_bucket, row.target_key)
        history = self._histories.get(target) or self._begun(target)
        async with history.turn:
            fact = await self._in_turn(history, row, earlier)
        history.left -= 1
        if not history.left:
            del self._histories[target]
        return fact._replace(source_version_id=row.source_version_id)

    def _begun(self, target: Target) -> History:
        """Begin a key: what a lane before us recorded of it is taken in."""
        rows, done = self._rows[target], self._shard.done
        ends = [done.get((*target, row.source_version_id)) for row in rows]
        history = History([entry_of(row) for row, fact in zip(rows, ends, strict=True) if not fact or fact.outcome != Outcome.GONE])
        for row, fact in zip(rows, ends, strict=True):
            if fact is not None and fact.outcome in THERE:
                history.stands(row, Entry(fact.target_version_id, fact.target_etag, "", fact.size))
            elif fact is not None and fact.outcome in STOPS:
                history.stopped = _stopped(row, fact)
        history.left = sum(fact is None and row.action in WRITES for row, fact in zip(rows, ends, strict=True))
        self._histories[target] = history
        return history

    async def _in_turn(self, history: History, row: PlanRow, earlier: Intent | None) -> Fact:
        hands = self._of_version(row)
        tries = hands.tries()
        if history.stopped:
            return ended(row, Outcome.FAILED, history.stopped, tries)
        try:
            fact = await settled(lambda: self._level(history, row, Step(hands, tries, earlier)), row, tries, stage="copy")
        except Forbidden as error:
            self._forbidden += 1
            if self._forbidden >= FORBIDDEN_MAX:
                raise
            fact = ended(row, Outcome.FAILED, str(error), tries)
        else:
            self._forbidden = 0
        if fact.outcome in STOPS:
            history.stopped = _stopped(row, fact)
        elif fact.outcome == Outcome.GONE:
            history.source.remove(entry_of(row))
        return fact

    def _of_version(self, row: PlanRow) -> Hands:
        """Return hands that read that one version of the source, and whose intents name it."""
        hands = self._hands[row.move]

        async def amend(intent: Intent) -> None:
            await self._shard.amend(intent._replace(source_version_id=row.source_version_id))

        return replace(_reading(hands, row), amend=amend)

    async def _level(self, history: History, row: PlanRow, step: Step) -> Fact:
        """Bring one version level, and read it back where the run goes on to verify."""
        try:
            if history.found is None:
                await self._look(history, row)
            if is_marker(row):
                return await self._marked(history, row, step)
            at = history.aligned(row)
            if at is not None:
                fact = await self._proved(history, row, at, step)
            else:
                fact = await self._written(history, row, step)
        except Blocked as error:
            return conflict(row, str(error))
        if fact.outcome != Outcome.COPIED or not self._readers:
            return fact
        reader, other = reading_version(*self._readers[row.move], row, fact.target_version_id)
        return await confirm(reader, other, row, fact)

    def _target(self, row: PlanRow, role: str) -> Store:
        return self._context.stores.of(self._hands[row.move].target.endpoint, role)

    async def _look(self, history: History, row: PlanRow) -> None:
        """List the key's history at the target, and take in what the facts say of it."""
        rows = await history_of(self._context, self._target(row, "reader"), row.target_bucket, row.target_key)
        history.found = [entry_of(found) for found in rows]
        target = (row.target_bucket, row.target_key)
        said = known_of(target, history.found, self._standing.get(target, {}))
        history.known = {**said, **history.known}

    async def _proved(self, history: History, row: PlanRow, entry: Entry, step: Step) -> Fact:
        """Prove what stands in the version's place: by its bytes, against the source's."""
        hands, tries, earlier = step
        ours = row.ours or (earlier is not None and earlier.expected_etag == entry.etag)
        there = row._replace(action=Action.PROVE, found_etag=entry.etag, found_size=entry.size, ours=ours)
        fact = await prove(replace(hands, target=pinned(hands.target, entry.version_id)), there, tries)
        if isinstance(fact, Anew) and not fact.mismatch:
            return ended(row, Outcome.FAILED, fact.reason, tries)
        if isinstance(fact, Anew) or fact.outcome != Outcome.COPIED:
            return conflict(row, f"the target's version {entry.version_id} stands in its place, and holds other bytes")
        history.stands(row, entry)
        return fact._replace(target_version_id=entry.version_id)

    async def _written(self, history: History, row: PlanRow, step: Step) -> Fact:
        """Write a version on top of the one before: If-Match its ETag, or If-None-Match on nothing and on a delete marker.

        Where the version's ETag may be that of the one before, no condition tells a second write from the first: then each try is
        one request, and the target is listed before the next."""
        prepared = _on_top_of(history.top, row)
        top = history.top
        if top is None or not top.etag or (row.foretold_etag and row.foretold_etag != top.etag):
            fact = await copy_object(step.hands, prepared, step.earlier)
        else:
            fact = await self._written_alike(history, row, prepared, step)
        if fact.outcome != Outcome.COPIED:
            return fact
        if not fact.target_version_id:
            what = "the target gave no version id: is versioning still on there?"
            return fact._replace(outcome=Outcome.FAILED, reason=what, proofs=(), xxh3="")
        entry = Entry(fact.target_version_id, fact.target_etag, "", fact.size)
        if all(found.version_id != entry.version_id for found in history.found or ()):
            history.found = [*(history.found or ()), entry]
        history.stands(row, entry)
        return fact

    async def _written_alike(self, history: History, row: PlanRow, prepared: PlanRow, step: Step) -> Fact:
        once_only = replace(step.hands, patience=Patience(1, 0.0))
        attempts_max = self._context.settings.transfer.attempts_max

        async def once() -> Fact:
            await self._look(history, row)
            at = history.aligned(row)
            if at is not None:
                return await self._proved(history, row, at, step)
            return await copy_object(once_only, prepared, step.earlier)

        fact = await step.tries.run(once)
        for attempt in range(1, attempts_max):
            if fact.outcome != Outcome.FAILED or fact.mismatch:
                break
            await self._context.clock.sleep(AGAIN_AFTER_S * 2**attempt)
            fact = await step.tries.run(once)
        return fact

    async def _marked(self, history: History, row: PlanRow, step: Step) -> Fact:
        """Lay a delete marker by the remover's hand, once: an answer that was lost is settled by looking."""
        bucket, key = row.target_bucket, row.target_key
        source = await history_of(self._context, self._hands[row.move].source, row.source_bucket, row.source_key)
        if entry_of(row) not in [entry_of(each) for each in source]:
            raise SourceGone(f"delete marker {row.source_version_id} of {shown(row.source_key)} is not at the source any more")
        hands, tries = step.hands, step.tries
        laid = step.earlier is not None

        async def once() -> Entry:
            nonlocal laid
            await self._look(history, row)
            at = history.aligned(row)
            if at is None:
                hands.check_lease()
                laid = True
                await self._target(row, "remover").delete(bucket, key)
                await self._look(history, row)
                at = history.aligned(row) or history.shared_marker(row)
            if at is None:
                raise ProtocolError(f"the delete of {shown(key)} was answered, and the target shows no delete marker")
            return at

        entry = await tries.run(once)
        shared = (entry.version_id, "") in history.known and laid
        history.stands(row, entry)
        fact = ended(row, Outcome.VERIFIED, "", tries, stage="verify") if self._readers else ended(row, Outcome.COPIED, "", tries)
        losses = (ONE_FOR_SEVERAL,) if shared else ()
        return fact._replace(target_version_id=entry.version_id, target_etag="", ours=row.ours or laid, losses=losses)


def _on_top_of(top: Entry | None, row: PlanRow) -> PlanRow:
    """Return the row as the write wants it: on nothing (or a delete marker), or as the one after our own latest version."""
    if top is None or not top.etag:
        return row._replace(action=Action.COPY, found_etag="", found_size=-1, ours=False)
    return row._replace(action=Action.REPLACE, found_etag=top.etag, found_size=top.size, ours=True)


def _stopped(row: PlanRow, fact: Fact) -> str:
    return f"version {row.source_version_id}, which comes before it, ended as {fact.outcome}: {fact.reason}"


def _reading(hands: Hands, row: PlanRow) -> Hands:
    again = pinned(hands.source_again, row.source_version_id) if hands.source_again else None
    return replace(hands, source=pinned(hands.source, row.source_version_id), source_again=again)


def reading_version(hands: Hands, other: Store, row: PlanRow, version_id: str) -> tuple[Hands, Store]:
    """Return hands, and the target over the other HTTP stack, that read one version of each side."""
    return replace(_reading(hands, row), target=pinned(hands.target, version_id)), pinned(other, version_id)
