"""The flow `catch-up`: bring level, pass after pass, what changed at the source; behind a write fence only where that is chosen."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conduct import conduct, run_name
from relocation.rules.errors import Refusal
from relocation.rules.keys import shown
from relocation.rules.summary import Summary
from relocation.stages.catch_up import PASSES_MAX, CatchUpRequest
from relocation.stages.catch_up import catch_up as bring_level
from relocation.stages.context import Context
from relocation.stages.fence import FenceRequest, fenced
from relocation.stages.wave import Lanes, WaveRequest


@flow(name="catch-up", flow_run_name=run_name("catch up"), persist_result=False, retries=0)
async def catch_up(
    category: str, wave: str, *, fence: bool = False, passes_max: int = PASSES_MAX, until_objects: int = 0, changed: str = ""
) -> State[None]:
    """Make passes until little differs; with `fence`, one more while the application may not write.

    `changed` names a feed of changes beside the configuration: the first pass asks for its keys alone.
    """

    async def passes(context: Context, request: WaveRequest, lanes: Lanes) -> Summary:
        feed = feed_beside(context.settings.file, changed)
        order = CatchUpRequest(request.category, request.wave, passes_max, until_objects, feed)
        behind = partial(fenced, context, FenceRequest(request.category, request.wave)) if fence else None
        return await bring_level(context, order, lanes, fenced=behind)

    return await conduct(passes, WaveRequest(category, wave), kind="catch_up")


def feed_beside(configuration: Path, name: str) -> Path | None:
    """Return the feed of changes that a form names, None where it names none.

    It lies in the configuration's folder or below it: a form in a browser makes the worker open nothing else. Raises Refusal.
    """
    if not name.strip():
        return None
    folder = configuration.parent.resolve()
    feed = (folder / name.strip()).resolve()
    if not feed.is_relative_to(folder):
        raise Refusal(
            f"the feed of changes {shown(name)} lies outside of the configuration's folder: put it there, name it from there"
        )
    return feed
