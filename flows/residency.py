"""The flow `residency`: which country holds what today, as a page of its run. Asks the ledger alone."""

from __future__ import annotations

import asyncio

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from connectors.report.residency import verdict
from connectors.report.residency_files import write
from connectors.report.residency_markdown import as_markdown
from connectors.residency import state_of
from flows.artifacts import Page, show_page
from flows.conduct import settings
from relocation.rules.errors import HikkoshiError


@flow(name="residency", flow_run_name="residency report", persist_result=False, retries=0)
async def residency() -> State[None]:
    """Write the residency report, and leave it as an artifact."""
    try:
        migration = settings(credentials=False)
        state = await asyncio.to_thread(lambda: asyncio.run(state_of(migration)))
        page = write(state, migration.state_dir / "reports" / "residency")
    except HikkoshiError as error:
        return Failed(message=str(error))
    told = verdict(state)
    title = f"Residency of {migration.migration}: {told.text.in_('en')}"
    await show_page(Page(f"residency-{migration.migration}", title, as_markdown(state), str(page)), get_run_logger())
    points = "; ".join(point.text.in_("en") for point in told.points)
    return Completed(message=f"{told.text.in_('en')} {points}. Report: {page}".replace("\u00a0", " "))
