"""The Markdown of a report."""

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from connectors.report.markdown import as_markdown
from relocation.rules.roll_up import merged
from relocation.rules.summary import Bin, Count, Named, ProbeAge, Summary
from tests.unit.report_samples import BAD, GOOD, PLAN, too_long

EMPTY = Summary("m", "c", "w", "r", "plan", "plan", "", "")
HOSTILE = "a | b\n# c `d` <script>alert(1)</script> [x](javascript:1) **e** ~~f~~ | |\r\n---"


def tables(text: str) -> list[list[str]]:
    """Rows of every table, block by block."""
    return [block.strip().splitlines() for block in re.split(r"\n\s*\n", text) if block.strip().startswith("|")]


def cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row)) - 1


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("summary", [EMPTY, PLAN, GOOD, BAD, too_long(50)])
def test_every_row_of_a_table_has_the_cells_of_its_head(summary: Summary, language: str) -> None:
    """No key and no reason can shift a column."""
    for table in tables(as_markdown(summary, language=language)):
        assert {cells(row) for row in table} == {cells(table[0])}


@pytest.mark.parametrize("summary", [PLAN, GOOD, BAD])
def test_there_is_no_html(summary: Summary) -> None:
    """What renders it can be told to let no HTML through, and nothing is missing then."""
    hostile = replace(summary, failed=(Named(HOSTILE, HOSTILE, HOSTILE, 3),), who=HOSTILE, category=HOSTILE, unknown=(HOSTILE,))
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(as_markdown(hostile))
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "s_open"}


def test_a_key_can_not_leave_its_code_span() -> None:
    """Backticks, pipes and line breaks in a key are percent-encoded."""
    text = as_markdown(BAD)
    assert "`images/line%0Abreak%0D%0A%7C%20a%20%7C%20b%20%7C%60code%60.txt`" in text
    assert "`images/%3Cscript%3Ealert%281%29%3C/script%3E.jpg`" in text


def test_nothing_else_can_leave_its_span_or_line() -> None:
    """Paths, ids, places and labels are held like keys."""
    probe = ProbeAge(HOSTILE, "2026-11-22T11:40:12Z", 1.0, ((HOSTILE, HOSTILE),))
    hostile = replace(PLAN, run_id=HOSTILE, report=HOSTILE, sizes=(Bin(HOSTILE, Count(1, 1)),), probes=(probe,))
    text = as_markdown(hostile)
    assert "`a | b%0A# c %60d%60" not in text
    assert "`a %7C b%0A# c %60d%60 <script>alert(1)</script>" in text
    assert text.count("\n") == as_markdown(replace(hostile, run_id="r", report="p", sizes=(Bin("b", Count(1, 1)),))).count("\n")
    for table in tables(text):
        assert {cells(row) for row in table} == {cells(table[0])}


def test_it_begins_with_the_verdict_and_names_the_page() -> None:
    """The first line of the artifact is the answer."""
    assert as_markdown(GOOD).startswith("# ✔ Every object that was to move is in Japan, and was read back")
    assert as_markdown(BAD, language="ja").startswith("# ✘ 集計が一致しません")
    assert "`var/reports/01JD9Q3V7Z6K/report.html`" in as_markdown(PLAN)


def test_the_charts_figures_stand_in_tables() -> None:
    """Who reads the artifact misses no figure of the page's pictures."""
    text = as_markdown(PLAN).replace("\u00a0", " ")
    assert "| Copy | 1,987 | 297.3 MiB |" in text
    assert "| Deleted at the target | 0 | 0 B |" in text
    assert r"| ≤ 64 KiB | 530 |" in text
    assert "| total | 2,146 | 327,204,112 |" in text
    assert "✔ holds" in text
    assert "✘ does not hold" in as_markdown(BAD)
    assert "| Read back | target | 2,125 |" in as_markdown(BAD)


def test_japanese_and_english_have_the_same_shape() -> None:
    """Both languages tell the same rows."""
    english, japanese = (tables(as_markdown(BAD, language=language)) for language in ("en", "ja"))
    assert [len(table) for table in english] == [len(table) for table in japanese]


@pytest.mark.parametrize("key", ["images/1.jpg", "k" * 1024, "漢" * 341])
def test_it_stays_below_500_kb_and_says_what_it_left_out(key: str) -> None:
    """However long the lists are, Prefect can store it."""
    long = too_long(2000)
    named = tuple(Named("b", key, f"{n} " + "why " * 100) for n in range(2000))
    full = replace(long, mismatched=named, failed=named, refused=named, conflicts=named, drifted=named, gone=named, foreign=named)
    text = as_markdown(full)
    assert len(text.encode()) < 500_000
    assert "of 2,000 are shown" in text


def test_several_waves_are_told_one_by_one() -> None:
    """The category's artifact names each wave with its own verdict."""
    waves = [replace(GOOD, wave="first"), replace(BAD, wave="rest")]
    text = as_markdown(merged(waves), waves=waves)
    assert "| first | ✔ Every object" in text
    assert "| rest | ✘ The figures do not add up" in text
