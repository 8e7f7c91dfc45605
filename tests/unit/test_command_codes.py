"""Exit codes: one for every error of the tree and every kind of report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hikkoshi.exit_codes import ExitCode, code_of, ending_of
from relocation.rules import errors
from relocation.rules.brief import brief_of, read_brief
from relocation.rules.records import Action, Outcome
from relocation.rules.summary import Count, Equation, Named, Summary, Unclaimed

GOOD = Summary(
    migration="korea-to-japan",
    category="talk-images",
    wave="first",
    run_id="r",
    kind="run",
    stage="verify",
    plan_sha256="0" * 64,
    config_sha256="0" * 64,
    counts={"listed": Count(2, 20), Action.COPY: Count(2, 20)},
    outcomes={Outcome.VERIFIED: Count(2, 20)},
    equations=(Equation("source", Count(2, 20), (("copy", Count(2, 20)),)),),
)
SOME = (Named("talk", "a", "why"),)


def tree(kind: type) -> list[type]:
    return [kind, *(each for child in kind.__subclasses__() for each in tree(child))]


@pytest.mark.parametrize("kind", tree(errors.HikkoshiError)[1:])
def test_every_error_has_an_ending(kind):
    """Each error of the tree ends with 2, 3 or 5, and with a title in words."""
    error = kind("file", ("problem",)) if kind is errors.ConfigurationError else kind.__new__(kind)
    ending = ending_of(error)
    assert ending.title
    expected = {errors.ConfigurationError: ExitCode.USAGE, errors.WaveBusy: ExitCode.BUSY}
    assert ending.code == expected.get(kind, ExitCode.STOPPED)


def test_the_narrowest_title_wins():
    """Wrong keys are not just `refused`, and an endpoint out of reach is not just a server that misbehaves."""
    assert ending_of(errors.WrongCredentials("x")).title == "wrong keys"
    assert ending_of(errors.Unreachable("x")).title == "out of reach"
    assert ending_of(errors.NoSpace("x")).title == "no space"


def test_a_good_report_is_0():
    """All verified, all equations hold; what nobody claims, standing unknowns, foreign objects and losses alone are 0."""
    assert code_of(GOOD) == ExitCode.DONE
    unclaimed = (Unclaimed("korea/sticker-shop", 1, 1, ""),)
    noted = replace(GOOD, unclaimed=unclaimed, unknown=("korea/talk hides",), foreign=SOME, losses={"x": 1})
    assert code_of(noted) == ExitCode.DONE


@pytest.mark.parametrize("name", ["mismatched", "failed", "refused", "conflicts", "drifted", "gone", "remove"])
def test_whatever_is_named_is_1(name):
    """Refused, failed, in conflict, drifted, gone, to be removed: one object is enough."""
    assert code_of(replace(GOOD, **{name: SOME})) == ExitCode.SOMETHING


@pytest.mark.parametrize("action", [Action.CONFLICT, Action.REFUSE, Action.REMOVE])
def test_whatever_is_counted_is_1(action):
    """The counts decide too: a list that is missing does not make a report good."""
    assert code_of(replace(GOOD, counts={**GOOD.counts, action: Count(1, 1)})) == ExitCode.SOMETHING


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.DRIFTED, Outcome.GONE, Outcome.CONFLICTED])
def test_whatever_did_not_end_well_is_1(outcome):
    """One object that did not end as verified is exit code 1."""
    assert code_of(replace(GOOD, outcomes={**GOOD.outcomes, outcome: Count(1, 1)})) == ExitCode.SOMETHING


def test_an_equation_that_does_not_hold_is_1():
    """Figures that do not add up are never a success."""
    broken = Equation("target", Count(3, 30), (("ours", Count(2, 20)),))
    assert code_of(replace(GOOD, equations=(*GOOD.equations, broken))) == ExitCode.SOMETHING


def test_the_ledgers_short_form_says_what_the_report_says():
    """What `status` reads back is what was reported: listed, verified, and how many objects need a person."""
    bad = replace(GOOD, outcomes={Outcome.VERIFIED: Count(1, 10), Outcome.FAILED: Count(1, 10)})
    short = read_brief(brief_of(bad).text())
    assert short == brief_of(bad)
    assert (short.listed, short.verified, short.attention) == (Count(2, 20), Count(1, 10), 1)
    assert read_brief("") is None
