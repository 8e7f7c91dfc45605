"""The flow `catch-up`: bring level, pass after pass, what changed at the source; behind a write fence only where that is chosen."""

from __future__ import annotations

from functools import partial

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conduct import conduct, run_name
from relocation.rules.summary import Summary
from relocation.stages.catch_up import PASSES_MAX, CatchUpRequest
from relocation.stages.catch_up import catch_up as bring_level
from relocation.stages.context import Context
from relocation.stages.fence import FenceRequest, fenced
from relocation.stages.wave import Lanes, WaveRequest


@flow(name="catch-up", flow_run_name=run_name("catch up"), persist_result=False, retries=0)
async def catch_up(
    category: str, wave: str, fence: bool = False, passes_max: int = PASSES_MAX, until_objects: int = 0
) -> State[None]:
    """Make passes until little differs; with `fence`, one more while the application may not write."""

    async def passes(context: Context, request: WaveRequest, lanes: Lanes) -> Summary:
        order = CatchUpRequest(request.category, request.wave, passes_max, until_objects)
        behind = partial(fenced, context, FenceRequest(request.category, request.wave)) if fence else None
        return await bring_level(context, order, lanes, fenced=behind)

    return await conduct(passes, WaveRequest(category, wave), kind="catch_up")
