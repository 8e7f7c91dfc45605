"""Name every bucket and top-level prefix of the source that no category claims: what was forgotten shows up here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial

from relocation.ports import Store
from relocation.rules.errors import BadRequest, Forbidden, Transient
from relocation.rules.objects import Listed, ListedVersion, Place
from relocation.rules.summary import Unclaimed
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.inventory import Saying
from relocation.stages.list_versions import pages_of
from relocation.stages.pages import list_all

Listing = Callable[..., AsyncIterator[Listed] | AsyncIterator[ListedVersion]]
"""Lists what lies under a prefix; with `delimiter` what lies deeper is folded."""
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
    tries = context.tries()
    former = 0
    try:
        if await tries.run(lambda: store.get_versioning(bucket)):
            versions = partial(_versions, context, store, bucket, saying)
            return _places(place, await _looked(_Look(versions, claims)))
    except (Forbidden, BadRequest, Transient):  # what is there now can still be told
        former = -1
    try:
        objects = partial(list_all, context, store, bucket, on_page=saying)
        return _places(place, await _looked(_Look(objects, claims)), former=former)
    except Forbidden:
        return [Unclaimed(place, -1, -1, "")]


async def _looked(look: _Look) -> dict[str, _Sum]:
    if not look.claimed or not await look.beside("", budget=WALKED_MAX):
        await look.through("")
    return look.sums


def _places(place: str, sums: dict[str, _Sum], *, former: int = 0) -> list[Unclaimed]:
    return [
        Unclaimed(place + name, each.objects, each.bytes, each.newest, former or each.versions, each.version_bytes, each.markers)
        for name, each in sorted(sums.items())
    ]


async def _versions(
    context: Context, store: Store, bucket: str, saying: Saying, prefix: str, *, delimiter: str = ""
) -> AsyncIterator[ListedVersion]:
    async for page in pages_of(context, store, bucket, prefix, delimiter=delimiter):
        saying(page)
        for version in page:
            yield version


class _Look:
    """One bucket under inspection, by its objects or by all its versions.

    What is claimed is not listed once more, where a few prefixes tell it apart."""

    def __init__(self, listing: Listing, claimed: tuple[str, ...]) -> None:
        self._list = listing
        self.claimed = claimed
        self.sums: dict[str, _Sum] = {} if claimed else {"": _Sum()}

    async def beside(self, prefix: str, *, budget: int) -> int:
        """Look at what lies under a prefix, level by level, past the claims; return what is left of the budget of prefixes.

        Once that is used up, 0 is returned, and nothing has been summed up.
        """
        under: list[str] = []
        beside: list[str] = []
        found: list[Listed | ListedVersion] = []
        async for listed in self._list(prefix, delimiter="/"):
            if listed.etag or (isinstance(listed, ListedVersion) and listed.version_id):
                found.append(listed)
            elif not listed.key.startswith(self.claimed):
                (under if any(claim.startswith(listed.key) for claim in self.claimed) else beside).append(listed.key)
            if len(under) + len(beside) >= budget:
                return 0
        budget -= len(under) + len(beside)
        for deeper in under:
            budget = await self.beside(deeper, budget=budget)
            if not budget:
                self.sums.clear()
                return 0
        for whole in beside:
            await self.through(whole)
        self._add(found)
        return budget

    async def through(self, prefix: str) -> None:
        """List all that lies under a prefix."""
        async for listed in self._list(prefix):
            self._add((listed,))

    def _add(self, found: Iterable[Listed | ListedVersion]) -> None:
        for listed in found:
            if not listed.key.startswith(self.claimed):
                head, slash, _ = listed.key.partition("/")
                self.sums.setdefault(f"/{head}/" if self.claimed and slash else "", _Sum()).add(listed)
