"""Put together what a plan, a run or a verification has to say: from sealed rows and facts, never from counters kept on the way."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from relocation.rules import capabilities, digests
from relocation.rules.brief import read_brief
from relocation.rules.declared import declared
from relocation.rules.enumeration import Enumerated
from relocation.rules.estimate import ASSUMED, Prices, Rates, Work, estimate, measured
from relocation.rules.histogram import AgeHistogram, SizeHistogram
from relocation.rules.pass_verdict import figures, kept_with_word, split, with_removals
from relocation.rules.plan import Known
from relocation.rules.records import Action, Answers, Fact, InventoryRow, Outcome, PlanRow, RunRecord, RunState
from relocation.rules.summary import Count, Estimate, Histories, ProbeAge, Summary, Unclaimed
from relocation.rules.verdict import (
    Ending,
    all_listed,
    counts,
    ending,
    named,
    named_outcomes,
    outcome_equation,
    outcomes,
    proofs,
    source_equation,
    target_side,
)
from relocation.rules.version_verdict import all_versions_listed, histories, target_side_of_versions
from relocation.rules.versions import Version
from relocation.settings import Category
from relocation.stages.answers import answers_of, changes_of
from relocation.stages.context import Context
from relocation.stages.excluded import excluded_not_found
from relocation.stages.fidelity import WRITTEN, fidelity_of
from relocation.stages.only_failed import said_of
from relocation.stages.parity import parity_of
from relocation.stages.plan import SealedPlan
from relocation.stages.second_listing import enumerated
from relocation.stages.unclaimed import unclaimed


@dataclass(frozen=True, slots=True)
class Material:
    """What a summary is made of. `facts` are those of this run in the order of its stages; `target` the target as listed last."""

    run: RunRecord
    plan: SealedPlan
    rows: Sequence[PlanRow]
    left_over: Sequence[PlanRow]
    facts: Sequence[Fact] = ()
    target: Sequence[InventoryRow] = ()
    standing: Known | None = None
    standing_versions: Mapping[Version, Fact] = field(default_factory=dict)
    verified: bool = False


async def summarise(context: Context, material: Material) -> Summary:
    """Return the summary of a run as far as it went."""
    run, rows = material.run, material.rows
    facts, removals = split(material.facts)
    category = context.settings.category_named(run.category)
    by_version = category.policy.versions == "all"
    end = ending(facts, by_version=by_version)
    counted = counts((*rows, *material.left_over), material.plan.listed)
    sides = [await answers_of(context, move) for move in category.moves]
    probes = [answers for pair in sides for answers in pair]
    parity, unseen = await parity_of(context, category)
    again = await enumerated(context, run.id, material.plan.second_listing)
    sizes, ages = SizeHistogram(), AgeHistogram()
    for row in rows:
        sizes.add(row.size)
        ages.add(row.source_last_modified, row.size)
    summary = Summary(
        migration=context.settings.migration,
        category=run.category,
        wave=run.wave,
        run_id=run.id,
        kind=run.kind,
        stage=run.stage,
        plan_sha256=material.plan.root,
        config_sha256=material.plan.config_sha256,
        counts=counted,
        refused=named(rows, Action.REFUSE),
        not_found=excluded_not_found(category, run.wave, named(rows, Action.REFUSE)),
        conflicts=named(rows, Action.CONFLICT),
        remove=named(material.left_over, Action.REMOVE),
        deleted_at_target=named(rows, Action.DELETED_AT_TARGET),
        unclaimed=await _unclaimed(context, category),
        hidden=again.hidden,
        second_listing=again.compared,
        declared=_declared(category, sides, material),
        histories=histories(rows, end) if by_version else _behind(material.plan),
        unknown=(*said_of(material.plan), *_unknown(context, sides, again), *_uncounted(material.plan), *unseen),
        equations=(source_equation(counted),),
        sizes=sizes.bars(),
        ages=ages.bars(),
        estimate=await _estimate(context, material, category) if run.kind == "plan" else None,
        probes=tuple(dict.fromkeys(_age(context, answers) for answers in probes)),
        probe_changes=await changes_of(context, category),
        parity=parity,
        moves=tuple(
            f"{move.source.endpoint}/{move.source.bucket}/{move.source.prefix} → "
            f"{move.target.endpoint}/{move.target.bucket}/{move.target.prefix}"
            for move in category.moves
        ),
        source_country=context.settings.endpoints[category.moves[0].source.endpoint].country,
        target_country=context.settings.endpoints[category.moves[0].target.endpoint].country,
        timezone=context.settings.timezone,
        residency=category.residency,
        deadline=category.deadline.isoformat(),
        owner=category.owner,
        who=run.who,
        host=run.host,
        version=run.version,
        versions=(("python", platform.python_version()), ("rules_sha256", context.rules_sha256)),
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
    if run.kind == "plan":
        return summary
    summary = with_removals(_with_outcomes(summary, material, end), removals)
    return replace(summary, passes=(figures(summary, counted, end, rows),)) if run.kind == "catch_up" else summary


def _unknown(context: Context, sides: Sequence[tuple[Answers, Answers]], again: Enumerated) -> tuple[str, ...]:
    """Return what nothing here can show, in words: where listings are blind, and through which country the bytes went."""
    found: list[str] = []
    for source, target in sides:
        found += capabilities.unknowns(source, key_list=again.key_list_held(source.endpoint, source.bucket))
        found += capabilities.unknowns(target)
    if context.settings.worker.country is None:
        found.append("the country of the machine that ran this is not configured (`worker: {country: …}`): data passed through it")
    return tuple(dict.fromkeys(found))


def _uncounted(plan: SealedPlan) -> tuple[str, ...]:
    return (f"former versions and delete markers, which stay, could not be counted: {plan.behind_why}",) if plan.behind_why else ()


def _with_outcomes(summary: Summary, material: Material, end: Ending) -> Summary:
    rows = material.rows
    side = None
    if material.verified and end.by_version:
        end = all_versions_listed(rows, end, material.target)
        side = target_side_of_versions(material.target, rows, end, material.standing_versions)
        summary = replace(summary, histories=histories(rows, end))
    elif material.verified and material.standing is not None:
        end = all_listed(rows, end, material.target)
        side = target_side(material.target, rows, end, material.standing)
    ended = outcomes(rows, end)
    summary = replace(
        summary,
        outcomes=ended,
        proofs=proofs(rows, end),
        mismatched=named_outcomes(rows, end, Outcome.FAILED, mismatch=True),
        failed=named_outcomes(rows, end, Outcome.FAILED, mismatch=False),
        conflicts=summary.conflicts + named_outcomes(rows, end, Outcome.CONFLICTED),
        drifted=named_outcomes(rows, end, Outcome.DRIFTED),
        gone=named_outcomes(rows, end, Outcome.GONE),
        losses=_losses(rows, end),
    )
    if side is not None:
        kept = kept_with_word(rows, end) if material.run.kind == "catch_up" else None
        equations = (*summary.equations, outcome_equation(summary.counts, ended, kept=kept), side.equation)
        summary = replace(summary, equations=equations, foreign=side.foreign)
    return _with_pace(summary, material)


def _with_pace(summary: Summary, material: Material) -> Summary:
    run = material.run
    if not run.finished_at:
        return summary
    seconds = _seconds(run)
    moved = sum(fact.size for fact in material.facts if fact.outcome in (Outcome.COPIED, Outcome.VERIFIED))
    return replace(summary, seconds=seconds, bytes_per_second=moved / seconds if seconds > 0 else 0.0)


def _behind(plan: SealedPlan) -> Histories:
    """Return what stays at the source of the histories, where the latest versions alone are moved."""
    if plan.behind_versions < 0:
        return Histories(uncounted=plan.behind_why)
    former = Count(plan.behind_versions, plan.behind_bytes)
    return Histories(counts={"former_versions": former, "delete_markers": Count(plan.behind_markers, 0)})


def _declared(category: Category, sides: Sequence[tuple[Answers, Answers]], material: Material) -> dict[str, int]:
    """Return what is known in advance not to arrive as it was, over all moves."""
    written = [0] * len(category.moves)
    for row in material.rows:
        if row.action in WRITTEN:
            written[row.move] += 1
    sums: dict[str, int] = {}
    for (_, target), objects in zip(sides, written, strict=True):
        for text, concerned in declared(fidelity_of(category.policy), target, written=objects).items():
            sums[text] = sums.get(text, 0) + concerned
    plan = material.plan
    stays = {"former versions: not moved, they stay at the source (policy.versions)": plan.behind_versions}
    stays |= {"delete markers: not moved, they stay at the source (policy.versions)": plan.behind_markers}
    return sums | {text: max(number, 0) for text, number in stays.items() if number}


def _losses(rows: Sequence[PlanRow], end: Ending) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        fact = end.of(row)
        for loss in fact.losses if fact else ():
            sums[loss] = sums.get(loss, 0) + 1
    return sums


async def _unclaimed(context: Context, category: Category) -> tuple[Unclaimed, ...]:
    found: list[Unclaimed] = []
    for endpoint in dict.fromkeys(move.source.endpoint for move in category.moves):
        found += await unclaimed(context, endpoint)
    return tuple(found)


def _age(context: Context, answers: Answers) -> ProbeAge:
    place = f"{answers.endpoint}/{answers.bucket}"
    if not answers.at:
        return ProbeAge(place, "", 0.0)
    age_s = context.clock.now() - datetime.fromisoformat(answers.at).timestamp()
    return ProbeAge(place, answers.at, max(age_s, 0.0), answers.answers)


async def _estimate(context: Context, material: Material, category: Category) -> Estimate:
    counted = counts(material.rows, material.plan.listed)
    in_parts = [digests.parts_in(row.source_etag) for row in material.rows if row.action in (Action.COPY, Action.REPLACE)]
    work = Work(
        copy=counted[Action.COPY] + counted[Action.REPLACE],
        prove=counted[Action.PROVE],
        keep=counted[Action.KEEP],
        extra_parts=sum(parts - 1 for parts in in_parts if parts),
        uploads=sum(1 for parts in in_parts if parts),
        source_listed=material.plan.source_objects,
        target_listed=len(material.target),
    )
    prices = context.prices
    move = category.moves[0]
    both = Prices(prices.currency or "", prices.of(move.source.endpoint), prices.of(move.target.endpoint))
    rates = await _rates(context, material.run.category)
    return estimate(work, rates=rates, prices=both if prices.currency else None)


async def _rates(context: Context, category: str) -> Rates:
    """Return what the category's last run that moved something measured, else what is assumed."""
    for run in await context.ledger.list_runs(category=category):
        brief = read_brief(run.summary) if run.kind == "run" and run.state == RunState.DONE else None
        if brief is not None and brief.copied.objects:
            return measured(brief.copied, _seconds(run))
    return ASSUMED


def _seconds(run: RunRecord) -> float:
    return (datetime.fromisoformat(run.finished_at) - datetime.fromisoformat(run.started_at)).total_seconds()
