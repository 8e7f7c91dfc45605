"""List every version of one side of a category, by protocol: each key's history, the oldest version first.

Guarantees: every version and delete marker under the category's moves once, canaries left out; a listing that repeats one, shows
one from elsewhere, does not say which is the latest, or goes round in a circle is refused, as is one that did not end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Literal, TypeVar

from relocation.ports import SortedRows, Store
from relocation.rules.enumeration import Fingerprint
from relocation.rules.errors import BadRequest, Forbidden, ProtocolError, Refusal, Transient
from relocation.rules.keys import is_canary, shown
from relocation.rules.merging import Block, Place, unparted
from relocation.rules.objects import Listed, ListedVersion, Page
from relocation.rules.records import InventoryRow
from relocation.rules.versions import Versions
from relocation.settings import Category, Move, Side, Wave
from relocation.stages.context import Context
from relocation.stages.inventory import Saying, placing
from relocation.stages.pages import by_token

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
) -> AsyncIterator[list[ListedVersion]]:
    """Yield the versions under a prefix, page by page, the newest of each key first, canaries left out.

    With `delimiter` what lies deeper is folded into common prefixes, which have no version id, and no order is asked for.
    """
    place = f"{store.endpoint}/{bucket}"
    order = _Order(place, prefix)

    def ask(token: str) -> Awaitable[Page[ListedVersion]]:
        return store.list_versions(bucket, prefix=prefix, token=token, page_keys=page_keys, delimiter=delimiter)

    async for page in by_token(context, f"the versions listing of {place}", ask):
        for version in page.items if not delimiter else ():
            order.check(version)
        yield [version for version in page.items if not is_canary(version.key)]


class _Order:
    """Holds a versions listing to its order, so that none of its keys need to be kept to know that each comes once.

    The order is that of bytes, as S3 says, or that of a tree (`a/b` before `a-b`), as some stores have it.
    """

    def __init__(self, place: str, prefix: str) -> None:
        self._place = place
        self._prefix = prefix
        self._key = ""
        self._versions: set[str] = set()
        self._by_bytes = self._by_tree = True

    def check(self, version: ListedVersion) -> None:
        """Refuse a version that does not come where it belongs."""
        key = version.key
        new = key != self._key or not self._versions
        if not key.startswith(self._prefix) or (version.version_id in self._versions and not new):
            raise ProtocolError(f"the versions listing of {self._place} shows {shown(key)} twice, or where it does not belong")
        if version.is_latest != new:
            raise ProtocolError(f"the versions listing of {self._place} does not begin {shown(key)} with its latest version")
        if new:
            self._next(key)
        self._versions.add(version.version_id)

    def _next(self, key: str) -> None:
        if self._versions:
            self._by_bytes = self._by_bytes and key > self._key
            self._by_tree = self._by_tree and key.split("/") > self._key.split("/")
            if not self._by_bytes and not self._by_tree:
                raise ProtocolError(
                    f"the versions listing of {self._place} goes back from {shown(self._key)} to {shown(key)}: "
                    "not a listing to be trusted"
                )
        self._key = key
        self._versions.clear()


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
    """Count the former versions and the delete markers of a wave; nothing is listed where a source keeps none."""
    versions = size = markers = 0
    wanted = category.policy.second_listing in ("auto", "versions")
    listed: dict[int, Fingerprint] = {}
    for number, move in enumerate(category.moves):
        side = move.source
        store = context.stores.of(side.endpoint, "reader")
        tries = context.tries()
        try:
            if not await tries.run(lambda: store.get_versioning(side.bucket)):  # noqa: B023 — awaited at once
                continue
            found = Fingerprint()
            async for page in pages_of(context, store, side.bucket, side.prefix):
                for version in of_one_wave(page, category, wave, len(side.prefix)):
                    if wanted and version.is_latest and not version.is_delete_marker:
                        found.add(side.bucket, version.key)
                    markers += version.is_delete_marker
                    if not version.is_latest and not version.is_delete_marker:
                        versions, size = versions + 1, size + version.size
            if wanted:
                listed[number] = found
        except (Forbidden, BadRequest, Transient) as error:  # what is not moved stops nothing; the report says it is unknown
            return Behind(-1, 0, -1, f"{side.endpoint}/{side.bucket}: {error}")
    return Behind(versions, size, markers, listed=listed)


Shown = TypeVar("Shown", Listed, ListedVersion)


def of_one_wave(page: Iterable[Shown], category: Category, wave: Wave, cut: int) -> Iterator[Shown]:
    """Yield what belongs to a wave; `cut` is the length of the move's prefix."""
    partition = category.partition()
    return (each for each in page if partition.wave_of(each.key[cut:], each.size, each.last_modified) == wave.name)
