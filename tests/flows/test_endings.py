"""How a run ends: its colour, its name, and what its message tells an operator to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.endings import ended, name_of, stopped
from relocation.rules.errors import BadRequest, ConfigurationError, NoSpace, StateMismatch, Unreachable, WaveBusy
from relocation.rules.records import Action, Outcome, Proof
from relocation.rules.summary import Count, Equation, Named, Summary

ONE = (Named("talk", "images/秘密.jpg", "a reason"),)
HOLDS = (Equation("source", Count(2, 20), (("copy", Count(2, 20)),)),)
BROKEN = (Equation("source", Count(2, 20), (("copy", Count(1, 10)),)),)
DONE = Summary(
    migration="korea-to-japan",
    category="talk-images",
    wave="first",
    run_id="20210630T000000-00000000",
    kind="run",
    stage="verify",
    plan_sha256="0" * 64,
    config_sha256="0" * 64,
    counts={"listed": Count(2, 20), Action.COPY: Count(2, 20)},
    outcomes={Outcome.VERIFIED: Count(2, 20)},
    proofs={Proof.READ_BACK: 2},
    equations=HOLDS,
    report="var/reports/report.html",
)


def test_a_run_that_brought_everything_home_is_completed():
    """Green, with Prefect's own name."""
    state = ended(DONE)
    assert (state.type, state.name) == ("COMPLETED", "Completed")
    assert "Report: var/reports/report.html" in state.message


@pytest.mark.parametrize("what", ["failed", "mismatched"])
def test_objects_that_failed_make_a_run_red(what):
    """Something that should have worked did not: nobody may overlook that, and the next step is said."""
    state = ended(replace(DONE, **{what: ONE}))
    assert (state.type, state.name) == ("FAILED", "Incomplete")
    assert "start this wave again" in state.message


@pytest.mark.parametrize("equations", [BROKEN, ()])
def test_figures_that_do_not_add_up_make_a_run_red(equations):
    """A run without reconciliation, or with one that does not hold, is never green."""
    assert name_of(replace(DONE, equations=equations)) == "Incomplete"


@pytest.mark.parametrize("what", ["refused", "conflicts"])
def test_what_only_a_person_can_decide_is_in_the_name(what):
    """Green, because all that could move did; the name says that some could not."""
    state = ended(replace(DONE, **{what: ONE}))
    assert (state.type, state.name) == ("COMPLETED", "CompletedWithRefusals")
    assert "names each object" in state.message


@pytest.mark.parametrize("what", ["drifted", "gone", "remove", "deleted_at_target"])
def test_a_source_that_went_on_living_is_in_the_name(what):
    """Not an error: the next run takes it up."""
    state = ended(replace(DONE, **{what: ONE}))
    assert (state.type, state.name) == ("COMPLETED", "CompletedWithChanges")
    assert "Start this wave again" in state.message


def test_a_dry_run_says_that_nothing_was_written():
    """And how to go on, where there is something to move."""
    planned = replace(DONE, kind="plan", stage="plan", outcomes={}, proofs={})
    told = ended(planned).message
    assert "Nothing was written to source or target; the plan and this report lie, locked, in the evidence bucket." in told
    assert "To move it, start the deployment wave-talk-images with its switch “Dry run” off." in told
    nothing = replace(planned, counts={"listed": Count(2, 20), Action.KEEP: Count(2, 20)})
    assert "Nothing was written to source or target" in ended(nothing).message
    assert "To move it" not in ended(nothing).message


@pytest.mark.parametrize(
    "summary", [replace(DONE, failed=ONE), replace(DONE, refused=ONE), replace(DONE, kind="plan", conflicts=ONE)]
)
def test_a_message_holds_no_key(summary):
    """Keys are personal data: they stand in the report, not in the list of runs."""
    assert "秘密" not in ended(summary).message
    assert "images/" not in ended(summary).message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (WaveBusy("somebody is running this wave: wait"), "This run has changed nothing"),
        (ConfigurationError("local.yaml", ("categories: none",)), "Correct the configuration"),
        (
            Unreachable("korea does not answer"),
            "When the server answers again, start it once more: it goes on where this run stopped",
        ),
        (NoSpace("japan has no space left"), "When that is put right, start it once more: it goes on where this run stopped"),
        (StateMismatch("another ledger"), "When that is put right"),
        (BadRequest("no", code="X", status=400), "When that is put right"),
    ],
)
def test_a_run_that_was_stopped_says_what_to_do(error, words):
    """Red, with the error's own words and the next step."""
    state = stopped(error, kind="run")
    assert (state.type, state.name) == ("FAILED", "Failed")
    assert str(error).splitlines()[0] in state.message
    assert words in state.message


def test_a_stopped_run_that_leaves_nothing_does_not_promise_to_go_on():
    """A dry run begins afresh."""
    assert "this run wrote to neither source nor target" in stopped(Unreachable("no answer"), kind="plan").message


def test_a_message_is_printable_and_bounded():
    """Whatever an error quotes: no control characters in the list of runs, and no page of text."""
    message = stopped(StateMismatch("a\x1b[31m\u202eb\udcff" + "x" * 10_000), kind="run").message
    assert all(each.isprintable() or each == "\n" for each in message)
    assert len(message) < 4_200


def test_a_message_has_no_character_that_prefect_shows_as_an_escape():
    """Figures are held together by no-break spaces on the page; in a state message they would be read as code."""
    state = ended(replace(DONE, kind="plan", stage="plan", outcomes={}, proofs={}))
    assert "2 objects, 20 B" in state.message
    assert "\u00a0" not in state.message
