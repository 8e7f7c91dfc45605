"""A wave's own list of keys, held against what the source shows: what matches nothing is named wherever a report is read."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from connectors.report.document import as_json
from connectors.report.lists import listings
from connectors.report.markdown import as_markdown
from connectors.report.page import as_page
from connectors.report.spreadsheet import rows_of
from connectors.report.verdict import Level, verdict_of
from connectors.report.words import translated
from hikkoshi.summary_view import show
from relocation.rules.listed import Unmatched
from relocation.rules.records import Action, PlanRow
from relocation.rules.roll_up import merged
from relocation.rules.summary import UNMATCHED_NAMED_MAX
from tests.unit.report_samples import PLAN, counts, source_equation

PREFIXES = ("images/", "")
SLIPS = ("# official accounts", "images/u1/a", "u7/z")


def row(key: str, move: int = 0) -> PlanRow:
    return PlanRow(Action.COPY, move, "talk", key, "e", 1, "", "talk", key)


def unmatched(*slips: str) -> Unmatched:
    found = Unmatched({"u1/a", "u2/b", *slips}, PREFIXES)
    found.see([row("images/u1/a"), row("images/other")])
    found.see([row("u2/b", move=1)])
    return found


def test_a_line_that_matches_nothing_is_named_with_what_may_be_wrong_with_it() -> None:
    """A comment, a whole key, a key that is not there: each would have moved with another wave, without a word."""
    found = unmatched(*SLIPS)
    assert found.keys == 3
    assert [(named.key, named.reason.split(":")[0]) for named in found.named()] == [
        (SLIPS[0], "every line is a key"),
        (SLIPS[1], "it begins with the move's prefix"),
        (SLIPS[2], "the source shows no such key below the move's prefix"),
    ]
    assert all(translated(named.reason).ja != named.reason for named in found.named())
    assert (unmatched().keys, unmatched().named()) == (0, ())


def test_of_a_long_list_the_first_are_named_and_all_are_counted() -> None:
    """Whatever the list holds, a report stays bounded and says how many there are."""
    found = unmatched(*(f"x{number:05}" for number in range(1500)))
    summary = replace(PLAN, unmatched=found.named(), unmatched_keys=found.keys)
    assert (len(summary.unmatched), summary.unmatched[0].key) == (UNMATCHED_NAMED_MAX, "x00000")
    document = as_json(summary, rows_max=None)
    assert (len(document["unmatched"]), document["truncated"]["unmatched"]) == (UNMATCHED_NAMED_MAX, 1500)
    assert [each.total for each in listings(summary) if each.name == "unmatched"] == [1500]
    assert "the report’s JSON names the first 1,000" in as_page(summary)
    assert "報告の JSON には先頭の 1,000 件があります" in as_markdown(summary, language="ja")
    said = [cells for cells in rows_of(document) if cells[0] == "unmatched"]
    assert (len(said), said[-1][6]) == (1001, "1500 keys in all: the first 1000 are named")
    assert "1,500 keys" in terminal(summary)
    assert "… and 1,497 more, the first 1,000 in the report" in terminal(summary)
    both = merged([summary, replace(summary, wave="rest", unmatched=(), unmatched_keys=0)])
    assert (len(both.unmatched), both.unmatched_keys) == (UNMATCHED_NAMED_MAX, 1500)


def test_a_slip_is_seen_in_the_terminal_on_the_page_and_in_the_document() -> None:
    """Where a dry run would have been called ready, it asks for somebody's eye; a run is judged by what it brought home."""
    planned = counts(listed=(2, 2), copy=(2, 2))
    ready = replace(PLAN, counts=planned, equations=(source_equation(planned),), refused=(), conflicts=(), remove=())
    found = unmatched(*SLIPS)
    summary = replace(ready, unmatched=found.named(), unmatched_keys=found.keys)
    assert [verdict_of(each).level for each in (ready, summary)] == [Level.GOOD, Level.ATTENTION]
    shown = ["%23%20official%20accounts", "images/u1/a", "u7/z"]
    assert set(shown) <= set(terminal(summary).split())
    assert all(f">{key}<" in as_page(summary) for key in shown)
    assert [each["key"] for each in as_json(summary)["unmatched"]] == shown
    assert "Keys of the wave’s own list that match nothing: 3" in as_page(summary)
    assert "ウェーブのキー一覧のうち、該当のないキー：3 件" in as_page(summary)


def terminal(summary) -> str:
    console = Console(width=80, file=io.StringIO())
    show(console, summary)
    return console.file.getvalue()
