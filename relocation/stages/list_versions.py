"""List every version of one side of a category, by protocol: each key's history, the oldest version first.

Guarantees: every version and delete marker under the category's moves once, canaries left out; a listing that repeats one, shows
one from elsewhere, does not say which is the latest, or goes round in a circle is refused, as is one that did not end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from typing import Literal, TypeVar

from relocation.ports import SortedRows, Store
from relocation.rules.enumeration import Fingerprint
from relocation.rules.errors import BadRequest, Forbidden, Refusal, Transient
from relocation.rules.keys import shown
from relocation.rules.merging import Block, Place, unparted
from relocation.rules.objects import Listed, ListedVersion
from relocation.rules.records import InventoryRow
from relocation.rules.versions import Versions
from relocation.settings import Category, Move, Side, Wave
from relocation.stages.context import Context
from relocation.stages.inventory import Saying, placing
from relocation.stages.pages import without_canaries
from relocation.stages.through import go_through
from relocation.stages.versions_walk import VersionsWalk

ONE_KEY = 50
"""Versions asked for at once where one key's history is wanted: what follows are other keys that begin like it."""


class Histories:
    """The history of every key of one side, in the order of where the keys are to be at the target. Close it after use."""

    def __init__(self, rows: SortedRows[InventoryRow], place: Callable[[InventoryRow], Place]) -> None:
        """`rows` hold the versions of each key as listings show them, the newest first."""
        self._rows = rows
        self._place = place

    @property
    def versions(self) -> int:
        """So many versions and delete markers there are."""
        return self._rows.objects

    def __iter__(self) -> Iterator[Versions]:
        """Yield the history of each key, as often as one asks."""
        return chain.from_iterable(histories for _, histories in self.blocks())

    def blocks(self) -> Iterator[Block[Versions]]:
        """Yield the same, some keys at a time."""
        for rows in unparted(self._rows.blocks(), self._place):
            places, histories = [], []
            for place, versions in groupby(rows, key=self._place):
                places.append(place)
                histories.append(list(versions)[::-1])
            yield places, histories

    def close(self) -> None:
        """Give the scratch back."""
        self._rows.close()


async def list_histories(context: Context, category: Category, side: Literal["source", "target"]) -> Histories:
    """Return the history of every key of one side of all moves of the category. Close it after use."""
    where = placing(category, side)
    rows = context.scratch.rows(InventoryRow, where)
    try:
        for index, move in enumerate(category.moves):
            place: Side = getattr(move, side)
            store = context.stores.of(place.endpoint, "reader")
            name = f"{place.endpoint}/{place.bucket}/{shown(place.prefix)}"
            saying = Saying(context, name)
            async for page in pages_of(context, store, place.bucket, place.prefix):
                rows.add([_row(index, place.bucket, version) for version in page])
                saying(page)
            context.progress.note("inventory.listed", side=side, place=name, versions=saying.objects)
    except BaseException:
        rows.close()
        raise
    return Histories(rows, where)


async def history_of(context: Context, store: Store, bucket: str, key: str) -> list[InventoryRow]:
    """Return the history of one key, the oldest version first; empty where there is none."""
    found: list[InventoryRow] = []
    async for page in pages_of(context, store, bucket, key, page_keys=ONE_KEY):
        found += (_row(0, bucket, version) for version in page if version.key == key)
        if page and page[-1].key > key:  # they come in the order of their keys
            break
    return found[::-1]


async def pages_of(
    context: Context, store: Store, bucket: str, prefix: str, *, page_keys: int = 1000, delimiter: str = ""
) -> AsyncIterator[Sequence[ListedVersion]]:
    """Yield the versions under a prefix, page by page, the newest of each key first, canaries left out.

    With `delimiter` what lies deeper is folded into common prefixes, which have no version id, and no order is asked for.
    """
    walk = VersionsWalk(context, store, bucket, prefix, page_keys=page_keys, delimiter=delimiter)
    async for page in walk.pages():
        yield without_canaries(page)


def _row(move: int, bucket: str, version: ListedVersion) -> InventoryRow:
    return InventoryRow(
        move=move,
        bucket=bucket,
        key=version.key,
        size=version.size,
        etag=version.etag,
        last_modified=version.last_modified,
        storage_class=version.storage_class,
        version_id=version.version_id,
    )


async def refuse_unversioned(context: Context, move: Move) -> None:
    """Refuse a move whose source can't list its versions, or whose target does not keep them. Asks both; writes nothing."""
    source, target = move.source, move.target
    wanted = "the policy says versions: all"
    reader = context.stores.of(source.endpoint, "reader")
    tries = context.tries()
    try:
        await tries.run(lambda: reader.list_versions(source.bucket, prefix=source.prefix, page_keys=1))
    except (Forbidden, BadRequest) as error:
        raise Refusal(
            f"{wanted}, and the versions of {source.endpoint}/{source.bucket} can't be listed: {error}. Give the reader "
            "s3:ListBucketVersions and s3:GetObjectVersion there, or set versions: latest"
        ) from error
    state = await tries.run(lambda: context.stores.of(target.endpoint, "reader").get_versioning(target.bucket))
    if state != "Enabled":
        raise Refusal(
            f"{wanted}, and versioning of {target.endpoint}/{target.bucket} is {state.lower() or 'off'}: each version would take "
            "the place of the one before. Turn versioning on there, or set versions: latest"
        )


@dataclass(frozen=True, slots=True)
class Behind:
    """What stays at the source where the latest versions alone are moved. -1: it could not be counted, `why` in words."""

    versions: int = 0
    bytes: int = 0
    markers: int = 0
    why: str = ""
    listed: Mapping[int, Fingerprint] = field(default_factory=dict)
    """By move: the keys of which this walk showed a latest version, where the policy wants a second listing of them."""


NOTHING_BEHIND = Behind()


async def count_behind(context: Context, category: Category, wave: Wave) -> Behind:
    """Count the former versions and the delete markers of a wave; nothing is listed where a source keeps none.

    From far away in ranges, as the first listing is, and yet no second one that is blind where that was: it asks the store for
    something else, its pages end between other keys, and no key is seen by beginning there alone, since the range before goes
    beyond its end. Where the two differ, all is gone through once more in one range (`second_listing.py`).
    """
    behind = Behind()
    for number, move in enumerate(category.moves):
        side = move.source
        store = context.stores.of(side.endpoint, "reader")
        walk = partial(VersionsWalk, context, store, side.bucket, side.prefix)
        try:
            if await context.tries().run(partial(store.get_versioning, side.bucket)):
                found = await go_through(context, side.endpoint, walk, partial(_Counting, category, wave, side))
                behind = found.added_to(behind, number)
        except (Forbidden, BadRequest, Transient) as error:  # what is not moved stops nothing; the report says it is unknown
            return Behind(-1, 0, -1, f"{side.endpoint}/{side.bucket}: {error}")
    return behind


class _Counting:
    """What one move's versions come to, page by page."""

    def __init__(self, category: Category, wave: Wave, side: Side) -> None:
        self._category = category
        self._wave = wave
        self._side = side
        self._wanted = category.policy.second_listing in ("auto", "versions")
        self._versions = self._bytes = self._markers = 0
        self._listed = Fingerprint()

    def __call__(self, page: Iterable[ListedVersion]) -> None:
        for version in of_one_wave(page, self._category, self._wave, len(self._side.prefix)):
            if version.is_delete_marker:
                self._markers += 1
            elif not version.is_latest:
                self._versions, self._bytes = self._versions + 1, self._bytes + version.size
            elif self._wanted:
                self._listed.add(self._side.bucket, version.key)

    def added_to(self, behind: Behind, number: int) -> Behind:
        """Return this and what was counted of the moves before."""
        return Behind(
            behind.versions + self._versions,
            behind.bytes + self._bytes,
            behind.markers + self._markers,
            listed={**behind.listed, number: self._listed} if self._wanted else {},
        )


Shown = TypeVar("Shown", Listed, ListedVersion)


def of_one_wave(page: Iterable[Shown], category: Category, wave: Wave, cut: int) -> Iterator[Shown]:
    """Yield what belongs to a wave; `cut` is the length of the move's prefix."""
    partition = category.partition()
    return (each for each in page if partition.wave_of(each.key[cut:], each.size, each.last_modified) == wave.name)
