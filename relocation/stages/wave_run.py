"""A run of a wave under way: taken from the ledger, every step recorded before it begins, given back at the end."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from relocation.rules.brief import brief_of
from relocation.rules.errors import HikkoshiError, LeaseLost
from relocation.rules.plan import REMOVES, WRITES
from relocation.rules.records import Action, Lease, RunRecord, RunState
from relocation.rules.summary import Count, Summary
from relocation.settings import Wave
from relocation.stages.context import Context
from relocation.stages.draw import draw
from relocation.stages.draw_changed import draw_changed
from relocation.stages.held import held
from relocation.stages.only_failed import failed_in, last_run, only
from relocation.stages.plan import SealedPlan, document_sha256, load_plan, seal
from relocation.stages.second_listing import second_listing
from relocation.stages.shards import timestamp
from relocation.stages.shrink import refuse_if_shrunk, selection_sha256, sources_sha256
from relocation.stages.verify import left_to_verify
from relocation.stages.versions import draw_versions, moves_versions

Until = Literal["plan", "copy", "verify"]
Lanes = Callable[[str, str], Awaitable[None]]
"""Runs lanes of a stage (`copy` or `verify`) of a run, by its id, until every shard is sealed."""
Step = Callable[[Context, RunRecord], Awaitable[object]]
"""Opens or seals a stage of a run."""


@dataclass(frozen=True, slots=True)
class WaveRequest:
    """Which wave of which category, and how far. `only_failed`: just what failed in the last run."""

    category: str
    wave: str
    until: Until = "verify"
    only_failed: bool = False


@dataclass(slots=True)
class WaveRun:
    """A run under way, with the wave's lease: every step of it is recorded before it begins."""

    context: Context
    lease: Lease
    run: RunRecord

    async def save(self, **changes: str) -> None:
        self.run = replace(self.run, **changes)
        await self.context.ledger.update_run(self.lease, self.run)

    async def plan(self, wave: Wave, *, only_failed: bool = False, changed: Path | None = None) -> None:
        await self.save(stage="plan")
        if changed is not None:
            plan = await _sealed_of_changes(self.context, self.run, wave, changed)
        else:
            plan = await draw_and_seal(self.context, self.run, wave, only_failed=only_failed)
        await self.save(plan_sha256=plan.root, document=document_sha256(plan))

    async def stage(self, name: str, open_: Step, lanes: Lanes, seal_: Step) -> None:
        await self.save(stage=name)
        plan = await load_plan(self.context, self.run)
        to_do = await self._to_do(name, plan)
        self.context.progress.stage(name, objects=to_do.objects, bytes_=to_do.bytes)
        await open_(self.context, self.run)
        await lanes(name, self.run.id)
        await seal_(self.context, self.run)

    async def _to_do(self, name: str, plan: SealedPlan) -> Count:
        if name == "copy":
            return plan.expects(WRITES)
        if name == REMOVES:
            return plan.removals
        if name == "look":
            return plan.expects((Action.KEEP,))
        return await left_to_verify(self.context, self.run, plan)

    @property
    def _selection(self) -> str:
        return selection_sha256(self.context.settings, self.run.category)

    async def pause(self, summary: Summary) -> Summary:
        """Report, and leave the run open: the next `run` goes on with it."""
        self.context.progress.stage("report")
        summary = await self.context.reports.publish(summary)
        self.run = replace(self.run, report=summary.report, summary=brief_of(summary, self._selection).text())
        return summary

    async def finish(self, summarised: Callable[[RunRecord], Awaitable[Summary]]) -> Summary:
        self.context.progress.stage("report")
        run = replace(self.run, finished_at=timestamp(self.context))
        summary = await self.context.reports.publish(await summarised(run))
        self.run = replace(run, state=RunState.DONE, report=summary.report, summary=brief_of(summary, self._selection).text())
        return summary


@asynccontextmanager
async def taken(context: Context, run: RunRecord) -> AsyncIterator[WaveRun]:
    """Take the wave for a run and give it back at the end; what stopped the run is recorded, and it stays open."""
    run, lease = await context.ledger.open_run(run, lease_s=context.settings.transfer.lease_s)
    wave_run = WaveRun(context, lease, run)
    try:
        async with held(context, lease):
            yield wave_run
    except HikkoshiError as error:
        wave_run.run = replace(wave_run.run, message=str(error))
        raise
    finally:
        if isinstance(sys.exception(), LeaseLost):
            pass  # the wave is with somebody else now; its record is theirs
        else:
            await context.ledger.close_run(lease, wave_run.run)


async def draw_and_seal(context: Context, run: RunRecord, wave: Wave, *, only_failed: bool = False) -> SealedPlan:
    context.progress.stage("plan")
    last = await last_run(context, run.category, wave.name) if only_failed else None
    drawn = await (draw_versions if moves_versions(context, run.category) else draw)(context, run.category, wave)
    await refuse_if_shrunk(context, run, drawn)
    seen_again = ""
    if last is None:
        category = context.settings.category_named(run.category)
        seen_again = await second_listing(context, run, category, wave, source=drawn.source, behind=drawn.behind)
    else:
        drawn = only(drawn, await failed_in(context, last))
    plan = await seal(
        context,
        run.id,
        run.category,
        wave,
        drawn,
        only_failed_of=last.id if last else "",
        selection_sha256=selection_sha256(context.settings, run.category),
        sources_sha256=sources_sha256(context.settings, run.category),
        second_listing=seen_again,
    )
    await context.ledger.audit("plan.sealed", f"{run.category}/{run.wave}/{run.id}", plan.root, run.who)
    return plan


async def _sealed_of_changes(context: Context, run: RunRecord, wave: Wave, feed: Path) -> SealedPlan:
    """Plan what a feed of changes names, and nothing else; it is no measure of how much the source shows."""
    context.progress.stage("plan")
    drawn = await draw_changed(context, run.category, wave, feed)
    plan = await seal(context, run.id, run.category, wave, drawn, selection_sha256=selection_sha256(context.settings, run.category))
    await context.ledger.audit("plan.sealed", f"{run.category}/{run.wave}/{run.id}", plan.root, run.who)
    return plan


def new_run(context: Context, request: WaveRequest, kind: str) -> RunRecord:
    return RunRecord(
        id=f"{datetime.fromtimestamp(context.clock.now(), UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
        category=request.category,
        wave=request.wave,
        kind=kind,
        config_sha256=context.settings.config_sha256(),
        started_at=timestamp(context),
        who=context.who,
        host=context.host,
        version=context.version,
        until=request.until,
    )
