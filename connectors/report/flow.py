"""Which streams the flow picture has: what a plan would move, or where what was moved ended."""

from __future__ import annotations

from markupsafe import Markup

from connectors.report.charts import Band, Side, flow
from connectors.report.figures import number, size
from connectors.report.verdict import source_name, target_name
from connectors.report.words import say
from relocation.rules.records import Action, Outcome
from relocation.rules.summary import Count, Summary


def flow_of(summary: Summary) -> Markup:
    """Return the picture of a report, from country to country."""
    bands = [band for band in (_planned(summary) if summary.kind == "plan" else _done(summary)) if band.count.objects]
    listed = summary.counts.get("listed", Count())
    arrived = sum((band.count for band in bands if band.arrives), Count())
    source = Side(source_name(summary), say("side.source"), (say("flow.listed"), number(listed.objects), size(listed.bytes)))
    role = say("flow.there.plan" if summary.kind == "plan" else "flow.there")
    target = Side(target_name(summary), say("side.target"), (role, number(arrived.objects), size(arrived.bytes)))
    return flow(source, target, bands)


def _planned(summary: Summary) -> list[Band]:
    return [
        _acted(summary, Action.COPY, arrives=True),
        _acted(summary, Action.REPLACE, arrives=True),
        _acted(summary, Action.PROVE, arrives=True),
        _acted(summary, Action.KEEP, arrives=True, moves=False),
        _acted(summary, Action.DELETED_AT_TARGET),
        _acted(summary, Action.REFUSE),
        _acted(summary, Action.CONFLICT),
    ]


def _done(summary: Summary) -> list[Band]:
    """Return the outcomes; what a run kept and did not read again has none, what was refused never began."""
    worked = (Action.COPY, Action.REPLACE, Action.PROVE, Action.KEEP)
    tried = sum((summary.counts.get(action, Count()) for action in worked), Count())
    ended = sum(summary.outcomes.values(), Count())
    rest = Count(max(0, tried.objects - ended.objects), max(0, tried.bytes - ended.bytes))
    kept = summary.counts.get(Action.KEEP, Count())
    untouched = kept if summary.kind == "run" and rest.objects >= kept.objects else summary.kept
    unfinished = Count(rest.objects - untouched.objects, max(0, rest.bytes - untouched.bytes))
    return [
        _ended(summary, Outcome.VERIFIED, arrives=True),
        _ended(summary, Outcome.COPIED, arrives=True),
        Band("keep", say("flow.keep"), untouched, arrives=True, moves=False),
        Band("other", say("flow.unfinished"), unfinished, arrives=False),
        _ended(summary, Outcome.DRIFTED),
        _ended(summary, Outcome.GONE),
        _ended(summary, Outcome.FAILED),
        _ended(summary, Outcome.CONFLICTED),
        _acted(summary, Action.DELETED_AT_TARGET),
        _acted(summary, Action.REFUSE),
        _acted(summary, Action.CONFLICT),
    ]


def _acted(summary: Summary, action: Action, *, arrives: bool = False, moves: bool = True) -> Band:
    return Band(action.value, say(f"flow.{action}"), summary.counts.get(action, Count()), arrives, moves)


def _ended(summary: Summary, outcome: Outcome, *, arrives: bool = False) -> Band:
    return Band(outcome.value, say(f"flow.{outcome}"), summary.outcomes.get(outcome, Count()), arrives)
