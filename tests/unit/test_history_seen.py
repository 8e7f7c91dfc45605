"""Former versions and delete markers that stay at the source, as status and the residency report tell them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from connectors.report.remains import history_document, history_words
from connectors.report.residency import as_document, as_page, unknowns, verdict
from connectors.report.residency_markdown import as_markdown
from connectors.report.verdict import Level
from hikkoshi import deadlines_view, history_view
from relocation.rules.brief import brief_of, read_brief
from relocation.rules.deadlines import Chance
from relocation.rules.history_seen import HistorySeen, history_seen
from relocation.rules.records import RunRecord
from relocation.rules.residency import Holding, as_known, wave_holds
from relocation.rules.summary import Count, Histories
from tests.unit.report_samples import PLAN
from tests.unit.residency_samples import HOME, LATE, NO_HISTORY, STATE, said
from tests.unit.test_report_page import HOSTILE, read

STAYS = Histories(counts={"former_versions": Count(1234, 5_000_000), "delete_markers": Count(56)})
UNCOUNTED = Histories(uncounted="korea/talk: no right to list versions")


def holding_of(category: str, *histories: Histories | None) -> Holding:
    """Return a category that is home, of which each wave was listed and showed this of its history."""
    waves = tuple(
        replace(HOME.waves[0], wave=f"w{number}", histories=each, unknown=(), listed_by=said(number))
        for number, each in enumerate(histories, 1)
    )
    return replace(HOME, category=category, waves=waves, told=as_known(HOME.told, waves))


def test_the_short_form_has_them_and_an_older_one_is_not_nought():
    """What an older program did not count is read as such, and a reason of any length is cut."""
    brief = brief_of(replace(PLAN, histories=replace(STAYS, uncounted="x" * 9999)))
    assert read_brief(brief.text()) == brief
    assert (brief.histories.counts, len(brief.histories.uncounted)) == (STAYS.counts, 500)
    fields = json.loads(brief_of(replace(PLAN, histories=STAYS)).text())
    run = RunRecord("1", "albums", "all", "plan", state="done", finished_at="2021-06-19T03:00:00+00:00", summary=json.dumps(fields))
    assert wave_holds("all", [run]).histories == STAYS
    del fields["histories"]
    older = wave_holds("all", [replace(run, summary=json.dumps(fields))])
    assert older.histories is None
    assert history_seen([("all", older.histories)]) == HistorySeen(uncounted=("all",))


def test_waves_are_added_up_and_those_that_nobody_counted_are_named():
    """A sum of which a part is not known is no sum: it says so."""
    assert history_seen([("a", STAYS), ("b", STAYS), ("c", NO_HISTORY)]) == HistorySeen(Count(2468, 10_000_000), 112)
    assert history_seen([("a", STAYS), ("b", UNCOUNTED), ("c", None), ("d", Histories())]).uncounted == ("b", "c", "d")
    assert history_seen([("a", Histories("all", STAYS.counts))]) == HistorySeen(moved=True)
    assert not history_seen([("a", Histories("all", {})), ("b", NO_HISTORY)]).moved
    assert history_seen([]) == HistorySeen()


@pytest.mark.parametrize(
    ("histories", "sentence"),
    [
        ((STAYS,), "and was read back; in Korea alone, and not to be moved"),
        ((UNCOUNTED,), "how many former versions stay in Korea is not known"),
        ((None,), "how many former versions stay in Korea is not known"),
        ((STAYS, UNCOUNTED), "former versions: at least 1,234 (4.8\u00a0MiB), delete markers: at least 56"),
    ],
)
def test_nobody_reads_home_while_history_stays_or_was_not_counted(histories, sentence):
    """Former versions of people's data that stay in Korea stand in big words, and nothing on the page is green."""
    category = holding_of("albums", *histories)
    told = verdict(replace(STATE, held=(category,)))
    assert told.level is Level.ATTENTION
    assert {point.level for point in told.points} == {Level.ATTENTION}
    assert told.text.en.startswith("The latest versions are home")
    assert sentence.replace("and was read back", "and were read back") in told.text.en
    assert as_document(replace(STATE, held=(category,)))["categories"][0]["chance"].startswith("history ")


def test_what_is_to_be_in_time_is_not_green_while_history_stays():
    """A pace tells when the latest versions are home; what stays is told beside it."""
    on_its_way = replace(holding_of("albums", STAYS), told=replace(HOME.told, chance=Chance.IN_TIME, left=Count(5, 5)))
    told = verdict(replace(STATE, held=(on_its_way,)))
    assert told.level is Level.ATTENTION
    assert "delete markers: 56" in told.points[0].text.en
    assert "削除マーカー 56" in told.points[0].text.ja


def test_where_nothing_stays_or_all_is_moved_home_is_said():
    """A source that keeps no versions, and a policy that moves them all, leave nothing behind."""
    for histories, words in ((NO_HISTORY, "no former version"), (Histories("all", STAYS.counts), "all versions are moved")):
        category = holding_of("albums", histories)
        told = verdict(replace(STATE, held=(category,)))
        assert (told.level, told.text.en) == (Level.GOOD, "All that was listed is home, and was read back")
        assert words in history_words(category.history, "KR").en
        assert words in " ".join(read(as_page(replace(STATE, held=(category,)))).text)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_residency_report_tells_them_wave_by_wave_with_who_counted_them(language):
    """On the page, in the artifact and in the document, each with its run; what came from outside acts as no mark-up."""
    category = holding_of("albums", STAYS, UNCOUNTED, None)
    hostile = replace(category, waves=(replace(category.waves[0], wave=HOSTILE), *category.waves[1:]))
    state = replace(STATE, held=(hostile, LATE))
    markdown, page = as_markdown(state, language=language), as_page(state)
    assert {"en": "Former versions and delete markers that stay", "ja": "移行元に残る旧バージョン"}[language] in markdown
    assert re.search(r"1,234 \| 4.8\sMiB \| 56 \|", markdown)
    reader = read(page)
    assert reader.wrong == reader.open == []
    assert {"1,234", "56", "not known", "不明"} <= set(reader.text)
    assert not [line for line in markdown.splitlines() if "<" in line.replace("\\<", "")]
    told = [text.en for text in unknowns(replace(STATE, held=(category,)))]
    assert [text.partition(":")[0] for text in told if "was not counted" in text] == ["albums, wave w2", "albums, wave w3"]


def test_programs_read_the_same():
    """In the document and in `status --json`: figures where somebody counted, null where nobody did, and the waves that lack."""
    assert history_document(holding_of("albums", STAYS, None)) == {
        "former_versions": {"objects": 1234, "bytes": 5_000_000},
        "delete_markers": 56,
        "all_versions_moved": False,
        "waves_not_counted": ["w2"],
    }
    nothing = history_document(holding_of("albums", None))
    assert (nothing["former_versions"], nothing["delete_markers"]) == (None, None)
    assert as_document(STATE)["categories"][0]["history"]["former_versions"] == {"objects": 0, "bytes": 0}


def test_status_tells_them_in_eighty_columns():
    """How many of which category, how large, and when that was counted; a category where nobody counted has no figure."""
    many = Histories(counts={"former_versions": Count(12_345_678, 9_999_999_999_999), "delete_markers": Count(1_234_567)})
    name = "official-account-videos"
    held = [
        holding_of(name, many, None),
        holding_of("files", NO_HISTORY),
        holding_of("talk", None),
        holding_of("all", Histories("all", {})),
    ]
    console = Console(width=80, file=StringIO())
    console.print(history_view.table(held, ZoneInfo("Asia/Tokyo")))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    told = re.sub(r"\s+", " ", " ".join(lines)).strip()
    assert told.startswith("not moved, stays former versions bytes delete markers seen (JST)")
    assert "files 0 0 B 0 06-01 12:12 talk not known – not known 06-01 12:12 all moved too – moved too 06-01 12:12" in told
    for figure in ("12,345,678", "1,234,567", "at least"):
        assert figure in told
    assert "stay at the source" in deadlines_view.sentence("files", holding_of("files", STAYS).told)
    assert "nobody has counted" in deadlines_view.sentence("files", holding_of("files", None).told)
