"""Uploads that a run began and nobody goes on with: a new run of the wave aborts them before it plans.

Whoever calls this holds the wave, so an upload of a run of it belongs to a run that is over. What a wave began that the
configuration no longer names is cleared away by the wave that takes the rest.
"""

from __future__ import annotations

import contextlib

from relocation.rules.errors import NotFound
from relocation.rules.records import OpenUpload
from relocation.settings import Category, Wave
from relocation.stages.context import Context
from relocation.transfer.retry import Patience, Tries


async def abort_orphans(context: Context, category_name: str, wave: Wave) -> int:
    """Abort the uploads that open intents of this wave's runs name; return how many they name."""
    category = context.settings.category_named(category_name)
    limits = context.settings.transfer
    count = 0
    for upload in await context.ledger.open_uploads(category_name):
        endpoint = _endpoint_of(category, upload)
        if not endpoint or not _is_of(upload, category, wave):
            continue
        store = context.stores.of(endpoint, "writer")
        tries = Tries(Patience(limits.attempts_max, limits.unreachable_s), context.clock)
        with contextlib.suppress(NotFound):  # completed or aborted before
            await tries.run(lambda: store.abort_upload(upload.target_bucket, upload.target_key, upload.upload_id))  # noqa: B023
        count += 1
    return count


def _is_of(upload: OpenUpload, category: Category, wave: Wave) -> bool:
    selectors = {each.name: each for each in category.selectors()}
    return upload.wave == wave.name or (upload.wave not in selectors and selectors[wave.name].is_rest)


def _endpoint_of(category: Category, upload: OpenUpload) -> str:
    """Return the target endpoint of the move that an upload belongs to, empty for none."""
    sides = (move.target for move in category.moves)
    here = (side.endpoint for side in sides if side.bucket == upload.target_bucket and upload.target_key.startswith(side.prefix))
    return next(here, "")
