"""Uploads that a run began and nobody goes on with: a new run of the wave aborts them before it plans.

Whoever calls this holds the wave, so an upload that an intent of one of its keys names belongs to a run that is over.
"""

from __future__ import annotations

import contextlib

from relocation.rules.errors import NotFound
from relocation.rules.waves import belongs
from relocation.settings import Category, Wave
from relocation.stages.context import Context
from relocation.transfer.retry import Patience, Tries


async def abort_orphans(context: Context, category_name: str, wave: Wave) -> int:
    """Abort the uploads that open intents of this wave's keys name; return how many they name."""
    category = context.settings.category_named(category_name)
    limits = context.settings.transfer
    count = 0
    for intent in await context.ledger.open_intents(category_name):
        endpoint = _endpoint_of(category, wave, intent.target_bucket, intent.target_key)
        if not intent.upload_id or not endpoint:
            continue
        store = context.stores.of(endpoint, "writer")
        tries = Tries(Patience(limits.attempts_max, limits.unreachable_s), context.clock)
        with contextlib.suppress(NotFound):  # completed or aborted before
            await tries.run(lambda: store.abort_upload(intent.target_bucket, intent.target_key, intent.upload_id))  # noqa: B023
        count += 1
    return count


def _endpoint_of(category: Category, wave: Wave, bucket: str, key: str) -> str:
    """Return the target endpoint of the wave's move that the key belongs to, empty for none."""
    for move in category.moves:
        side = move.target
        if (
            side.bucket == bucket
            and key.startswith(side.prefix)
            and belongs(wave.name, category.all_waves(), key[len(side.prefix) :])
        ):
            return side.endpoint
    return ""
