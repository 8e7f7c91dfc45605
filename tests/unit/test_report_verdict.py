"""The sentence in big words."""

from dataclasses import replace

import pytest

from connectors.report.verdict import Level, verdict_of
from relocation.rules.records import Outcome, Proof
from relocation.rules.summary import Count, Equation, Histories, Named, Summary
from tests.unit.report_samples import BAD, GOOD, PLAN, counts, source_equation

HOLDS = Equation("source", Count(), ())


def planned(**given: tuple[int, int]) -> Summary:
    counted = counts(**given)
    return replace(PLAN, counts=counted, equations=(source_equation(counted),), refused=(), conflicts=())


def ended(**given: int) -> Summary:
    """A verification of 10 copied objects whose equations hold."""
    outcomes = {name: Count(number, number) for name, number in given.items()}
    done = replace(GOOD, counts=counts(listed=(10, 10), copy=(10, 10)), outcomes=outcomes)
    return replace(done, equations=(HOLDS,), proofs={"read_back": 10})


def told(summary: Summary) -> tuple[Level, str]:
    verdict = verdict_of(summary)
    return verdict.level, verdict.text.en.replace("\u00a0", " ")


def test_a_plan_says_what_would_move_and_what_can_not() -> None:
    """The operator sees at once how much moves and how much stays."""
    assert told(PLAN) == (Level.ATTENTION, "Ready to move: 2,017 objects, 300.2 MiB; 9 objects can’t move")
    assert verdict_of(PLAN).text.ja.startswith("移行できます：2,017 件")
    assert told(planned(listed=(3, 3072), copy=(3, 3072))) == (Level.GOOD, "Ready to move: 3 objects, 3.0 KiB")


@pytest.mark.parametrize(
    ("given", "level", "text"),
    [
        ({}, Level.ATTENTION, "Nothing is there: the source lists no object of this category"),
        (
            {"listed": (2, 2), "keep": (2, 2)},
            Level.GOOD,
            "Nothing to move: all that is listed (2 objects) is in Japan already, and proved",
        ),
        ({"listed": (2, 2), "refuse": (2, 2)}, Level.ATTENTION, "Nothing can move: 2 objects would have to, but can’t"),
        ({"listed": (2, 2), "keep": (1, 1), "conflict": (1, 1)}, Level.ATTENTION, "Nothing left to move, but 1 object can’t move"),
        ({"listed": (2, 2), "copy": (2, 2), "remove": (1, 1)}, Level.ATTENTION, "Ready to move: 2 objects, 2 B"),
    ],
)
def test_a_plan_with_little_to_do_says_so(given: dict[str, tuple[int, int]], level: Level, text: str) -> None:
    """Nothing to do, nothing there and nothing possible are three different things."""
    assert told(planned(**given)) == (level, text)


def test_good_is_said_when_everything_was_verified_and_read_back() -> None:
    """The one sentence that everybody waits for."""
    assert told(GOOD) == (Level.GOOD, "Every object that was to move is in Japan, and was read back")
    assert verdict_of(GOOD).text.ja == "移行対象はすべて日本にあり、読み戻しによる確認も完了しました"
    assert told(ended(verified=10))[0] is Level.GOOD


@pytest.mark.parametrize(
    ("summary", "level", "begins"),
    [
        (ended(verified=9), Level.ATTENTION, "Not finished: 9 of 10"),
        (ended(verified=9, failed=1), Level.BAD, "Failed, and to be tried again: 1 object"),
        (ended(verified=9, drifted=1), Level.ATTENTION, "Changed at the source since the plan: 1 object"),
        (ended(verified=9, gone=1), Level.ATTENTION, "Changed at the source since the plan: 1 object"),
        (ended(verified=9, conflicted=1), Level.BAD, "Could not move: 1 object"),
        (ended(copied=10), Level.ATTENTION, "Copied, but not yet verified: 10 objects"),
        (
            replace(ended(verified=10), proofs={Proof.READ_BACK.value: 8}),
            Level.ATTENTION,
            "Every object that was to move is in Japan, but not all",
        ),
        (replace(ended(verified=10), proofs={}), Level.ATTENTION, "Every object that was to move is in Japan, but not all"),
        (replace(ended(verified=10), failed=(Named("b", "k", "not listed"),)), Level.BAD, "Failed"),
        (
            replace(ended(verified=10), mismatched=(Named("b", "k", "r"),)),
            Level.BAD,
            "Not the same as at the source: 1 object in Japan",
        ),
        (replace(ended(verified=10), equations=()), Level.BAD, "The figures were not reconciled"),
        (replace(ended(verified=10), equations=(HOLDS, Equation("x", Count(1, 1), ()))), Level.BAD, "The figures do not add up"),
        (replace(GOOD, counts=GOOD.counts | {"refuse": Count(1, 1)}), Level.BAD, "Could not move: 1 object"),
        (
            replace(ended(verified=10), counts=counts(listed=(11, 11), copy=(10, 10), keep=(1, 1))),
            Level.ATTENTION,
            "Not finished: 10 of 11",
        ),
    ],
)
def test_anything_that_speaks_against_it_takes_the_good_away(summary: Summary, level: Level, begins: str) -> None:
    """Unknown, undone, failed and unbalanced are never shown as good."""
    found, text = told(summary)
    assert found is level
    assert text.startswith(begins)


def test_a_run_counts_what_it_kept_only_if_it_looked_at_it() -> None:
    """A run that copies nothing and keeps all is good; one that also read the kept back is too."""
    kept = replace(GOOD, kind="run", outcomes={}, proofs={})
    assert told(kept)[0] is Level.GOOD
    assert told(replace(GOOD, kind="run"))[0] is Level.GOOD


def test_the_points_name_every_kind_of_trouble_with_its_count() -> None:
    """Under the sentence stands what is behind it."""
    points = {point.text.en: point.level for point in verdict_of(BAD).points}
    assert points["Mismatched: 8 objects"] is Level.BAD
    assert points["Failed: 3 objects"] is Level.BAD
    assert points["Reconciliations that do not hold: 2 of 3"] is Level.BAD
    assert points["Changed at the source since the plan: 4 objects"] is Level.ATTENTION
    assert points["Standing unknowns: 1"] is Level.ATTENTION
    assert Outcome.VERIFIED.value not in points


def test_without_countries_the_sides_are_called_by_their_role() -> None:
    """No country is guessed."""
    nowhere = replace(GOOD, source_country="", target_country="", residency="")
    assert told(nowhere)[1] == "Every object that was to move is in the target, and was read back"
    assert told(replace(GOOD, target_country="BR"))[1] == "Every object that was to move is in BR, and was read back"


def test_what_others_have_at_the_target_is_said_beside_the_verdict() -> None:
    """Objects there that are not ours change no verdict, and nobody can overlook that they are there and stay."""
    others = tuple(Named("talk", f"images/{number}", "") for number in range(2071))
    verdict = verdict_of(replace(GOOD, foreign=others))
    assert verdict.level == verdict_of(GOOD).level
    told_points = [(point.level, point.text.en) for point in verdict.points]
    assert (Level.ATTENTION, "Other objects at the target, which are not ours and stay: 2,071") in told_points


def test_verified_is_told_of_all_that_was_listed() -> None:
    """The same two figures as in the status: what can't move was not verified either, and no tick hides it."""
    stuck = replace(ended(verified=10), counts=counts(listed=(11, 11), copy=(10, 10), conflict=(1, 1)))
    points = {point.text.en: point.level for point in verdict_of(stuck).points}
    assert points["Verified: 10 of 11"] is Level.ATTENTION
    points = {point.text.en: point.level for point in verdict_of(ended(verified=10)).points}
    assert points["Verified: 10 of 10"] is Level.GOOD


def test_delete_markers_have_no_bytes_to_read_back() -> None:
    """Where all versions are moved, a verified delete marker is not one that nobody read back; the page counts it apart."""
    kinds = {"former_versions": Count(4, 4), "delete_markers": Count(3, 0), "delete_markers_verified": Count(3, 0)}
    done = replace(ended(verified=10), proofs={"read_back": 7}, histories=Histories("all", kinds))
    assert told(done)[0] == Level.GOOD
    assert any("former versions: 4, and delete markers: 3" in point.text.en for point in verdict_of(done).points)
    assert told(replace(done, histories=Histories()))[0] == Level.ATTENTION
