"""The flow `verify-only`: read a wave back and hash it again, whoever copied it. It writes to neither side."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.conduct import conduct, run_name
from relocation.stages.wave import WaveRequest, verify_wave


@flow(name="verify-only", flow_run_name=run_name("verify"), persist_result=False, retries=0)
async def verify_only(category: str, wave: str) -> State[None]:
    """Prove what is at the target, without the stages that write."""
    return await conduct(verify_wave, WaveRequest(category, wave), kind="verify")
