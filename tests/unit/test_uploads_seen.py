"""Uploads that nobody completed, as status and the residency report tell them: how many, seen when and by which run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from connectors.report.residency import as_document, as_page, unknowns
from connectors.report.residency_markdown import as_markdown
from hikkoshi import uploads_view
from relocation.rules.brief import brief_of, read_brief
from relocation.rules.deadlines import Chance, Forecast
from relocation.rules.records import RunRecord
from relocation.rules.residency import Holding, Said, WaveHolds, wave_holds
from relocation.rules.summary import Count, Unfinished
from relocation.rules.uploads_seen import uploads_seen
from tests.unit.report_samples import PLAN
from tests.unit.residency_samples import HOME, LATE, STATE, said
from tests.unit.test_report_page import HOSTILE, read

SEEN = (Unfinished("source", "korea", 2, 0, 9, 2, "2021-01-01T00:00:00Z"), Unfinished("target", "japan", 3, 1, doubt="it forgets"))
NOBODYS = Unfinished("unclaimed", "korea", 7)


def holding_of(category: str, *seen: tuple[str, tuple[Unfinished, ...]]) -> Holding:
    """Return a category of which each wave was listed at a time, and showed these uploads."""
    waves = tuple(WaveHolds(f"w{at}", listed_by=Said(at, "run", at), unfinished=found) for at, found in seen)
    told = Forecast(Chance.UNKNOWN, Count())
    return Holding(category, "KR", "JP", "JP", "", date(2021, 6, 30), waves, (), told)


def test_the_short_form_sums_them_by_side_and_endpoint():
    """However many places a category has, no bucket and no key of them stands in the ledger, and the sums are read back."""
    places = (
        *(
            Unfinished("source", f"korea/b{number}/p/", 2, 0, 10, 1, f"2021-0{1 + number % 9}-01T00:00:00Z")
            for number in range(500)
        ),
        Unfinished("source", "busan/b/", doubt="it shows none " + "x" * 9999),
        Unfinished("target", "japan/b/", 3, 1, 30, 3, "2021-05-01T00:00:00Z"),
        Unfinished("target", "japan/c/", doubt="it forgets"),
    )
    brief = brief_of(replace(PLAN, unfinished=places))
    assert read_brief(brief.text()) == brief
    source, doubted, target = brief.unfinished
    assert source == Unfinished("source", "korea", 1000, 0, 5000, 500, "2021-01-01T00:00:00Z")
    assert (doubted.uploads, len(doubted.doubt)) == (0, 500)
    assert target == Unfinished("target", "japan", 3, 1, 30, 3, "2021-05-01T00:00:00Z", "it forgets")
    assert len(brief.text()) < len(brief_of(PLAN).text()) + 1000


def test_what_an_older_program_did_not_look_for_is_not_nought():
    """Its short form is read, and the report says that nobody looked."""
    brief = brief_of(replace(PLAN, unfinished=SEEN))
    fields = json.loads(brief.text())
    run = RunRecord("1", "albums", "all", "run", state="done", finished_at="2021-06-19T03:00:00+00:00", summary=brief.text())
    assert wave_holds("all", [run]).unfinished == SEEN
    del fields["unfinished"]
    older = wave_holds("all", [replace(run, summary=json.dumps(fields))])
    assert older.unfinished == ()
    state = replace(STATE, held=(replace(HOME, waves=(replace(older, unknown=()),)),))
    assert "albums: the newest listing did not look for unfinished uploads" in [text.en for text in unknowns(state)]
    assert as_document(state)["unfinished_uploads"] == []


def test_those_count_that_the_newest_run_saw():
    """Each run of any wave looks below all of a category; what none claims stands once for its endpoint; what is gone is gone."""
    albums = holding_of("albums", ("2021-06-02", SEEN), ("2021-06-01", (*SEEN[:1], NOBODYS)), ("2021-06-03", ()))
    assert [(each.category, each.found, each.said.at) for each in uploads_seen([albums])] == [
        ("albums", SEEN[0], "2021-06-02"),
        ("albums", SEEN[1], "2021-06-02"),
    ]
    files = holding_of("files", ("2021-06-04", (*SEEN, replace(NOBODYS, uploads=8))))
    talk = holding_of("talk", ("2021-06-01", (*SEEN, NOBODYS)))
    both = uploads_seen([files, albums, talk])
    assert [each.found.uploads for each in both if not each.category] == [8]
    assert [each.category for each in both] == ["files", "files", "albums", "albums", "talk", "talk", ""]
    assert uploads_seen([holding_of("talk", ("2021-06-05", ()))]) == ()


def test_status_tells_them_in_eighty_columns():
    """How many, of whom, since when, and when that was seen; a store that is not believed is never said to have none."""
    doubted = (Unfinished("source", "korea", doubt="it forgets"), Unfinished("target", "japan"))
    name = "official-account-videos"
    many = tuple(replace(each, uploads=1_234_567, ours=9 * (each.side == "target")) for each in (*SEEN, NOBODYS))
    files, big = holding_of("files", ("2021-06-01T00:00:00Z", doubted)), holding_of(name, ("2021-06-02T03:00:00+00:00", many))
    console = Console(width=80, file=StringIO())
    console.print(uploads_view.table(uploads_seen([files, big]), ["files", name, "talk"], ZoneInfo("Asia/Tokyo")))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    said = re.sub(r"\s+", " ", " ".join(lines)).strip()
    assert said.startswith(
        "unfinished uploads at the source at the target oldest begun seen (JST) files not known 0 – 06-01 09:00 "
    )
    assert said.endswith(" talk not known not known – not looked in no category 1,234,567 – – 06-02 12:00")
    (big_row,) = [line for line in lines if "at least" in line]
    assert re.fullmatch(r"official-\S+ +1,234,567 +at least 1,234,567 +2021-01-01 +06-02 12:00 *", big_row)
    assert "(9 ours)" in said


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_residency_report_tells_them_with_who_saw_them(language):
    """On the page, in the artifact and in the document, each with its run; what came from outside acts as no mark-up."""
    wave = replace(LATE.waves[0], unfinished=(*SEEN, replace(NOBODYS, oldest=HOSTILE)), listed_by=said(20))
    state = replace(STATE, held=(replace(LATE, waves=(wave,)), HOME))
    markdown, page = as_markdown(state, language=language), as_page(state)
    assert {"en": "at least 3", "ja": "3 以上"}[language] in markdown
    assert {"en": "source, unclaimed", "ja": "移行元（どの区分にも属さない）"}[language] in markdown
    reader = read(page)
    assert reader.wrong == reader.open == []
    assert {"at least 3", "3 以上", "2021-01-01 00:00:00 UTC"} <= set(reader.text)
    assert not [line for line in markdown.splitlines() if "<" in line.replace("\\<", "")]
    lines = as_document(state)["unfinished_uploads"]
    assert [(line["category"], line["side"], line["uploads"], line["at_least"]) for line in lines] == [
        ("talk-images", "source", 2, False),
        ("talk-images", "target", 3, True),
        ("albums", "source", 0, False),
        ("albums", "target", None, True),
        (None, "unclaimed", 7, False),
    ]
    assert {line["seen_by"]["run"] for line in lines} == {said(20).run, said(19).run}
