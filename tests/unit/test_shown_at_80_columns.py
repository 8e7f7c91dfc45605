"""What the terminal shows in 80 columns: nothing that matters is cut, and what is wrong stands where one looks."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

from rich.console import Console

from connectors.report.document import as_json
from connectors.report.markdown import as_markdown
from connectors.report.page import as_page
from hikkoshi.checking import Checked, EndpointCheck, Probed, Problem
from hikkoshi.commands.check import _show
from hikkoshi.shell import Shell
from hikkoshi.summary_view import show
from relocation.rules.objects import Place
from relocation.rules.records import Action, Answers, PlanRow
from relocation.rules.summary import Count, Histories, Named, Unclaimed
from relocation.rules.verdict import named
from tests.unit.report_samples import GOOD

MOVED = Named("talk", "2019/a.jpg", "another object is there", 0, "talk-jp", "images/2019/a.jpg")


def printed(summary) -> str:
    console = Console(file=io.StringIO(), width=80, color_system=None, highlight=False, markup=False)
    show(console, summary)
    return console.file.getvalue()


def test_no_figure_and_no_word_is_cut() -> None:
    """Millions of objects, every proof, and a column in which nothing is: all of it can be read."""
    many = Count(12_345_678, 312 * 1024**3)
    summary = replace(
        GOOD,
        counts={"listed": many, "copy": many},
        outcomes={},
        foreign=(),
        proofs=dict.fromkeys(("received", "same_etag", "source_checksum", "source_twice", "read_back"), 12_345_678),
    )
    said = printed(summary)
    assert "…" not in said
    assert "nothing" in said
    assert "12,345,678 312.0 GiB" in said
    assert all(len(line) <= 80 for line in said.splitlines())


def test_others_objects_at_the_target_are_said_to_stay() -> None:
    """Beside the verdict, with a mark."""
    said = " ".join(printed(replace(GOOD, foreign=tuple(Named("talk", f"x{n}", "") for n in range(2071)))).split())
    assert "! 2,071 other objects lie at the target; they are not ours and stay: talk/x0, talk/x1, talk/x2 …" in said


def test_the_largest_place_that_nobody_claims_is_among_those_that_are_shown() -> None:
    """Empty buckets come first by name; what was forgotten must not stand behind them, nor what nobody may look into."""
    empty = tuple(Unclaimed(f"korea/a{number}", 0, 0, "") for number in range(9))
    said = " ".join(
        printed(replace(GOOD, unclaimed=(*empty, Unclaimed("korea/keep", 5, 50, ""), Unclaimed("korea/z", -1, -1, "")))).split()
    )
    assert "korea/z (unread), korea/keep (5 objects, 50 B), korea/a0 (0 objects, 0 B), and 8 more" in said


def test_former_versions_that_stay_are_said_to_stay() -> None:
    """An object whose latest version is a delete marker is in no listing; its history is still at the source."""
    counts = {"former_versions": Count(1203, 4096), "delete_markers": Count(7, 0)}
    said = " ".join(printed(replace(GOOD, histories=Histories(counts=counts))).split())
    assert "1,203 former versions (4.0 KiB), 7 delete markers: at the source, not moved" in said
    assert "former versions" not in printed(replace(GOOD, histories=Histories(policy="all", counts=counts)))


def test_an_object_with_another_name_at_the_target_is_shown_with_both() -> None:
    """Whoever looks a conflict up needs the key that it has there: on the terminal, the page, in Markdown and JSON."""
    summary = replace(GOOD, conflicts=(MOVED, Named("talk", "same", "r")))
    assert "at the target talk-jp/images/2019/a.jpg" in printed(summary)
    assert "talk-jp/images/2019/a.jpg" in as_page(summary)
    assert "(at the target: `talk-jp/images/2019/a.jpg`)" in as_markdown(summary)
    first, second = as_json(summary)["conflicts"]
    assert first["target"] == {"bucket": "talk-jp", "key": "images/2019/a.jpg"}
    assert "target" not in second


def test_only_another_name_is_named_twice() -> None:
    """A row whose target has the very same bucket and key says it once."""
    rows = [plan_row("talk-jp", "images/a"), plan_row("talk", "a")]
    assert named(rows, Action.CONFLICT) == (Named("talk", "a", "why", 0, "talk-jp", "images/a"), Named("talk", "a", "why"))


def plan_row(bucket: str, key: str) -> PlanRow:
    return PlanRow(Action.CONFLICT, 0, "talk", "a", bucket, key, 1, "etag", "2021-06-01T00:00:00Z", reason="why")


def checked_at_80(*, answers: bool) -> list[str]:
    told = Answers("korea", "talk", url="", server="", at="2021-06-01T00:00:00+00:00", answers=(("versioning", "off"),))
    checked = Checked(
        (EndpointCheck("korea", "http://127.0.0.1:1", "KR"),),
        (Probed(Place("korea", "talk"), told, 60.0),),
        "3 runs",
        (Problem("korea", "can't be reached"),),
    )
    shell = Shell()
    shell.__dict__["out"] = Console(file=io.StringIO(), width=80, color_system=None, highlight=False, markup=False)
    category = SimpleNamespace(all_waves=lambda: ("all",))
    _show(shell, SimpleNamespace(timezone="UTC", migration="m", categories={"one": category}, file="f"), checked, answers=answers)
    return shell.out.file.getvalue().splitlines()


def test_a_problem_is_the_last_line_and_the_probes_answers_come_when_asked_for() -> None:
    """Whoever asks whether all is well does not read fifty lines about versioning first."""
    lines = checked_at_80(answers=False)
    assert lines[0] == "m: 1 category, 1 wave"
    assert lines[-1] == " ✗ korea: can't be reached"
    assert not any("Versioning" in line for line in lines)
    assert any("Versioning" in line for line in checked_at_80(answers=True))
