"""One is one: no `1 objects`, `1 keys`, `1 days` wherever figures are put into words."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from rich.console import Console

from connectors.report.document import as_json
from connectors.report.limits import basis_of
from connectors.report.page import as_page
from connectors.report.residency import _chance
from connectors.report.spreadsheet import rows_of
from connectors.report.words import translated
from connectors.s3.bucket_answers import understood
from hikkoshi.commands.status import _deadline
from hikkoshi.deadlines_view import sentence
from hikkoshi.standings import Standing
from hikkoshi.summary_view import show
from relocation.rules.amounts import amount
from relocation.rules.bucket_settings import Aspect
from relocation.rules.deadlines import Chance, Forecast
from relocation.rules.estimate import measured
from relocation.rules.summary import Compared, Count, Estimate, Histories, Pass, Unclaimed
from relocation.stages.catch_up import CatchUpRequest, _Judge
from tests.unit.report_samples import PLAN
from tests.unit.residency_samples import HOME

ONE = Count(1, 1)
TODAY = date(2021, 6, 1)
WRONG = re.compile(r"(?<![\d,.])1 (?:objects|keys|days|years|former versions|delete markers|requests|runs|bytes)\b")


@pytest.mark.parametrize(("number", "words"), [(0, "0 objects"), (1, "1 object"), (2, "2 objects"), (2146, "2,146 objects")])
def test_an_amount_is_in_words_that_agree_with_it(number: int, words: str) -> None:
    """And has thousands separators."""
    assert amount(number, "object") == words


def test_a_report_with_one_of_each_agrees_with_its_figures() -> None:
    """In the terminal, on the page, as CSV."""
    summary = replace(
        PLAN,
        second_listing=(Compared("korea", "talk", "", "versions", 1, 1),),
        unclaimed=(Unclaimed("korea/old/", 1, 1, "2020-01-01T00:00:00Z", 1, 1, 1),),
        histories=Histories(counts={"former_versions": ONE, "delete_markers": Count(1)}),
        estimate=Estimate(1.0, 1, None, "", measured(ONE, 1.0).basis),
    )
    console = Console(width=200, file=io.StringIO())
    show(console, summary)
    terminal, page = console.file.getvalue(), as_page(summary)
    table = "\n".join(" ".join(cells) for cells in rows_of(as_json(summary)))
    assert not [found for text in (terminal, page, table) for found in WRONG.findall(text)]
    assert "korea/talk/, 1 object, against the versions listing, 1 key: " in terminal
    assert "1 former version, 1 delete marker" in terminal
    assert "1, and 1 former version, 1 delete marker" in page
    assert "1（ほかに旧バージョン 1、削除マーカー 1）" in page
    assert "1 former version (1 byte), 1 delete marker" in table
    assert basis_of(summary.estimate)[0].ja != summary.estimate.basis


@pytest.mark.parametrize(("passes_max", "until", "before"), [(9, 1, 5), (9, 0, 1), (1, 0, 5)])
def test_a_catch_up_says_in_both_languages_that_one_object_differed(passes_max: int, until: int, before: int) -> None:
    """Small enough, no fewer than before, as many passes as were allowed."""
    judge = _Judge(CatchUpRequest("talk", "all", passes_max, until), fenced=False)
    judge.passes.append(Pass("r", Count(before), Count(), Count()))
    end = judge._why(SimpleNamespace(expects=lambda _actions: ONE, removals=Count()))
    assert "1 object" in end
    assert not WRONG.search(end)
    assert translated(end).ja != end


def test_one_day_is_one_day() -> None:
    """Until the deadline, after it, and that a default retention lasts."""
    for days, words in ((1, "1 day"), (-1, "1 day late"), (2, "2 days")):
        assert _deadline(Standing("a", "all", TODAY + timedelta(days=days), None, None, None), TODAY)[1].plain == words
    told = Forecast(Chance.IN_TIME, ONE, Count(3), TODAY, 1)
    assert "1 day before" in _chance(replace(HOME, told=told)).en
    assert "期限まで 1 日の余裕" in _chance(replace(HOME, told=told)).ja
    assert sentence("albums", told).startswith("albums: 1 object (1 B) is not home; ")
    for given, words in (("<Days>1</Days>", "GOVERNANCE 1 day"), ("<Years>1</Years>", "GOVERNANCE 1 year")):
        lasts = f"<Rule><DefaultRetention><Mode>GOVERNANCE</Mode>{given}</DefaultRetention></Rule>"
        answer = f"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{lasts}</ObjectLockConfiguration>"
        assert understood(Aspect.OBJECT_LOCK, answer.encode(), "b").default_retention == words
        assert translated(f"on, {words}").ja != f"on, {words}"
