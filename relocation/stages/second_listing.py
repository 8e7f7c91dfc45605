"""Hold the source's listing against an enumeration that shares nothing with it, and name what the listing hides.

Guarantees: memory does not grow with the keys: both sides are fingerprinted, and only where these differ the keys are written
to anonymous files and held against each other part by part. What one side alone shows is asked for (HEAD) before it is named:
what came or went meanwhile is not, nor is what the listing shows now. Reads only.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from relocation.rules.enumeration import Enumerated, Fingerprint, Tally
from relocation.rules.errors import BadRequest, CustomerKeyNeeded, CustomerKeyWrong, NotFound, ProtocolError
from relocation.rules.evidence import canonical
from relocation.rules.keys import shown
from relocation.rules.objects import Head
from relocation.rules.records import InventoryRow, RunRecord
from relocation.rules.summary import Compared, Named
from relocation.settings import Category, Side, Wave
from relocation.stages.asked import listed_as
from relocation.stages.context import Context
from relocation.stages.key_file import listed_keys
from relocation.stages.keys_apart import KeysApart, breathing
from relocation.stages.list_versions import Behind, of_one_wave, pages_of
from relocation.stages.pages import list_all
from relocation.stages.pages import pages_of as object_pages_of
from relocation.transfer.crew import work_all

NAMED_MAX = 10_000
"""So many hidden keys are kept by name; all are counted."""
LONG = timedelta(minutes=15)
"""No store that takes our requests has a clock that is further from ours (AWS: RequestTimeTooSkewed)."""
Keys = Callable[[], AsyncIterator[str]]
FOUND_BY = {
    "versions": "the versions listing",
    "objects": "the listing of objects",
    "delimiter": "a listing folder by folder",
    "keys": "the list of keys",
}


async def second_listing(
    context: Context, run: RunRecord, category: Category, wave: Wave, *, source: Iterable[InventoryRow], behind: Behind
) -> str:
    """Hold what the first listing showed of a wave (`source`, to be gone through again at will) against the policy's others.

    Returns the SHA-256 of what came of it, as the vault holds it; empty where nothing was asked for.
    """
    compared: list[Compared] = []
    hidden: dict[tuple[str, str], Named] = {}
    for number, move in enumerate(category.moves):
        place = Compared(move.source.endpoint, move.source.bucket, move.source.prefix, "")
        for way in _ways(category, number, behind):
            look = _Look(context, category, wave, replace(place, way=way), (number, source), begun_at=run.started_at)
            compared.append(await look.compare(behind.listed.get(number) if way == "versions" else None))
            hidden = {(named.bucket, named.key): named for named in look.tally.named} | hidden
    if not compared:
        return ""
    found = Enumerated(tuple(compared), tuple(hidden[named] for named in sorted(hidden))[:NAMED_MAX])
    return await context.vault.put(document_of(run.id), canonical(asdict(found)), content_type="application/json")


def document_of(run_id: str) -> str:
    """Return the vault name of what a run's further enumerations came to."""
    return f"runs/{run_id}/second-listing.json"


async def enumerated(context: Context, run_id: str, sha256: str) -> Enumerated:
    """Read what a run's further enumerations came to, held against its hash; nothing where there were none."""
    if not sha256:
        return Enumerated()
    fields = json.loads(await context.vault.get(document_of(run_id), sha256=sha256))
    return Enumerated(tuple(Compared(**each) for each in fields["compared"]), tuple(Named(**each) for each in fields["hidden"]))


def _ways(category: Category, number: int, behind: Behind) -> list[str]:
    """Return how a move's source is enumerated once more; where all versions are moved, their listing was the first."""
    wanted = category.policy.second_listing
    ways = []
    if wanted == "versions" and category.policy.versions == "all":
        ways.append("objects")
    elif wanted in ("auto", "versions") and number in behind.listed:
        ways.append("versions")
    elif wanted in ("auto", "delimiter"):
        ways.append("delimiter")
    return [*ways, "keys"] if category.policy.keys else ways


@dataclass(frozen=True, slots=True)
class _Alone:
    """A key that one side alone shows."""

    key: str
    in_first: bool


class _Look:
    """One move's source, enumerated in one further way."""

    def __init__(
        self,
        context: Context,
        category: Category,
        wave: Wave,
        place: Compared,
        first: tuple[int, Iterable[InventoryRow]],
        *,
        begun_at: str,
    ) -> None:
        number, source = first
        self._context = context
        self._category = category
        self._wave = wave
        self._number = number
        self._side: Side = category.moves[number].source
        self._place = place
        self._source = source
        self._partition = category.partition()
        self._long_before = datetime.fromisoformat(begun_at) - LONG
        self._store = context.stores.of(self._side.endpoint, "reader", customer_key=category.policy.customer_keys.source or "")
        self.tally = Tally(NAMED_MAX)

    async def compare(self, walked: Fingerprint | None) -> Compared:
        """Return what came of it. `walked` is the fingerprint of the other side, where it was walked already."""
        ways = {"versions": self._by_versions, "objects": self._by_objects, "delimiter": self._by_delimiter, "keys": self._by_list}
        other: Keys = ways[self._place.way]
        first = await self._fingerprint(self._first)
        second = walked or await self._fingerprint(other)
        differing = first.differing(second)
        if differing:
            await self._apart(other, differing)
        tally = self.tally
        found = replace(
            self._place, first=first.keys, second=second.keys,
            hidden=tally.hidden, unlisted=tally.unlisted, changed=tally.changed, absent=tally.absent,
        )  # fmt: skip
        place = f"{found.endpoint}/{found.bucket}/{shown(found.prefix)}"
        self._context.progress.note(
            "inventory.compared", place=place, way=FOUND_BY[found.way], objects=found.second, hidden=found.hidden
        )
        return found

    async def _fingerprint(self, keys: Keys) -> Fingerprint:
        found = Fingerprint()
        async for key in keys():
            found.add(self._side.bucket, key)
        return found

    async def _apart(self, other: Keys, differing: frozenset[int]) -> None:
        """Go through both once more, keep the keys of the slots that differ, and ask for those that one side alone has."""
        with KeysApart(self._context.settings.state_dir, self._side.bucket, differing) as apart:
            async for key in self._first():
                apart.add(key, first=True)
            async for key in other():
                apart.add(key, first=False)
            for one, two in apart.parts():
                alone = [*(_Alone(key, True) for key in sorted(one - two)), *(_Alone(key, False) for key in sorted(two - one))]
                size = self._context.settings.transfer.concurrency
                await work_all(breathing(alone), self._ask, size=min(size, max(len(alone), 1)))

    async def _first(self) -> AsyncIterator[str]:
        """Yield the keys of the first listing; of several versions of a key, the newest tells whether it is there."""
        last: InventoryRow | None = None
        async for row in breathing(self._source):
            if row.move != self._number:
                continue
            if last is not None and last.key != row.key and last.etag:
                yield last.key
            last = row
        if last is not None and last.etag:
            yield last.key

    async def _by_versions(self) -> AsyncIterator[str]:
        """Walk in one range: whatever became of the ranges that `count_behind` listed, a difference is told without them."""
        async for page in pages_of(self._context, self._store, self._side.bucket, self._side.prefix):
            for version in of_one_wave(page, self._category, self._wave, len(self._side.prefix)):
                if version.is_latest and not version.is_delete_marker:
                    yield version.key

    async def _by_objects(self) -> AsyncIterator[str]:
        async for page in object_pages_of(self._context, self._store, self._side.bucket, self._side.prefix):
            for listed in of_one_wave(page, self._category, self._wave, len(self._side.prefix)):
                yield listed.key

    async def _by_delimiter(self) -> AsyncIterator[str]:
        """Walk folder by folder, depth first: as many listings are open as folders lie in each other.

        From far away too: as soon as it began behind keys, as ranges do, it would believe the store where the first listing did.
        """
        ask = partial(list_all, self._context, self._store, self._side.bucket, delimiter="/")
        folders, prefixes = [ask(self._side.prefix)], [self._side.prefix]
        while folders:
            listed = await anext(folders[-1], None)
            if listed is None:
                folders.pop()
                prefixes.pop()
            elif not listed.etag:
                if len(listed.key) <= len(prefixes[-1]):
                    raise ProtocolError(f"the listing of {self._side.bucket} folds {shown(listed.key)} into itself")
                folders.append(ask(listed.key))
                prefixes.append(listed.key)
            else:
                for mine in of_one_wave((listed,), self._category, self._wave, len(self._side.prefix)):
                    yield mine.key

    async def _by_list(self) -> AsyncIterator[str]:
        """Yield what the list names of this move and, where keys alone tell, of this wave."""
        assert self._category.policy.keys is not None
        async for key in listed_keys(self._category.policy.keys, self._side):
            below = key[len(self._side.prefix) :]
            if not self._partition.by_key or self._partition.wave_of(below, 0, "") == self._wave.name:
                yield key

    async def _ask(self, alone: _Alone) -> None:
        """Count a key that one side alone shows for what it is."""
        tally = self.tally
        if alone.in_first and self._place.way == "keys":
            tally.unlisted += 1
            return
        there = await self._there(alone.key)
        if there is None and self._place.way == "keys":
            tally.absent += 1
        elif there is None or not self._mine(alone.key, there):
            tally.changed += 1
        elif alone.in_first:
            tally.unlisted += 1
        elif await self._came_meanwhile(alone.key, there):
            tally.changed += 1
        else:
            how = f"it is there, and the listing of {self._store.endpoint}/{self._side.bucket} does not show it"
            tally.hide(Named(self._side.bucket, alone.key, f"{how}; found by {FOUND_BY[self._place.way]}"))

    async def _came_meanwhile(self, key: str, there: Head) -> bool:
        """Whether the first listing shows a key now. That of versions may do so where this key alone is asked for, and leave it out
        where all are: there what was written long before the run began, whatever the clocks say, was left out."""
        if self._category.policy.versions == "all":
            return not there.last_modified or datetime.fromisoformat(there.last_modified) >= self._long_before
        return await listed_as(self._context, self._store, self._side, key) is not None

    async def _there(self, key: str) -> Head | None:
        try:
            return await self._context.tries().run(lambda: self._store.head(self._side.bucket, key))
        except (CustomerKeyNeeded, CustomerKeyWrong):
            return Head(0, "encrypted", "")
        except (NotFound, BadRequest):  # no object can have a name that the store does not take
            return None

    def _mine(self, key: str, head: Head) -> bool:
        below = key[len(self._side.prefix) :]
        return self._partition.by_key or self._partition.wave_of(below, head.size, head.last_modified) == self._wave.name
