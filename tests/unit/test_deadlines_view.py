"""What `hikkoshi status` says of a category's deadline: from the ledger's runs alone, in words and as a document."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from hikkoshi.deadlines_view import fields, forecasts, sentence
from relocation.rules.brief import Brief
from relocation.rules.deadlines import Chance, Forecast
from relocation.rules.records import RunRecord
from relocation.rules.summary import Count
from tests.unit.ledger_cases import StillClock, ledger_at, url_of
from tests.unit.test_settings import migration

LEFT = Count(1200, 5 * 1024**2)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            Forecast(Chance.IN_TIME, LEFT, Count(100, 1), date(2021, 6, 20), 10),
            "at 100 a day they are by 2021-06-20, 10 days before it",
        ),
        (Forecast(Chance.IN_TIME, LEFT, Count(100, 1), date(2021, 6, 30), 0), "at 100 a day they are by 2021-06-30, the last one"),
        (Forecast(Chance.LATE, LEFT, Count(100, 1), date(2021, 7, 1), -1), "at 100 a day they are by 2021-07-01, 1 day AFTER it"),
        (Forecast(Chance.UNKNOWN, LEFT, unseen=("rest",)), "nobody has listed rest yet, so the day is unknown"),
        (Forecast(Chance.STANDS_STILL, LEFT), "it does not get less"),
        (Forecast(Chance.PASSED, LEFT, unseen=("rest",)), "the deadline is over"),
        (Forecast(Chance.NO_PACE, LEFT), "a pace shows from tomorrow on"),
    ],
)
def test_every_chance_has_its_sentence(told, said):
    """The person who reads it at three in the morning is told what is left and whether the day will be made."""
    assert sentence("albums", told) == f"albums: 1,200 objects (5.0 MiB) are not home; {said}"


async def test_the_ledgers_runs_tell_the_day_in_the_migrations_time_zone(tmp_path):
    """23:30 in UTC is the next day in Tokyo; dry runs, and runs that did not end, tell nothing."""
    settings = migration(tmp_path).model_copy(update={"ledger": url_of(tmp_path / "l.db")})
    name = "albums"
    run = RunRecord("1", name, "all", "run", state="done", finished_at="2021-05-31T23:30:00+00:00")
    ended = [
        replace(run, summary=_brief(100)),
        replace(run, id="2", kind="plan", finished_at="2021-06-02T00:00:00+00:00", summary=_brief(0)),
        replace(run, id="3", state="open", finished_at="", summary=_brief(0)),
        replace(run, id="4", finished_at="2021-06-03T01:00:00+00:00", summary=_brief(60)),
    ]
    async with ledger_at(tmp_path / "l.db", StillClock()) as ledger:
        for each in ended:
            begun, lease = await ledger.open_run(replace(each, state="open"), lease_s=30.0)
            await ledger.close_run(lease, replace(each, id=begun.id))
    told = (await forecasts(settings, date(2021, 6, 3), 100))[name]
    assert (told.left.objects, told.per_day.objects, told.home_by) == (60, 20, date(2021, 6, 6))
    assert fields(name, told)["left"] == {"objects": 60, "bytes": 600}


def _brief(left: int) -> str:
    home = Count(100 - left, 10 * (100 - left))
    return Brief(Count(100, 1000), home, home, 0).text()
