"""`losses.csv` beside a report: every object that lost something, whole or not there, however many there are."""

from __future__ import annotations

import csv
import json

import pytest

from connectors.report.document import as_json
from connectors.report.lists import listings
from connectors.report.losses import LossFile
from connectors.report.publish import ReportFiles
from connectors.report.spreadsheet_file import write_beside
from relocation.rules.errors import NoSpace, Refusal
from relocation.rules.records import RunRecord
from relocation.rules.roll_up import merged
from relocation.rules.summary import LOST_NAMED_MAX, Named, Summary
from tests.unit.test_report_files import Shelf, files_of_at_most

RUN = RunRecord("r1", "talk", "all", "run", stage="verify")
HEAD = ("m", "talk", "all", "r1", "run", "verify", "", "")


def lost(number: int) -> list[Named]:
    return [Named("talk", f"u{each}/=写真", "content-language; non-ASCII tags") for each in range(number)]


def breaks_off(folder, number: int, error: Exception | None = None) -> None:
    with ReportFiles(folder, Shelf()).losses(RUN) as add:
        add(lost(number))
        if error:
            raise error


async def published(folder, number: int):
    """Write a report of a run in which so many objects lost something, part by part as they are counted."""
    reports = ReportFiles(folder, Shelf())
    with reports.losses(RUN) as add:
        for begin in range(0, number, 1000):
            add(lost(number)[begin : begin + 1000])
        add(())
    return await reports.publish(Summary(*HEAD, lost=tuple(lost(number)[:LOST_NAMED_MAX]), lost_objects=number))


async def test_every_object_that_lost_something_stands_in_a_file_beside_the_report(tmp_path):
    """What an approver signs is named whole: the page shows some and says how many there are, the file and the CSV have all."""
    summary = await published(tmp_path, 2500)
    (page,) = tmp_path.rglob("report.html")
    losses = page.with_name("losses.csv")
    assert losses.stat().st_mode & 0o077 == 0
    rows = list(csv.reader(losses.open(encoding="utf-8-sig", newline="")))
    assert (len(rows), rows[-1][3], rows[-1][6]) == (2501, "u2499/%3D%E5%86%99%E7%9C%9F", "content-language; non-ASCII tags")
    (listing,) = [each for each in listings(summary) if each.name == "lost"]
    assert (listing.total, listing.shown) == (2500, 200)
    document = json.loads(page.with_name("report.json").read_text(encoding="utf-8"))
    assert (len(document["lost"]), document["truncated"]["lost"]) == (1000, 2500)
    whole = list(csv.reader(write_beside(page).open(encoding="utf-8-sig", newline="")))
    assert [row[3] for row in whole if row[0] == "lost"] == [row[3] for row in rows[1:]]
    losses.unlink()  # without it the table has those that the document names
    named = [line for line in write_beside(page).read_text(encoding="utf-8-sig").splitlines() if line.startswith("lost,")]
    assert len(named) == 1001
    assert "2500 objects in all: each stands in losses.csv" in named[-1]


async def test_a_run_that_lost_nothing_leaves_no_such_file(tmp_path):
    """The file of an earlier report of the same run goes too: nothing that is no longer so stays behind."""
    await published(tmp_path, 3)
    summary = await published(tmp_path, 0)
    assert not list(tmp_path.rglob("losses*"))
    assert as_json(summary)["lost"] == []


async def test_a_run_that_breaks_off_leaves_no_half_of_the_file(tmp_path):
    """Half a list of losses would be taken for the whole."""
    with pytest.raises(KeyError):
        breaks_off(tmp_path, 2000, KeyError())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_drive_that_refuses_it_is_said(tmp_path, monkeypatch):
    """C4: the message says what is missing, where the facts are, and what to do."""
    with files_of_at_most(1000), pytest.raises(Refusal, match=r"can't be written to .*losses\.csv.*run again"):
        breaks_off(tmp_path, 5000)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("connectors.report.losses.write", full)
    with pytest.raises(NoSpace, match="No space left"):
        LossFile(tmp_path / "losses.csv").add(lost(1))


def test_waves_are_summed_up_and_name_a_bounded_number():
    """A category's report counts what every wave lost, and sends to the waves' files for the rest."""
    waves = [Summary(*HEAD, lost=tuple(lost(800)), lost_objects=800), Summary(*HEAD, lost=tuple(lost(900)[::-1]), lost_objects=900)]
    whole = merged(waves)
    assert (len(whole.lost), whole.lost_objects) == (900, 1700)
    assert as_json(whole)["truncated"]["lost"] == 1700
