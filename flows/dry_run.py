"""The flow `dry-run`: what would a wave do? It lists both sides, draws and seals a plan, and reports. It writes to neither side."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conduct import conduct, run_name
from relocation.rules.summary import Summary
from relocation.stages.context import Context
from relocation.stages.wave import Lanes, WaveRequest
from relocation.stages.wave import dry_run as plan_wave


@flow(name="dry-run", flow_run_name=run_name("dry run"), persist_result=False, retries=0)
async def dry_run(category: str, wave: str) -> State[None]:
    """Plan a wave and report what it would do."""
    return await conduct(plan_only, WaveRequest(category, wave, until="plan"), kind="plan")


async def plan_only(context: Context, request: WaveRequest, lanes: Lanes) -> Summary:  # noqa: ARG001 - a plan needs no lanes
    """Plan, as a stage of a flow."""
    return await plan_wave(context, request)
