"""Ask what a listing shows of single keys, without going through it."""

from __future__ import annotations

from functools import partial

from relocation.ports import Store
from relocation.rules.enumeration import before
from relocation.rules.objects import Listed
from relocation.rules.records import InventoryRow
from relocation.settings import Side
from relocation.stages.context import Context

AFTER_KEYS = 10
"""Keys asked for where one is looked for in the listing: it comes first, or it is not there."""


async def listed_as(context: Context, store: Store, side: Side, key: str) -> Listed | None:
    """Return what the listing shows of a key now; None where it does not show it.

    Asked for what follows right before it, since some stores list a key that they hide as soon as it is the prefix.
    """
    start, token = before(key), ""
    while True:
        ask = partial(
            store.list_objects, side.bucket, prefix=side.prefix, start_after=start, token=token, page_keys=AFTER_KEYS
        )  # fmt: skip
        page = await context.tries().run(ask)
        found = next((listed for listed in page.items if listed.key == key), None)
        if found is not None or not page.next_token or page.next_token == token or (page.items and page.items[-1].key > key):
            return found
        token = page.next_token


def inventory_row(move: int, bucket: str, listed: Listed) -> InventoryRow:
    """Return a listing's line as an inventory has it."""
    return InventoryRow(move, bucket, listed.key, listed.size, listed.etag, listed.last_modified, listed.storage_class)
