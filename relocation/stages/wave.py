"""A wave from beginning to end: a dry run, a run, a verification. Each ends with a summary, published as a report.

Guarantees: one run of a wave at a time (`WaveBusy` else); a run always takes a new inventory and seals a new plan, except that one
that was cut off goes on with its own; whatever stops it is recorded, and it can be gone on with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from relocation.rules.brief import brief_of
from relocation.rules.capabilities import vault_guard
from relocation.rules.errors import HikkoshiError, Refusal
from relocation.rules.objects import Place
from relocation.rules.plan import REMOVES, WRITES
from relocation.rules.records import RunRecord, RunState
from relocation.rules.summary import Summary
from relocation.settings import Wave
from relocation.stages.context import Context
from relocation.stages.copy import copy_lane, open_copy, seal_copy
from relocation.stages.look import look_lane, open_look, seal_look
from relocation.stages.orphans import abort_orphans
from relocation.stages.parity import refuse_what_would_act_on_arrivals
from relocation.stages.plan import SealedPlan, document_sha256, load_plan
from relocation.stages.probe import probe_if_stale, refuse_same_bucket
from relocation.stages.remove import open_remove, remove_lane, seal_remove
from relocation.stages.run_parts import parts_of, with_target_listed, with_versions_listed
from relocation.stages.shards import timestamp
from relocation.stages.shrink import selection_sha256
from relocation.stages.since_last import since_last
from relocation.stages.summarise import Material, summarise
from relocation.stages.verify import open_verify, seal_verify, verify_lane
from relocation.stages.versions import moves_versions
from relocation.stages.wave_run import Lanes, WaveRequest, draw_and_seal, new_run, taken

__all__ = ["Lanes", "WaveRequest", "catch_up_pass", "dry_run", "lanes_here", "run_wave", "verify_wave"]


IsLast = Callable[[SealedPlan], bool]
LANES = {"copy": copy_lane, "verify": verify_lane, REMOVES: remove_lane, "look": look_lane}


async def lanes_here(context: Context, stage: str, run_id: str) -> None:
    """Run one lane in this process: the whole crew works on one shard after another."""
    await LANES[stage](context, run_id)


async def dry_run(context: Context, request: WaveRequest) -> Summary:
    """Plan a wave and report on it. Writes nothing to source or target, and asks them nothing that a reader may not."""
    wave = _wave(context, request)
    run = replace(new_run(context, request, "plan"), stage="plan")
    await context.ledger.record_dry_run(run)
    try:
        await refuse_what_would_act_on_arrivals(context, request.category)
        plan = await draw_and_seal(context, run, wave)
    except HikkoshiError as error:
        stopped = replace(run, state=RunState.FAILED, finished_at=timestamp(context), message=str(error))
        await context.ledger.record_dry_run(stopped)
        raise
    run = replace(run, plan_sha256=plan.root, document=document_sha256(plan), state=RunState.DONE, finished_at=timestamp(context))
    summary = await context.reports.publish(await _planned(context, run))
    brief = brief_of(summary, selection_sha256(context.settings, run.category))
    await context.ledger.record_dry_run(replace(run, report=summary.report, summary=brief.text()))
    return summary


async def run_wave(context: Context, request: WaveRequest, lanes: Lanes | None = None) -> Summary:
    """Bring a wave home as far as `until`: probe if stale, plan or go on, copy, verify, report."""
    wave = _wave(context, request)
    work = lanes or partial(lanes_here, context)
    run = await _unfinished(context, request) or new_run(context, request, "run")
    async with taken(context, run) as wave_run:
        await wave_run.save(until=request.until)
        await _probe(context, request.category)
        await refuse_what_would_act_on_arrivals(context, request.category)
        if not wave_run.run.plan_sha256:
            await abort_orphans(context, request.category, wave)
            await wave_run.plan(wave, only_failed=request.only_failed)
        if request.until == "plan":
            return await wave_run.pause(await _planned(context, wave_run.run))
        await wave_run.stage("copy", open_copy, work, seal_copy)
        if request.until == "copy":
            return await wave_run.pause(await _worked(context, wave_run.run))
        await wave_run.stage("verify", open_verify, work, seal_verify)
        return await wave_run.finish(lambda run: _worked(context, run, wave=wave))


async def verify_wave(context: Context, request: WaveRequest, lanes: Lanes | None = None) -> Summary:
    """Verify a wave alone, whoever copied it: a plan is drawn, and every object that it finds is read back or proved."""
    wave = _wave(context, request)
    async with taken(context, new_run(context, request, "verify")) as wave_run:
        await wave_run.plan(wave)
        await wave_run.stage("verify", open_verify, lanes or partial(lanes_here, context), seal_verify)
        return await wave_run.finish(lambda run: _worked(context, run, wave=wave))


async def catch_up_pass(
    context: Context,
    request: WaveRequest,
    lanes: Lanes | None,
    *,
    is_last: IsLast,
    said: Callable[[Summary], Summary],
    changed: Path | None = None,
) -> Summary:
    """Bring level what differs now, and read nothing that does not: plan, copy with read-back, removals.

    Where `is_last` says so of the plan, metadata, tags and locks of all that is kept are looked at, too. `said` adds to the report.
    With `changed`, a feed of changes, nothing is listed, and the keys that it names are asked for one by one.
    """
    wave = _wave(context, request)
    here = partial(lanes_here, context)
    async with taken(context, new_run(context, request, "catch_up")) as wave_run:
        await _probe(context, request.category)
        await refuse_what_would_act_on_arrivals(context, request.category)
        await abort_orphans(context, request.category, wave)
        await wave_run.plan(wave, changed=changed)
        plan = await load_plan(context, wave_run.run)
        await wave_run.stage("copy", open_copy, lanes or here, seal_copy)
        if context.settings.transfer.settle_s and plan.expects(WRITES).objects:
            await wave_run.stage("verify", open_verify, lanes or here, seal_verify)
        await wave_run.stage(REMOVES, open_remove, here, seal_remove)
        if is_last(plan) and not moves_versions(context, request.category):
            await wave_run.stage("look", open_look, here, seal_look)

        async def summarised(run: RunRecord) -> Summary:
            return said(await _worked(context, run, wave=wave))

        return await wave_run.finish(summarised)


async def _unfinished(context: Context, request: WaveRequest) -> RunRecord | None:
    """Return the run that was cut off, if it may go on: with the same configuration, and a plan that the same rules made."""
    run = await context.ledger.unfinished_run(request.category, request.wave, context.settings.config_sha256())
    if run is None:
        return None
    plan = await load_plan(context, run)
    if plan.rules_sha256 != context.rules_sha256:
        return None
    if request.only_failed and not plan.only_failed_of:
        raise Refusal(f"run {run.id} of {run.category}/{run.wave} is not finished: go on with it first, without --only-failed")
    return run if request.only_failed or not plan.only_failed_of else None


def _wave(context: Context, request: WaveRequest) -> Wave:
    return context.settings.waves_of(request.category, request.wave)[0]


async def _probe(context: Context, category_name: str) -> None:
    """Probe the vault and every bucket of the moves, unless young answers are there. Refuses a bucket moved onto itself."""
    vault = context.settings.vault
    vault_guard(await probe_if_stale(context, Place(vault.endpoint, vault.bucket), "vault"))
    for move in context.settings.category_named(category_name).moves:
        source, target = Place(move.source.endpoint, move.source.bucket), Place(move.target.endpoint, move.target.bucket)
        await refuse_same_bucket(context, source, target)
        await probe_if_stale(context, source, "source")
        await probe_if_stale(context, target, "target")


async def _planned(context: Context, run: RunRecord) -> Summary:
    summary = await _worked(context, run)
    return replace(summary, since_last=await since_last(context, run, await load_plan(context, run)))


async def _worked(context: Context, run: RunRecord, *, wave: Wave | None = None) -> Summary:
    """Summarise from the vault: the plan's rows and the sealed facts of this run. With `wave`, the target is listed once more."""
    plan = await load_plan(context, run)
    parts = parts_of(context, run, plan)
    if wave is not None and moves_versions(context, run.category):
        parts = with_versions_listed(context, run, wave, parts)
    elif wave is not None:
        parts = with_target_listed(context, run, wave, parts, plan=plan if plan.changed else None)
    return await summarise(context, Material(run, plan, parts))
