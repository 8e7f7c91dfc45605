"""List every version of one side of a category, by protocol: each key's history, the oldest version first.

Guarantees: every version and delete marker under the category's moves once, canaries left out; a listing that repeats one, shows
one from elsewhere, does not say which is the latest, or goes round in a circle is refused, as is one that did not end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from relocation.ports import Store
from relocation.rules.errors import BadRequest, Forbidden, ProtocolError, Refusal, Transient
from relocation.rules.keys import is_canary, shown
from relocation.rules.objects import Listed, ListedVersion
from relocation.rules.plan import Target
from relocation.rules.records import InventoryRow
from relocation.settings import Category, Move, Side, Wave
from relocation.stages.context import Context
from relocation.stages.inventory import PAGES_MAX, Saying
from relocation.transfer.retry import Patience, Tries

ONE_KEY = 50
"""Versions asked for at once where one key's history is wanted: what follows are other keys that begin like it."""
Histories = dict[Target, list[InventoryRow]]
"""(bucket, key) → its versions and delete markers, the oldest first."""


async def list_histories(context: Context, category: Category, side: Literal["source", "target"]) -> Histories:
    """Return the history of every key of one side of all moves of the category."""
    histories: Histories = {}
    for index, move in enumerate(category.moves):
        place: Side = getattr(move, side)
        store = context.stores.of(place.endpoint, "reader")
        name = f"{place.endpoint}/{place.bucket}/{shown(place.prefix)}"
        saying = Saying(context, name)
        listed: Histories = {}
        async for page in pages_of(context, store, place.bucket, place.prefix):
            for version in page:
                listed.setdefault((place.bucket, version.key), []).append(_row(index, place.bucket, version))
            saying([Listed(version.key, version.size, version.etag, version.last_modified) for version in page])
        histories |= {target: versions[::-1] for target, versions in listed.items()}
        context.progress.note("inventory.listed", side=side, place=name, versions=saying.objects)
    return histories


async def history_of(context: Context, store: Store, bucket: str, key: str) -> list[InventoryRow]:
    """Return the history of one key, the oldest version first; empty where there is none."""
    found: list[InventoryRow] = []
    async for page in pages_of(context, store, bucket, key, page_keys=ONE_KEY):
        found += (_row(0, bucket, version) for version in page if version.key == key)
        if page and page[-1].key > key:  # they come in the order of their keys
            break
    return found[::-1]


async def pages_of(
    context: Context, store: Store, bucket: str, prefix: str, *, page_keys: int = 1000
) -> AsyncIterator[list[ListedVersion]]:
    """Yield the versions under a prefix, page by page, the newest of each key first, canaries left out."""
    place = f"{store.endpoint}/{bucket}"
    seen: set[tuple[str, str]] = set()
    keys: set[str] = set()
    tokens: set[str] = set()
    token = ""
    for _ in range(PAGES_MAX):
        tries = Tries(Patience(context.settings.transfer.attempts_max, unreachable_s=5.0), context.clock)
        ask = partial(store.list_versions, bucket, prefix=prefix, token=token, page_keys=page_keys)
        page = await tries.run(ask)
        for version in page.items:
            if not version.key.startswith(prefix) or (version.key, version.version_id) in seen:
                raise ProtocolError(
                    f"the versions listing of {place} shows {shown(version.key)} twice, or where it does not belong"
                )
            if version.is_latest == (version.key in keys):
                raise ProtocolError(f"the versions listing of {place} does not begin {shown(version.key)} with its latest version")
            seen.add((version.key, version.version_id))
            keys.add(version.key)
        yield [version for version in page.items if not is_canary(version.key)]
        token = page.next_token
        if not token:
            return
        if token in tokens:
            raise ProtocolError(f"the versions listing of {place} goes round in a circle: not a listing to be trusted")
        tokens.add(token)
    raise ProtocolError(f"the versions listing of {place} did not end after {PAGES_MAX} pages")


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
    tries = Tries(Patience(context.settings.transfer.attempts_max, unreachable_s=5.0), context.clock)
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


NOTHING_BEHIND = Behind()


async def count_behind(context: Context, category: Category, wave: Wave) -> Behind:
    """Count the former versions and the delete markers of a wave; nothing is listed where a source keeps none."""
    versions = size = markers = 0
    for move in category.moves:
        side = move.source
        store = context.stores.of(side.endpoint, "reader")
        tries = Tries(Patience(context.settings.transfer.attempts_max, unreachable_s=5.0), context.clock)
        try:
            if not await tries.run(lambda: store.get_versioning(side.bucket)):  # noqa: B023 — awaited at once
                continue
            async for page in pages_of(context, store, side.bucket, side.prefix):
                for version in _of_wave(page, category, wave, len(side.prefix)):
                    markers += version.is_delete_marker
                    if not version.is_latest and not version.is_delete_marker:
                        versions, size = versions + 1, size + version.size
        except (Forbidden, BadRequest, Transient) as error:  # what is not moved stops nothing; the report says it is unknown
            return Behind(-1, 0, -1, f"{side.endpoint}/{side.bucket}: {error}")
    return Behind(versions, size, markers)


def _of_wave(page: Iterable[ListedVersion], category: Category, wave: Wave, cut: int) -> Iterator[ListedVersion]:
    partition = category.partition()
    return (each for each in page if partition.wave_of(each.key[cut:], each.size, each.last_modified) == wave.name)
