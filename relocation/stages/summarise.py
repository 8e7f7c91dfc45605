"""Put together what a plan, a run or a verification has to say: from sealed rows and facts, never from counters kept on the way."""

from __future__ import annotations

import platform
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

from relocation.rules import capabilities
from relocation.rules.brief import read_brief
from relocation.rules.declared import declared
from relocation.rules.enumeration import Enumerated
from relocation.rules.estimate import ASSUMED, Prices, Rates, Work, estimate, measured
from relocation.rules.listed import Unmatched
from relocation.rules.pass_verdict import figures, with_removals
from relocation.rules.records import Action, Answers, Outcome, RunRecord, RunState
from relocation.rules.summary import Count, Estimate, Histories, ProbeAge, Summary, Unclaimed
from relocation.rules.tally import Part, Tally
from relocation.rules.unfinished import unknowns
from relocation.rules.verdict import outcome_equation, source_equation
from relocation.settings import Category, Move
from relocation.stages.answers import answers_of, changes_of
from relocation.stages.context import Context
from relocation.stages.excluded import excluded_not_found
from relocation.stages.fidelity import fidelity_of
from relocation.stages.inventory import hidden_below
from relocation.stages.only_failed import said_of
from relocation.stages.parity import parity_of
from relocation.stages.plan import SealedPlan
from relocation.stages.second_listing import enumerated
from relocation.stages.unclaimed import unclaimed
from relocation.stages.unfinished import unfinished_of


@dataclass(frozen=True, slots=True)
class Material:
    """What a summary is made of: the run, its plan, and both read back part by part."""

    run: RunRecord
    plan: SealedPlan
    parts: AsyncGenerator[Part, None]


async def summarise(context: Context, material: Material) -> Summary:
    """Return the summary of a run as far as it went."""
    run, plan = material.run, material.plan
    category = context.settings.category_named(run.category)
    tally, unmatched = await _tallied(context, material, category)
    counted = tally.counts(plan.listed)
    refused = tally.of(Action.REFUSE)
    sides = [await answers_of(context, move) for move in category.moves]
    parity, unseen = await parity_of(context, category)
    again = await enumerated(context, run.id, plan.second_listing)
    below = await hidden_below(context, category)
    uploads = () if plan.changed else await unfinished_of(context, run.category, sides)
    summary = Summary(
        migration=context.settings.migration,
        category=run.category,
        wave=run.wave,
        run_id=run.id,
        kind=run.kind,
        stage=run.stage,
        plan_sha256=plan.root,
        config_sha256=plan.config_sha256,
        looked_only_at=plan.looked_only_at,
        counts=counted,
        refused=refused,
        not_found=() if plan.looked_only_at else excluded_not_found(category, run.wave, refused),
        unmatched=unmatched.named(),
        unmatched_keys=unmatched.keys,
        conflicts=tally.of(Action.CONFLICT),
        remove=tally.of(Action.REMOVE),
        deleted_at_target=tally.of(Action.DELETED_AT_TARGET),
        unclaimed=() if plan.changed else await _unclaimed(context, category),
        unfinished=uploads,
        hidden=again.hidden,
        second_listing=again.compared,
        declared=_declared(category, sides, plan, tally),
        histories=Histories("all", tally.histories) if category.policy.versions == "all" else _behind(plan),
        unknown=(*said_of(plan), *below, *_unknown(context, sides, again), *unknowns(uploads), *_uncounted(plan), *unseen),
        equations=(source_equation(counted),),
        sizes=tally.sizes.bars(),
        ages=tally.ages.bars(),
        estimate=await _estimate(context, material, category, tally) if run.kind == "plan" else None,
        probes=tuple(dict.fromkeys(_age(context, answers) for pair in sides for answers in pair)),
        probe_changes=await changes_of(context, category),
        parity=parity,
        moves=tuple(map(_said_of_move, category.moves)),
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
    return summary if run.kind == "plan" else _carried_out(summary, run, tally)


def _carried_out(summary: Summary, run: RunRecord, tally: Tally) -> Summary:
    """Add to what was planned what became of it."""
    done = with_removals(_with_outcomes(summary, run, tally), tally.removals)
    if run.kind != "catch_up":
        return done
    passes = (figures(done, summary.counts, tally.brought, tally.refreshed),)
    return replace(done, passes=passes, kept=tally.kept, kept_proofs=tally.kept_proofs)


def _listed(category: Category, plan: SealedPlan) -> Unmatched:
    """Return what the wave's own list wants to be seen; nothing of a plan that looked at a part alone."""
    listed = (each.listed or () for each in category.selectors() if each.name == plan.wave and not plan.looked_only_at)
    return Unmatched(next(listed, ()), [move.source.prefix for move in category.moves])


async def _tallied(context: Context, material: Material, category: Category) -> tuple[Tally, Unmatched]:
    """Read the plan and its facts once; return what they come to, and what the wave's own list wants and nothing has."""
    unmatched = _listed(category, material.plan)
    with context.reports.losses(material.run) as on_lost:
        tally = Tally(by_version=category.policy.versions == "all", on_lost=on_lost)
        async with aclosing(material.parts) as parts:
            async for part in parts:
                tally.add(part)
                unmatched.see(part.rows)
    return tally, unmatched


def _said_of_move(move: Move) -> str:
    source, target = (f"{side.endpoint}/{side.bucket}/{side.prefix}" for side in (move.source, move.target))
    return f"{source} → {target}"


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


def _with_outcomes(summary: Summary, run: RunRecord, tally: Tally) -> Summary:
    summary = replace(
        summary,
        outcomes=tally.outcomes,
        proofs=tally.proofs,
        mismatched=tuple(tally.mismatched),
        failed=tally.that(Outcome.FAILED),
        conflicts=summary.conflicts + tally.that(Outcome.CONFLICTED),
        drifted=tally.that(Outcome.DRIFTED),
        gone=tally.that(Outcome.GONE),
        losses=tally.losses,
        lost=tuple(tally.lost),
        lost_objects=tally.lost_objects,
    )
    equation = tally.target_equation()
    if equation is not None:
        kept = tally.kept_said if run.kind == "catch_up" else None
        equations = (*summary.equations, outcome_equation(summary.counts, tally.outcomes, kept=kept), equation)
        summary = replace(summary, equations=equations, foreign=tuple(tally.foreign))
    if not run.finished_at:
        return summary
    seconds = _seconds(run)
    return replace(summary, seconds=seconds, bytes_per_second=tally.moved_bytes / seconds if seconds > 0 else 0.0)


def _behind(plan: SealedPlan) -> Histories:
    """Return what stays at the source of the histories, where the latest versions alone are moved."""
    if plan.behind_versions < 0:
        return Histories(uncounted=plan.behind_why)
    former = Count(plan.behind_versions, plan.behind_bytes)
    return Histories(counts={"former_versions": former, "delete_markers": Count(plan.behind_markers, 0)})


def _declared(category: Category, sides: Sequence[tuple[Answers, Answers]], plan: SealedPlan, tally: Tally) -> dict[str, int]:
    """Return what is known in advance not to arrive as it was, over all moves."""
    sums: dict[str, int] = {}
    for index, (_, target) in enumerate(sides):
        for text, concerned in declared(fidelity_of(category.policy), target, written=tally.written.get(index, 0)).items():
            sums[text] = sums.get(text, 0) + concerned
    stays = {"former versions: not moved, they stay at the source (policy.versions)": plan.behind_versions}
    stays |= {"delete markers: not moved, they stay at the source (policy.versions)": plan.behind_markers}
    return sums | {text: max(number, 0) for text, number in stays.items() if number}


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


async def _estimate(context: Context, material: Material, category: Category, tally: Tally) -> Estimate:
    counted = tally.counts(material.plan.listed)
    work = Work(
        copy=counted[Action.COPY] + counted[Action.REPLACE],
        prove=counted[Action.PROVE],
        keep=counted[Action.KEEP],
        extra_parts=tally.extra_parts,
        uploads=tally.uploads,
        source_listed=material.plan.source_objects,
        target_listed=material.plan.target_objects,
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
