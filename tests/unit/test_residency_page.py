"""The residency report as people see it: each figure with its run and time, what nobody knows in words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.report.residency import as_document, as_page, unclaimed, unknowns, verdict
from connectors.report.residency_files import write
from connectors.report.residency_markdown import as_markdown
from connectors.report.timeline import timeline
from connectors.report.verdict import Level
from connectors.report.words import as_text
from relocation.rules.deadlines import DayEnd, Forecast
from relocation.rules.errors import Refusal
from relocation.rules.residency import WaveHolds
from relocation.rules.summary import Count, Unclaimed
from tests.unit.residency_samples import HOME, LATE, STATE, TODAY, UNSEEN, said
from tests.unit.test_report_page import HOSTILE, read

FRESH = replace(STATE, held=(replace(HOME, waves=tuple(replace(wave, unknown=()) for wave in HOME.waves)),))


def words(page: str) -> str:
    return " ".join(read(page).text)


def test_every_figure_stands_beside_its_run_and_its_time():
    """A regulator who asks "who says so, and when" is answered on the page, in both languages."""
    page = as_page(STATE)
    text = words(page)
    for category in STATE.held:
        for wave in category.waves:
            for by in filter(None, (wave.listed_by, wave.proved_by)):
                assert by.run in text
                assert f"{by.at[:10]} 12:12:44 JST" in text
    for figure in ("2,400,000", "10,000,000", "4,620,000", "5,380,000", "412", "期限を 3 日超過", "3 days after the deadline"):
        assert figure in text
    reader = read(page)
    assert reader.wrong == reader.open == []
    assert not [name for name, _ in reader.elements if name in {"script", "img", "link", "iframe"}]
    assert "http" not in page.replace("http-equiv", "")


def test_what_nobody_knows_is_said():
    """What was never listed, not of late, or never read back is no nought: it stands there in words, and has no figure."""
    told = [text.en for text in unknowns(STATE)]
    assert "timeline, wave users: nobody has listed it yet; how much there is is not known" in told
    assert any(text.startswith("talk-images, wave rest: last listed 11 days ago (2021-06-09") for text in told)
    assert any(text.startswith("albums, talk-images, timeline: korea/talk hides children") for text in told)
    listed = replace(FRESH, held=(replace(HOME, waves=(replace(HOME.waves[0], proved_by=None, unknown=()),)),))
    assert [text.en for text in unknowns(listed)] == ["albums: listed, and nothing of it was read back at the target yet"]
    unseen = words(as_page(replace(STATE, held=(replace(UNSEEN, waves=UNSEEN.waves[1:]),))))
    assert "not known" in unseen
    assert "0 · 0\u00a0B" not in unseen
    assert list(unknowns(FRESH)) == []


@pytest.mark.parametrize(
    ("held", "level", "sentence"),
    [
        ((HOME,), Level.GOOD, "All that was listed is home, and was read back"),
        ((HOME, LATE, UNSEEN), Level.BAD, "Not home by the deadline, at the pace seen: talk-images"),
        ((HOME, UNSEEN), Level.ATTENTION, "Not all is known: part of the source was never listed"),
        ((replace(UNSEEN, waves=UNSEEN.waves[:1]),), Level.ATTENTION, "Not home yet: 3,000 objects"),
    ],
)
def test_the_sentence_in_big_words_is_the_worst_that_is_true(held, level, sentence):
    """Home is said only if every wave was listed and read back; a deadline that is missed stands above all."""
    told = verdict(replace(STATE, held=held))
    assert (told.level, told.text.en[: len(sentence)]) == (level, sentence)
    assert len(told.points) == len(held)


def test_a_place_that_no_category_claims_is_named_once_by_whoever_saw_it_last():
    """What a newer listing no longer shows is no longer there; what it could not count has no figure."""
    newer = replace(LATE.waves[0], listed_by=said(20), unclaimed=(Unclaimed("korea/new/", -1, -1, ""),))
    state = replace(STATE, held=(HOME, replace(LATE, waves=(newer,))))
    assert [(each.place.place, each.said.run) for each in unclaimed(state.held)] == [("korea/new/", said(20).run)]
    assert as_document(state)["unclaimed"][0]["objects"] is None


def test_what_came_from_outside_is_no_mark_up():
    """A name of a category, a place, a run or a sentence can't break out of the page."""
    wave = replace(HOME.waves[0], wave=HOSTILE, unknown=(HOSTILE,), unclaimed=(Unclaimed(f"korea/{HOSTILE}", 1, 1, ""),))
    page = as_page(replace(STATE, migration=HOSTILE, held=(replace(HOME, category=HOSTILE, owner=HOSTILE, waves=(wave,)),)))
    reader = read(page)
    assert not [name for name, _ in reader.elements if name in {"script", "img"}]
    assert reader.wrong == reader.open == []
    assert "\u202e" not in page


def test_nothing_was_begun_and_the_page_is_there_all_the_same():
    """Before the first run everything is unknown, and that is what the page says."""
    state = replace(STATE, held=(replace(UNSEEN, waves=(WaveHolds("all"),), days=()),))
    page = as_page(state)
    assert read(page).wrong == []
    assert verdict(state).text.en == "Not all is known: part of the source was never listed"
    assert f"{UNSEEN.category}: not listed; whether it makes its deadline" in page
    assert "0 objects left; whether" not in page


@pytest.mark.parametrize("due_days", [-400, -1, 0, 1, 400])
def test_the_picture_holds_wherever_the_deadline_is(due_days):
    """A deadline long over, today, or years ahead: nothing is drawn outside the picture, and a single day is one too."""
    days = (DayEnd(TODAY - timedelta(days=3), Count(), Count()), DayEnd(TODAY, Count(5, 5), Count()))
    told = Forecast(UNSEEN.told.chance, Count(5, 5), Count(1, 1), TODAY + timedelta(days=5), 1)
    for some in (days, days[-1:]):
        drawn = str(timeline(some, told, deadline=TODAY + timedelta(days=due_days), today=TODAY, title=as_text("t")))
        numbers = [float(part) for part in drawn.replace('"', " ").split() if part.replace(".", "", 1).lstrip("-").isdigit()]
        assert max(numbers) <= 720
        assert min(numbers) >= 0


def test_page_and_document_lie_side_by_side(tmp_path):
    """The same figures for people and for programs; a folder that can't be written is refused in words."""
    page = write(STATE, tmp_path / "out")
    document = json.loads(page.with_suffix(".json").read_text())
    assert document["categories"][1]["left"]["objects"] == 5_380_000
    assert document["categories"][1]["waves"][0]["listed_by"]["kind"] == "plan"
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="take another --out"):
        write(STATE, tmp_path / "file")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_operators_artifact_says_what_the_page_says(language):
    """Who says so and when beside each figure, what nobody knows in words, and nothing from outside acts as mark-up."""
    shown = as_markdown(STATE, language=language)
    for category in STATE.held:
        assert f"## {category.category}" in shown
        for wave in category.waves:
            assert all(by.run in shown for by in (wave.listed_by, wave.proved_by) if by)
    for figure in ("2,400,000", "5,380,000", "`korea/%3Cb%3Esecret`", "4,623,000"):
        assert figure in shown
    hostile = replace(LATE, owner=HOSTILE)
    lines = as_markdown(replace(STATE, held=(hostile,)), language=language).splitlines()
    assert not [line for line in lines if "<" in line.replace("\\<", "")]
    assert len([line for line in lines if line.startswith("## ")]) == 3
