"""A wave from beginning to end: a dry run, a run, a verification. Each ends with a summary, published as a report.

Guarantees: one run of a wave at a time (`WaveBusy` else); a run always takes a new inventory and seals a new plan, except that one
that was cut off goes on with its own; whatever stops it is recorded, and it can be gone on with.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from relocation.rules.brief import brief_of
from relocation.rules.errors import HikkoshiError, LeaseLost
from relocation.rules.objects import Place
from relocation.rules.plan import known
from relocation.rules.records import Fact, InventoryRow, Lease, RunRecord, RunState
from relocation.rules.summary import Summary
from relocation.settings import Wave
from relocation.stages.context import Context
from relocation.stages.copy import copy_lane, open_copy, seal_copy
from relocation.stages.held import held
from relocation.stages.inventory import inventory, of_wave
from relocation.stages.plan import SealedPlan, document_of, draw, facts_of, load_plan, rows_of, seal
from relocation.stages.probe import probe_if_stale, refuse_same_bucket
from relocation.stages.shards import timestamp
from relocation.stages.summarise import Material, summarise
from relocation.stages.verify import open_verify, seal_verify, verify_lane

Until = Literal["plan", "copy", "verify"]
Lanes = Callable[[str, str], Awaitable[None]]
"""Runs lanes of a stage (`copy` or `verify`) of a run, by its id, until every shard is sealed."""


@dataclass(frozen=True, slots=True)
class WaveRequest:
    """Which wave of which category, and how far."""

    category: str
    wave: str
    until: Until = "verify"


async def lanes_here(context: Context, stage: str, run_id: str) -> None:
    """Run one lane in this process: the whole crew works on one shard after another."""
    await {"copy": copy_lane, "verify": verify_lane}[stage](context, run_id)


async def dry_run(context: Context, request: WaveRequest) -> Summary:
    """Plan a wave and report on it. Writes nothing to source or target, and asks them nothing that a reader may not."""
    wave = _wave(context, request)
    run = replace(_new_run(context, request, "plan"), stage="plan")
    await context.ledger.record_dry_run(run)
    plan, target = await _draw_and_seal(context, run, wave)
    run = replace(run, plan_sha256=plan.root, document=document_of(run.id), state=RunState.DONE, finished_at=timestamp(context))
    summary = await context.reports.publish(await _planned(context, run, target))
    await context.ledger.record_dry_run(replace(run, report=summary.report, summary=brief_of(summary).text()))
    return summary


async def run_wave(context: Context, request: WaveRequest, lanes: Lanes | None = None) -> Summary:
    """Bring a wave home as far as `until`: probe if stale, plan or go on, copy, verify, report."""
    wave = _wave(context, request)
    work = lanes or partial(lanes_here, context)
    unfinished = await context.ledger.unfinished_run(request.category, request.wave, context.settings.config_sha256())
    run = unfinished or _new_run(context, request, "run")
    async with _taken(context, run) as wave_run:
        await _probe(context, request.category)
        if not wave_run.run.plan_sha256:
            await wave_run.plan(wave)
        if request.until == "plan":
            return await wave_run.pause(await _planned(context, wave_run.run, ()))
        await wave_run.stage("copy", open_copy, work, seal_copy)
        if request.until == "copy":
            return await wave_run.pause(await _worked(context, wave_run.run))
        await wave_run.stage("verify", open_verify, work, seal_verify)
        return await wave_run.finish(lambda run: _worked(context, run, wave=wave))


async def verify_wave(context: Context, request: WaveRequest, lanes: Lanes | None = None) -> Summary:
    """Verify a wave alone, whoever copied it: a plan is drawn, and every object that it finds is read back or proved."""
    wave = _wave(context, request)
    async with _taken(context, _new_run(context, request, "verify")) as wave_run:
        await wave_run.plan(wave)
        await wave_run.stage("verify", open_verify, lanes or partial(lanes_here, context), seal_verify)
        return await wave_run.finish(lambda run: _worked(context, run, wave=wave))


@dataclass(slots=True)
class _WaveRun:
    """A run under way, with the wave's lease: every step of it is recorded before it begins."""

    context: Context
    lease: Lease
    run: RunRecord

    async def save(self, **changes: str) -> None:
        self.run = replace(self.run, **changes)
        await self.context.ledger.update_run(self.lease, self.run)

    async def plan(self, wave: Wave) -> None:
        await self.save(stage="plan")
        plan, _ = await _draw_and_seal(self.context, self.run, wave)
        await self.save(plan_sha256=plan.root, document=document_of(self.run.id))

    async def stage(self, name: str, open_: Step, lanes: Lanes, seal_: Step) -> None:
        await self.save(stage=name)
        plan = await load_plan(self.context, self.run.id)
        self.context.progress.stage(
            name, objects=sum(shard.objects for shard in plan.shards), bytes_=sum(shard.bytes for shard in plan.shards)
        )
        await open_(self.context, self.run)
        await lanes(name, self.run.id)
        await seal_(self.context, self.run)

    async def pause(self, summary: Summary) -> Summary:
        """Report, and leave the run open: the next `run` goes on with it."""
        summary = await self.context.reports.publish(summary)
        self.run = replace(self.run, report=summary.report, summary=brief_of(summary).text())
        return summary

    async def finish(self, summarised: Callable[[RunRecord], Awaitable[Summary]]) -> Summary:
        run = replace(self.run, finished_at=timestamp(self.context))
        summary = await self.context.reports.publish(await summarised(run))
        self.run = replace(run, state=RunState.DONE, report=summary.report, summary=brief_of(summary).text())
        return summary


Step = Callable[[Context, RunRecord], Awaitable[object]]


@asynccontextmanager
async def _taken(context: Context, run: RunRecord) -> AsyncIterator[_WaveRun]:
    """Take the wave for a run and give it back at the end; what stopped the run is recorded, and it stays open."""
    run, lease = await context.ledger.open_run(run, lease_s=context.settings.transfer.lease_s)
    wave_run = _WaveRun(context, lease, run)
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


def _new_run(context: Context, request: WaveRequest, kind: str) -> RunRecord:
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
    )


def _wave(context: Context, request: WaveRequest) -> Wave:
    return context.settings.waves_of(request.category, request.wave)[0]


async def _probe(context: Context, category_name: str) -> None:
    """Probe the vault and every bucket of the moves, unless young answers are there. Refuses a bucket moved onto itself."""
    vault = context.settings.vault
    await probe_if_stale(context, Place(vault.endpoint, vault.bucket), "vault")
    for move in context.settings.category_named(category_name).moves:
        source, target = Place(move.source.endpoint, move.source.bucket), Place(move.target.endpoint, move.target.bucket)
        before = await context.ledger.last_probe(target.endpoint, target.bucket)
        await probe_if_stale(context, source, "source")
        if await probe_if_stale(context, target, "target") != before:
            await refuse_same_bucket(context, source, target)


async def _draw_and_seal(context: Context, run: RunRecord, wave: Wave) -> tuple[SealedPlan, tuple[InventoryRow, ...]]:
    context.progress.stage("plan")
    drawn = await draw(context, run.category, wave)
    plan = await seal(context, run.id, run.category, wave, drawn)
    await context.ledger.audit("plan.sealed", f"{run.category}/{run.wave}/{run.id}", plan.root, run.who)
    return plan, drawn.target


async def _planned(context: Context, run: RunRecord, target: Sequence[InventoryRow]) -> Summary:
    plan = await load_plan(context, run.id)
    rows = [row for shard in plan.shards for row in await rows_of(context, shard)]
    return await summarise(context, Material(run, plan, rows, await rows_of(context, plan.left_over), target=target))


async def _worked(context: Context, run: RunRecord, *, wave: Wave | None = None) -> Summary:
    """Summarise from the vault: the plan's rows and the sealed facts of this run. With `wave`, the target is listed once more."""
    plan = await load_plan(context, run.id)
    rows = [row for shard in plan.shards for row in await rows_of(context, shard)]
    facts: list[Fact] = []
    segments = await context.ledger.segments(run_id=run.id)
    for segment in sorted(segments, key=lambda each: ("copy", "verify").index(each.stage)):
        if segment.objects:
            facts += context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact)
    material = Material(run, plan, rows, await rows_of(context, plan.left_over), facts)
    if wave is not None:
        category = context.settings.category_named(run.category)
        target = of_wave(await inventory(context, category, "target"), category, wave, "target")
        standing = known(await facts_of(context, run.category), ())
        material = replace(material, target=target, standing=standing, verified=True)
    return await summarise(context, material)
