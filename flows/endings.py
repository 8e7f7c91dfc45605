"""How a flow ends, for whoever looks at the list of runs: the state's colour, its name, and a sentence that says what to do next.

Green: everything that could be moved was moved and proved (for a dry run: the plan is there). Its name tells the rest:
`Completed`, `CompletedWithChanges` (the source went on living; the next run takes it up) or `CompletedWithRefusals` (objects that
only a person can decide on). Red: `Incomplete` (objects failed, came back with other bytes, or the figures do not add up), or
`Failed` (the run could not start or go on). docs/decisions tells why.
"""

from __future__ import annotations

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from connectors.report.verdict import verdict_of
from relocation.rules.errors import ConfigurationError, Drift, HikkoshiError, LeaseLost, Transient, WaveBusy
from relocation.rules.keys import shown
from relocation.rules.records import Action
from relocation.rules.summary import Count, Summary

INCOMPLETE, WITH_REFUSALS, WITH_CHANGES, COMPLETED = "Incomplete", "CompletedWithRefusals", "CompletedWithChanges", "Completed"
NEXT = {
    INCOMPLETE: "Look at the report, then start this wave again: it takes up what failed.",
    WITH_REFUSALS: "Look at the report: it names each object that can't move, and why. Running again does not change that.",
    WITH_CHANGES: "Start this wave again, now or later: it takes up what changed.",
    COMPLETED: "",
}
AGAIN = {"run": "it goes on where this run stopped", "catch_up": "it begins with a new plan, and nothing is lost"}
"""What happens when a run that was stopped is started again, by its kind."""
UNTOUCHED = "Nothing was written to source or target; the plan and this report lie, locked, in the evidence bucket"
MESSAGE_CHARACTERS_MAX = 4000


def name_of(summary: Summary) -> str:
    """Return the name of the state in which the run ends."""
    equations_hold = bool(summary.equations) and all(equation.holds for equation in summary.equations)
    if summary.failed or summary.mismatched or not equations_hold:
        return INCOMPLETE
    if summary.refused or summary.conflicts or summary.hidden:
        return WITH_REFUSALS
    if summary.drifted or summary.gone or summary.remove or summary.deleted_at_target:
        return WITH_CHANGES
    return COMPLETED


def ended(summary: Summary) -> State[None]:
    """Return the state of a run that came to its end."""
    name = name_of(summary)
    verdict = verdict_of(summary)
    sentences = [verdict.text.in_("en"), _next(summary, name)]
    sentences += ["; ".join(point.text.in_("en") for point in verdict.points)]
    message = " ".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence).replace("\u00a0", " ")
    message += f" Report: {summary.report}" if summary.report else ""
    return Failed(name=name, message=message) if name == INCOMPLETE else Completed(name=name, message=message)


def stopped(error: HikkoshiError, *, kind: str) -> State[None]:
    """Return the state of a run that could not start or go on; `kind` is `plan`, `run`, `verify` or `catch_up`."""
    message = "".join(each if each.isprintable() or each == "\n" else shown(each) for each in str(error).strip())
    if len(message) > MESSAGE_CHARACTERS_MAX:
        message = message[:MESSAGE_CHARACTERS_MAX] + " …"
    return Failed(message=f"{message}\n{_after(error, kind)}")


def _next(summary: Summary, name: str) -> str:
    if summary.kind != "plan":
        return NEXT[name]
    if name == INCOMPLETE:
        return f"{UNTOUCHED}. Find out why before anybody runs this wave"
    to_do = sum(summary.counts.get(action, Count()).objects for action in (Action.COPY, Action.REPLACE, Action.PROVE))
    run = f"To move it, start the deployment wave-{summary.category} with its switch “Dry run” off" if to_do else ""
    refusals = "The report names each object that can't move, and why" if name == WITH_REFUSALS else ""
    return ". ".join(filter(None, (UNTOUCHED, refusals, run)))


def _after(error: HikkoshiError, kind: str) -> str:
    """Say what comes after the cause is gone."""
    if isinstance(error, WaveBusy):
        return "This run has changed nothing."
    if isinstance(error, ConfigurationError):
        return "Nothing was done. Correct the configuration (`hikkoshi check` shows every problem), deploy it, and start again."
    again = AGAIN.get(kind, "this run wrote to neither source nor target")
    if isinstance(error, Transient):
        return f"When the server answers again, start it once more: {again}."
    if isinstance(error, Drift | LeaseLost):
        return f"Start it once more: {again}."
    return f"When that is put right, start it once more: {again}."
