"""Which country holds what: from what runs sealed, each figure with its run and time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from rich.console import Console

from connectors.report.residency import State, unknowns, verdict
from connectors.report.verdict import Level
from hikkoshi import deadlines_view
from hikkoshi.categories_view import Stands, document, sparkline, stands, table
from relocation.rules.brief import Brief, brief_of, read_brief
from relocation.rules.deadlines import Chance, DayEnd, day_ends, forecast
from relocation.rules.records import RunRecord
from relocation.rules.residency import Said, age_days, as_known, by_day, wave_holds
from relocation.rules.summary import Count, Histories, Named, Unclaimed
from relocation.stages.residency import holdings, sights
from tests.unit.ledger_cases import StillClock, ledger_at, url_of
from tests.unit.report_samples import BAD, PLAN
from tests.unit.residency_samples import NO_HISTORY
from tests.unit.test_settings import migration

TODAY = date(2021, 6, 3)
RUN = RunRecord("1", "albums", "all", "run", state="done", finished_at="2021-06-01T03:00:00+00:00")
HOME = Brief(Count(100, 1000), Count(97, 970), Count(97, 970), 3, {"refuse": Count(3, 30)}, {"read_back": 97})
LISTED = Brief(Count(110, 1100), Count(), Count(10, 100), 3, {"refuse": Count(3, 30)})


def ran(id_: str, brief: Brief, **changes: str) -> RunRecord:
    return replace(RUN, id=id_, summary=brief.text(), **changes)


@pytest.mark.parametrize("summary", [PLAN, BAD])
def test_what_a_run_came_to_is_read_back_as_it_was_written(summary):
    """The ledger holds the counts, no key of an object, and no more than a page of text."""
    many = tuple(Unclaimed(f"korea/talk/{number}\x00/", number, number, "") for number in range(5000))
    brief = brief_of(replace(summary, unclaimed=many, unknown=("x" * 9999,) * 99))
    text = brief.text()
    assert read_brief(text) == brief
    assert brief.unclaimed_places == 5000
    assert len(text) < 50_000
    assert "\x00" not in text
    assert not any(each.key in text for each in (*summary.refused, *summary.conflicts))


def test_what_an_older_program_wrote_is_read_too():
    """A ledger outlives the program: what an older one did not count is not there, and not nought."""
    old = json.dumps({"listed": [2, 20], "verified": [1, 10], "attention": 1})
    assert read_brief(old) == Brief(Count(2, 20), Count(1, 10), Count(), 1)
    assert read_brief("") is None


def test_each_figure_is_that_of_the_newest_run_that_saw_it():
    """A dry run after a run shows what the source holds now; what is home stays what was read back, with that run's time."""
    dry = ran("2", LISTED, kind="plan", finished_at="2021-06-02T03:00:00+00:00")
    holds = wave_holds("all", [replace(dry, id="3", state="failed"), replace(dry, wave="rest", id="4"), dry, ran("1", HOME)])
    assert (holds.there, holds.left, holds.home) == (Count(110, 1100), Count(13, 130), Count(97, 970))
    assert holds.listed_by == Said("2", "plan", "2021-06-02T03:00:00+00:00")
    assert holds.proved_by == Said("1", "run", RUN.finished_at)
    assert wave_holds("all", [ran("1", HOME)]).left == Count(3, 30)
    assert wave_holds("all", [dry]).proved_by is None
    assert wave_holds("all", []).listed_by is None


def test_a_day_without_a_run_stands_as_the_one_before():
    """By day: nothing is drawn before the first run, and a quiet day changes nothing."""
    ends = [DayEnd(date(2021, 6, 1), Count(80, 800), Count(20, 200)), DayEnd(TODAY, Count(), Count(100, 1000))]
    assert [(day.day.day, day.left.objects) for day in by_day(ends, TODAY, 5)] == [(1, 80), (2, 80), (3, 0)]
    assert sparkline(by_day(ends, TODAY, 5)) == "██·"
    assert sparkline([DayEnd(TODAY, Count(left), Count()) for left in (800, 400, 1)]) == "█▄▁"
    assert sparkline(()) == ""
    assert age_days("2021-06-01T00:00:00", datetime(2021, 6, 3, 1, tzinfo=UTC)) == 2


async def test_status_tells_what_is_where_from_the_ledger_alone(tmp_path):
    """There, moving, home, refused, left by day: all stores may be down."""
    settings = migration(tmp_path).model_copy(update={"ledger": url_of(tmp_path / "l.db")})
    async with ledger_at(tmp_path / "l.db", StillClock()) as ledger:
        begun, lease = await ledger.open_run(replace(ran("1", HOME), state="open"), lease_s=30.0)
        await ledger.close_run(lease, replace(begun, state="done"))
        under_way, lease = await ledger.open_run(replace(RUN, id="2", state="open", stage="copy"), lease_s=9e9)
        await ledger.add_shards(under_way.id, "copy", [(5, 50), (2, 20)])
        held = await holdings(settings, ledger, TODAY)
        told = await stands(settings, TODAY, 100)
    albums = told["albums"]
    assert [each.category for each in held] == list(told)
    assert (albums.moving, albums.holding.proofs) == (Count(7, 70), {"read_back": 97})
    shown = document(albums, TODAY)
    assert [shown[name]["objects"] for name in ("there", "moving", "home", "refused", "left")] == [100, 7, 97, 3, 3]
    assert [day["left"]["objects"] for day in shown["by_day"]] == [3, 3, 3]
    assert shown["waves"][0]["proved_by"] == {"run": "1", "kind": "run", "at": RUN.finished_at}


async def test_the_table_fits_eighty_columns(tmp_path):
    """Ten million objects and a long name are still readable on a small terminal."""
    settings = migration(tmp_path)
    (first, *_) = await holdings(settings, None, TODAY)
    wave = replace(first.waves[0], there=Count(10_000_000, 1), home=Count(9_999_999, 1), listed_by=Said("1", "run", ""))
    days = tuple(DayEnd(date(2021, 5, day), Count(day, 1), Count()) for day in range(10, 31))
    big = replace(first, category="official-account-videos", waves=(wave,), days=days)
    console = Console(width=80, file=StringIO())
    console.print(table([Stands(big, Count(1_000_000, 1)), Stands(first, Count())], TODAY))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    for figure in ("10,000,000", "9,999,999", "1,000,000", "not listed"):
        assert any(figure in line for line in lines)


def test_what_a_listing_hides_is_left_at_the_source_and_counts_as_trouble():
    """An object that only the list of keys knew of is not home: neither status nor the residency page may forget it again."""
    hidden = tuple(Named("files", f"foo/{number}", "there") for number in range(2))
    brief = brief_of(replace(PLAN, hidden=hidden))
    assert brief.trouble["hidden"] == Count(2, 0)
    holds = wave_holds("all", [ran("1", replace(HOME, listed=HOME.verified, trouble={"hidden": Count(2, 0)}))])
    assert (holds.there.objects, holds.left.objects, holds.home.objects) == (99, 2, 97)


LISTED_AND_HOME = replace(HOME, listed=HOME.verified, trouble={}, histories=NO_HISTORY)
STAYS = Histories(counts={"former_versions": Count(3, 30), "delete_markers": Count()})


@pytest.mark.parametrize(
    ("brief", "dry", "chance"),
    [
        (LISTED_AND_HOME, None, Chance.HOME),
        (LISTED_AND_HOME, LISTED, Chance.GROWN),
        (replace(LISTED_AND_HOME, histories=STAYS), None, Chance.HISTORY),
        (
            replace(LISTED_AND_HOME, histories=Histories(counts={**NO_HISTORY.counts, "delete_markers": Count(1)})),
            None,
            Chance.HISTORY,
        ),
        (replace(LISTED_AND_HOME, histories=Histories("all", STAYS.counts)), None, Chance.HOME),
        (replace(LISTED_AND_HOME, histories=Histories(uncounted="no right to list them")), None, Chance.NOT_COUNTED),
        (replace(LISTED_AND_HOME, histories=None), None, Chance.NOT_COUNTED),
        (Brief(Count(), Count(), Count(), 0), None, Chance.NOTHING),
        (replace(LISTED_AND_HOME, selection="other waves"), None, Chance.CHANGED),
        (replace(LISTED_AND_HOME, selection="other waves"), replace(LISTED, selection="these"), Chance.CHANGED),
        (replace(LISTED_AND_HOME, selection="these"), None, Chance.HOME),
        (None, LISTED, Chance.NO_PACE),
        (None, None, Chance.UNKNOWN),
    ],
)
def test_nothing_is_called_home_that_the_newest_figures_do_not_show_to_be(brief, dry, chance):
    """What came since, history that stays or was not counted, nothing at all, or waves that were cut otherwise: none is home."""
    runs = [run for run in (dry and ran("2", dry, kind="plan"), brief and ran("1", brief)) if run]
    waves = (wave_holds("all", runs, "these"),)
    told = as_known(forecast(day_ends(sights(runs, UTC), ["all"]), date(2021, 6, 30), TODAY), waves)
    assert (told.chance, told.left) == (chance, waves[0].left)


async def test_waves_that_were_cut_otherwise_since_are_named(tmp_path):
    """A share that grew or shrank leaves objects in two waves' figures, or in none: the page says so, and calls nothing home."""
    settings = migration(tmp_path)
    first, *_ = await holdings(settings, None, TODAY)
    stale = wave_holds("all", [ran("1", replace(LISTED_AND_HOME, selection="before"))], "now")
    held = replace(first, waves=(stale,), told=as_known(first.told, (stale,)))
    state = State("m", "Asia/Tokyo", "", datetime(2021, 6, 3, tzinfo=UTC), TODAY, (held,))
    assert verdict(state).level is not Level.GOOD
    assert "moves or waves were changed" in verdict(state).text.en
    assert any("in two waves" in text.en for text in unknowns(state))
    assert "catch up or run it again" in deadlines_view.sentence("albums", held.told)
