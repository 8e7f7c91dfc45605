"""What a run leaves in Prefect to look at: its report in Markdown. Best effort: none of it may fail a run, or
hold it up for long."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate

from connectors.report.markdown import as_markdown
from connectors.report.verdict import verdict_of
from relocation.rules.summary import Summary

REPORT_TIMEOUT_S = 20.0
TITLES = {"plan": "Dry run of", "run": "Report on", "verify": "Verification of", "catch_up": "Catch-up of"}
KEYS = {"plan": "dry-run", "run": "report", "verify": "verification", "catch_up": "catch-up"}

Log = logging.Logger | logging.LoggerAdapter[Any]


def report_key(kind: str, category: str, wave: str) -> str:
    """Return the artifact's key (`report-talk-images-first`); later runs of the wave add versions to it."""
    return f"{KEYS[kind]}-{category}-{wave}"


async def show_report(summary: Summary, log: Log) -> None:
    """Leave the report as an artifact, or say where it lies if Prefect does not take it."""
    title = f"{TITLES[summary.kind]} {summary.category}, wave {summary.wave}: {verdict_of(summary).text.in_('en')}"
    key = report_key(summary.kind, summary.category, summary.wave or "all")
    await show_page(Page(key, title, as_markdown(summary), summary.report), log)


@dataclass(frozen=True, slots=True)
class Page:
    """What is left as an artifact: its key and title, the Markdown, and where the page itself lies."""

    key: str
    title: str
    markdown: str
    lies_at: str


async def show_page(page: Page, log: Log) -> None:
    """Leave a page as an artifact, or say where it lies if Prefect does not take it."""
    flow_run_id = runtime.flow_run.id
    artifact = ArtifactCreate(
        key=page.key,
        type="markdown",
        description=page.title.replace("\u00a0", " "),
        data=page.markdown,
        flow_run_id=UUID(flow_run_id) if flow_run_id else None,
    )
    if await done_in_time(lambda: create(artifact), timeout_s=REPORT_TIMEOUT_S):
        log.info("report page: %s", page.lies_at)
    else:
        log.warning("Prefect did not take the report as an artifact; the page is there all the same: %s", page.lies_at)


def create(artifact: ArtifactCreate) -> UUID:
    """Create an artifact now, in this thread."""
    with get_client(sync_client=True) as client:
        return client.create_artifact(artifact).id


async def done_in_time(call: Callable[[], object], *, timeout_s: float) -> bool:
    """Make a blocking call in a thread that may be left behind; return whether it came back in time without an error."""
    done: concurrent.futures.Future[None] = concurrent.futures.Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever Prefect raises: what people look at is never worth a wave
            done.set_exception(error)
        else:
            done.set_result(None)

    # Not `to_thread`: the process would wait for its threads before it ends.
    threading.Thread(target=run, name="hikkoshi-artifact", daemon=True).start()
    waited = asyncio.wrap_future(done)
    await asyncio.wait({waited}, timeout=timeout_s)
    return waited.done() and waited.exception() is None
