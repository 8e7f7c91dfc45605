"""What the ledger says of a wave's route, as the plan needs it. Reads only."""

from __future__ import annotations

from relocation.rules.routes import Standing, standing_route
from relocation.stages.context import Context


async def route_of(context: Context, category_name: str, wave: str) -> Standing:
    """Return where a wave's readers and writers go, and whether its source may lack what we ourselves erased."""
    category = context.settings.category_named(category_name)
    return standing_route(await context.ledger.routes(category_name), wave, partition_sha256=category.partition_sha256())
