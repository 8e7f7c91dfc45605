"""The flow `wave`: inventory, plan, copy, verify, report. A dry run unless told otherwise; a run cut short is gone on with."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conduct import conduct, run_name
from flows.dry_run import plan_only
from relocation.stages.wave import WaveRequest, run_wave


# No retries: the ledger knows where to go on, and a person what to change before.
@flow(name="wave", flow_run_name=run_name("move"), persist_result=False, retries=0)
async def wave(category: str, wave: str, dry_run: bool = True) -> State[None]:
    """Bring a wave home and prove it; with `dry_run`, only plan it."""
    if dry_run:
        return await conduct(plan_only, WaveRequest(category, wave, until="plan"), kind="plan")
    return await conduct(run_wave, WaveRequest(category, wave), kind="run")
