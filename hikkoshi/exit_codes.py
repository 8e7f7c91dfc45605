"""What the command's exit codes mean, and which error or report ends with which: the one place that says so.

Guarantees: 0 is returned only where nothing speaks against it: nothing refused, failed, in conflict, drifted, gone or to be
removed, and every reconciliation holds. What nobody claims and standing unknowns alone are 0. A bug ends with 3, and is called one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from relocation.rules import errors
from relocation.rules.records import Action, Outcome
from relocation.rules.summary import Count, Summary


class ExitCode(IntEnum):
    """A closed set that scripts rely on. 4 is kept for a run that waits for an approval."""

    DONE = 0
    SOMETHING = 1
    USAGE = 2
    STOPPED = 3
    BUSY = 5
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Ending:
    """How one family of errors ends a command: its code, a title in words, and what to do next (empty: the message says it)."""

    code: ExitCode
    title: str
    next: str = ""


AGAIN = "the same command goes on where it was"
ENDINGS: tuple[tuple[type[errors.HikkoshiError], Ending], ...] = (  # the narrower kind before the wider
    (errors.ConfigurationError, Ending(ExitCode.USAGE, "the configuration is wrong")),
    (errors.WaveBusy, Ending(ExitCode.BUSY, "somebody else is running this wave")),
    (errors.LeaseLost, Ending(ExitCode.STOPPED, "somebody else has taken this over", "see who it is with: hikkoshi status")),
    (errors.StateMismatch, Ending(ExitCode.STOPPED, "ledger, vault and configuration do not belong together, or can't be used")),
    (errors.WrongCredentials, Ending(ExitCode.STOPPED, "wrong keys", "correct the reference's keys, and see: hikkoshi check")),
    (errors.Untrusted, Ending(ExitCode.STOPPED, "somebody else answers", f"see who answers at that address; then {AGAIN}")),
    (errors.Forbidden, Ending(ExitCode.STOPPED, "a right is missing", f"grant it (config/iam has the policies); then {AGAIN}")),
    (errors.BucketMissing, Ending(ExitCode.STOPPED, "no such bucket", f"make it, or correct the configuration; then {AGAIN}")),
    (errors.NoSpace, Ending(ExitCode.STOPPED, "no space", f"nothing unwritten counts as done; make space, then {AGAIN}")),
    (
        errors.Unreachable,
        Ending(ExitCode.STOPPED, "out of reach", f"see that it runs and that its address is right (hikkoshi check); then {AGAIN}"),
    ),
    (errors.Transient, Ending(ExitCode.STOPPED, "a server does not answer as it should", f"see its own log; then {AGAIN}")),
    (errors.Drift, Ending(ExitCode.STOPPED, "the source changed meanwhile", "run again: a new plan takes it up")),
    (errors.HikkoshiError, Ending(ExitCode.STOPPED, "refused")),
)
BUG = Ending(ExitCode.STOPPED, "this is a bug in hikkoshi", f"report it with the log; what was done is recorded, and {AGAIN}")


def ending_of(error: errors.HikkoshiError) -> Ending:
    """Return how an error ends the command."""
    return next(ending for kind, ending in ENDINGS if isinstance(error, kind))


NOT_ZERO = (Action.CONFLICT, Action.REFUSE, Action.REMOVE)
NOT_VERIFIED = (Outcome.FAILED, Outcome.DRIFTED, Outcome.GONE, Outcome.CONFLICTED)


def code_of(summary: Summary) -> ExitCode:
    """Return 0 where nothing in a report needs a person, else 1."""
    counted = (summary.counts.get(action, Count()).objects for action in NOT_ZERO)
    ended = (summary.outcomes.get(outcome, Count()).objects for outcome in NOT_VERIFIED)
    named = (
        summary.mismatched,
        summary.failed,
        summary.refused,
        summary.conflicts,
        summary.drifted,
        summary.gone,
        summary.remove,
        summary.hidden,
    )
    balanced = all(equation.holds for equation in summary.equations)
    return ExitCode.SOMETHING if any(counted) or any(ended) or any(named) or not balanced else ExitCode.DONE
