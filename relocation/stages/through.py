"""Go through one listing for what does not depend on its order, in as many ranges at once as the distance asks for.

Guarantees: what is returned has seen every line once, canaries left out. Where ranges don't add up, it is begun anew, in one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from relocation.stages.context import Context
from relocation.stages.pages import Apart, Shown, Walk
from relocation.stages.ranges import RANGES_MAX, Ranges

Sums = TypeVar("Sums", bound=Callable[[Any], None])
"""Takes page after page, in any order."""


async def go_through(
    context: Context, endpoint: str, new_walk: Callable[..., Walk[Shown]], begin: Callable[[], Sums]
) -> Sums:  # fmt: skip
    """Return what `begin` makes, once it took every page."""
    try:
        return await _through(context, endpoint, new_walk, begin(), ranges_max=RANGES_MAX)
    except Apart as why:
        context.progress.note("listing.apart", why=str(why))
        return await _through(context, endpoint, new_walk, begin(), ranges_max=1)


async def _through(
    context: Context, endpoint: str, new_walk: Callable[..., Walk[Shown]], sums: Sums, *, ranges_max: int
) -> Sums:  # fmt: skip
    def take(page: Sequence[Shown], _ordered: bool) -> None:
        sums(page)

    await Ranges(context, new_walk, lambda: take, partial(context.stores.at_once, endpoint)).run(ranges_max)
    return sums
