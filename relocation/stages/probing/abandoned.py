"""Canaries that a probe left behind when it was killed: the next probe of the bucket takes them away.

Guarantees: nothing that a probe can't have written is touched, and nothing younger than an hour: a probe may be under way.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

from relocation.ports import Store
from relocation.rules.errors import BadRequest, NotFound
from relocation.rules.keys import CANARY_PREFIX, is_canary

ABANDONED_S = 3600.0


async def remove_abandoned(store: Store, bucket: str, *, store_now: float) -> int:
    """Remove every old canary with all its versions, and every old upload of one; return how many there were.

    What a probe can't have named lies below the prefix all the same: it is somebody's, and stays.
    """
    before = datetime.fromtimestamp(store_now - ABANDONED_S, UTC)
    removed = 0
    for prefix in (CANARY_PREFIX, f"/{CANARY_PREFIX}"):
        with contextlib.suppress(BadRequest):  # a prefix that the store refuses holds nothing
            removed += await _remove_versions(store, bucket, prefix, before)
    return removed + await _abort_uploads(store, bucket, before)


async def _remove_versions(store: Store, bucket: str, prefix: str, before: datetime) -> int:
    old, token = [], ""
    while True:
        page = await store.list_versions(bucket, prefix=prefix, token=token)
        old += [item for item in page.items if is_canary(item.key) and datetime.fromisoformat(item.last_modified) < before]
        if not (token := page.next_token):
            break
    for item in old:
        with contextlib.suppress(NotFound):
            await store.delete(bucket, item.key, version_id=item.version_id)
    return len(old)


async def _abort_uploads(store: Store, bucket: str, before: datetime) -> int:
    old, token = [], ""
    while True:
        page = await store.list_uploads(bucket, token=token)
        old += [item for item in page.items if is_canary(item.key) and datetime.fromisoformat(item.initiated) < before]
        if not (token := page.next_token):
            break
    for item in old:
        with contextlib.suppress(NotFound):
            await store.abort_upload(bucket, item.key, item.upload_id)
    return len(old)
