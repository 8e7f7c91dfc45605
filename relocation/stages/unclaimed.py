"""Name every bucket and top-level prefix of the source that no category claims: what was forgotten shows up here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Generic

from relocation.ports import Store
from relocation.rules.errors import BadRequest, Forbidden, Transient
from relocation.rules.objects import Listed, ListedVersion, Place
from relocation.rules.summary import Unclaimed
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.inventory import Saying
from relocation.stages.pages import ObjectsWalk, Shown, Walk, without_canaries
from relocation.stages.through import go_through
from relocation.stages.versions_walk import VersionsWalk

WALKED_MAX = 200
"""So many prefixes beside the claims are looked into one by one; a bucket that has more is listed through."""


@dataclass(slots=True)
class _Sum:
    objects: int = 0
    bytes: int = 0
    newest: str = ""
    versions: int = 0
    version_bytes: int = 0
    markers: int = 0

    def add(self, listed: Listed | ListedVersion) -> None:
        self.newest = max(self.newest, listed.last_modified)
        if isinstance(listed, Listed) or (listed.is_latest and not listed.is_delete_marker):
            self.objects += 1
            self.bytes += listed.size
        elif listed.is_delete_marker:
            self.markers += 1
        else:
            self.versions += 1
            self.version_bytes += listed.size

    def join(self, other: _Sum) -> None:
        """Take in what was summed up elsewhere."""
        self.newest = max(self.newest, other.newest)
        self.objects += other.objects
        self.bytes += other.bytes
        self.versions += other.versions
        self.version_bytes += other.version_bytes
        self.markers += other.markers


async def unclaimed(context: Context, endpoint: str) -> tuple[Unclaimed, ...]:
    """Return what stands at an endpoint outside every move of every category, with objects, bytes and the newest date.

    Where a bucket keeps versions, the former ones and the delete markers are counted too.
    A bucket that the reader may not list is named with -1 objects: it is there, and nobody knows what it holds.
    """
    store = context.stores.of(endpoint, "reader")
    tries = context.tries()
    vault = context.settings.vault
    found: list[Unclaimed] = []
    looked, buckets = 0, 0
    for bucket in sorted(await tries.run(store.list_buckets)):
        claims = claims_of(context.settings, Place(endpoint, bucket))
        if "" not in claims and (endpoint, bucket) != (vault.endpoint, vault.bucket):
            saying = Saying(context, f"{endpoint}/{bucket}, for what nobody claims")
            found += await _in_bucket(context, store, bucket, claims, saying)
            looked, buckets = looked + saying.objects, buckets + 1
    if buckets:
        context.progress.note("unclaimed.looked", objects=looked, buckets=buckets, places=len(found))
    return tuple(found)


def claims_of(settings: Migration, place: Place) -> tuple[str, ...]:
    """Return the prefixes of a bucket of the source that any category moves."""
    moves = (move for category in settings.categories.values() for move in category.moves)
    return tuple({move.source.prefix for move in moves if Place(move.source.endpoint, move.source.bucket) == place})


async def _in_bucket(context: Context, store: Store, bucket: str, claims: tuple[str, ...], saying: Saying) -> list[Unclaimed]:
    """Sum up what no claim covers: a bucket without any claim as a whole, else by top-level prefix."""
    place = f"{store.endpoint}/{bucket}"
    former = 0
    try:
        if await context.tries().run(lambda: store.get_versioning(bucket)):
            versions = partial(VersionsWalk, context, store, bucket)
            return _places(place, await _Look(context, store.endpoint, versions, claims, saying).sums())
    except (Forbidden, BadRequest, Transient):  # what is there now can still be told
        former = -1
    try:
        objects = partial(ObjectsWalk, context, store, bucket)
        return _places(place, await _Look(context, store.endpoint, objects, claims, saying).sums(), former=former)
    except Forbidden:
        return [Unclaimed(place, -1, -1, "")]


def _places(place: str, sums: dict[str, _Sum], *, former: int = 0) -> list[Unclaimed]:
    return [
        Unclaimed(place + name, each.objects, each.bytes, each.newest, former or each.versions, each.version_bytes, each.markers)
        for name, each in sorted(sums.items())
    ]


class _Sums:
    """What is listed and not claimed, by top-level prefix; where nothing is claimed, all of it together."""

    def __init__(self, claimed: tuple[str, ...], saying: Saying) -> None:
        self._claimed = claimed
        self._saying = saying
        self.by_place: dict[str, _Sum] = {} if claimed else {"": _Sum()}

    def __call__(self, page: Sequence[Listed | ListedVersion]) -> None:
        self._saying(page)
        for listed in page:
            if not listed.key.startswith(self._claimed):
                head, slash, _ = listed.key.partition("/")
                self.by_place.setdefault(f"/{head}/" if self._claimed and slash else "", _Sum()).add(listed)

    def join(self, others: _Sums) -> None:
        """Take in what was summed up elsewhere."""
        for place, other in others.by_place.items():
            self.by_place.setdefault(place, _Sum()).join(other)


class _Look(Generic[Shown]):
    """One bucket under inspection, by its objects or by all its versions.

    What is claimed is not listed once more, where a few prefixes tell it apart."""

    def __init__(
        self, context: Context, endpoint: str, new_walk: Callable[..., Walk[Shown]], claimed: tuple[str, ...], saying: Saying
    ) -> None:
        self._context = context
        self._endpoint = endpoint
        self._new_walk = new_walk
        self._claimed = claimed
        self._saying = saying
        self._found = self._nothing()

    def _nothing(self) -> _Sums:
        return _Sums(self._claimed, self._saying)

    async def sums(self) -> dict[str, _Sum]:
        """Return what stands where, beside the claims."""
        if not self._claimed or not await self._beside("", budget=WALKED_MAX):
            await self._through("")
        return self._found.by_place

    async def _beside(self, prefix: str, *, budget: int) -> int:
        """Look at what lies under a prefix, level by level, past the claims; return what is left of the budget of prefixes.

        Once that is used up, 0 is returned, and nothing has been summed up.
        """
        under: list[str] = []
        beside: list[str] = []
        found: list[Shown] = []
        async with aclosing(self._new_walk(prefix, delimiter="/").pages()) as pages:
            async for page in pages:
                for listed in without_canaries(page):
                    if listed.etag or (isinstance(listed, ListedVersion) and listed.version_id):
                        found.append(listed)
                    elif not listed.key.startswith(self._claimed):
                        (under if any(claim.startswith(listed.key) for claim in self._claimed) else beside).append(listed.key)
                if len(under) + len(beside) >= budget:
                    return 0
        budget -= len(under) + len(beside)
        for deeper in under:
            budget = await self._beside(deeper, budget=budget)
            if not budget:
                self._found = self._nothing()
                return 0
        for whole in beside:
            await self._through(whole)
        self._found(found)
        return budget

    async def _through(self, prefix: str) -> None:
        """List all that lies under a prefix."""
        before = self._saying.objects

        def begin() -> _Sums:
            self._saying.objects = before  # what is listed once more is not counted twice
            return self._nothing()

        self._found.join(await go_through(self._context, self._endpoint, partial(self._new_walk, prefix), begin))
