"""What the flows of a wave have in common: read the configuration, build the outside, do the stages, show what came of it.

Guarantees: the configuration is the file that `HIKKOSHI_CONFIG` names, never a parameter; the stages run with one lane a task, the
first in a thread of its own, each other (`transfer.processes`) in a process of its own; whatever stops them ends the run with a
sentence that says what to do, and the ledger knows where to go on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State

from connectors.assemble import assembled, settings_from
from connectors.begins import Begins
from connectors.configuration.reader import find, read
from connectors.private_process import leave_nothing_behind
from connectors.processes.share import count_of, share_of
from connectors.report.verdict import verdict_of
from flows.apart import apart
from flows.artifacts import show_report
from flows.endings import ended, stopped
from flows.lanes import LaneTasks
from flows.watching import ArtifactBoard, Watching, watched
from relocation.rules.errors import HikkoshiError
from relocation.rules.summary import Summary
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.wave import Lanes, WaveRequest

SETTLE_S = 10.0

Stages = Callable[[Context, WaveRequest, Lanes], Awaitable[Summary]]


async def conduct(stages: Stages, request: WaveRequest, *, kind: str) -> State[None]:
    """Do the stages for one wave and return the state in which the run ends.

    `kind` is `plan`, `run`, `verify` or `catch_up`.
    """
    leave_nothing_behind()
    log = get_run_logger()
    log.info("category %s, wave %s", request.category, request.wave)
    watching = Watching(log)
    lane_tasks = LaneTasks(asyncio.get_running_loop())

    async def work() -> Summary:
        begins = Begins(kind, request.category, (request.wave,))
        migration = settings()
        processes = count_of(migration)
        async with assembled(share_of(migration, processes), os.environ, watching, who=_who(), begins=begins) as context:
            return await stages(context, request, lane_tasks.of(context, processes))

    try:
        with watched(watching, ArtifactBoard(f"progress-{request.category}-{request.wave}"), log):
            summary = await apart(work)
            watching.finish(verdict_of(summary).text.in_("en"))
    except HikkoshiError as error:
        await lane_tasks.settle(SETTLE_S)
        return stopped(error, kind=kind)
    await lane_tasks.settle(SETTLE_S)
    await show_report(summary, log)
    return ended(summary)


def settings(*, credentials: bool = True) -> Migration:
    """Return the configuration that `HIKKOSHI_CONFIG` names, with `credentials` those that it refers to looked at too.

    Raises ConfigurationError with every problem.
    """
    file = find(None, os.environ, Path.cwd())
    return settings_from(file, os.environ) if credentials else read(file, os.environ)


def _who() -> str:
    """Return what the ledger records as who ran it: Prefect knows no users, only runs."""
    return f"prefect flow run {runtime.flow_run.id}"


def run_name(verb: str) -> Callable[[], str]:
    """Return a flow's namer of runs: `talk-images, wave first: dry run`."""

    def named() -> str:
        given = runtime.flow_run.parameters
        what = "dry run" if given.get("dry_run") else f"{verb} behind a write fence" if given.get("fence") else verb
        return f"{given.get('category')}, wave {given.get('wave')}: {what}"

    return named
