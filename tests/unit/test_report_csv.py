"""The lists as CSV: every key comes back exactly, and no cell is a formula, whatever the keys and reasons hold."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from urllib.parse import unquote

import pytest

from connectors.report import spreadsheet
from connectors.report.document import as_json
from connectors.report.spreadsheet import HEAD, rows_of, write
from connectors.report.spreadsheet_file import write_beside
from relocation.rules.errors import Refusal
from relocation.rules.summary import Named, Unclaimed, Unfinished
from tests.names.corpus import CORPUS
from tests.unit.report_samples import BAD, HOSTILE_KEYS, PLAN

LEADS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
KEYS = (*CORPUS, *HOSTILE_KEYS, "＝1+1", "－x", " =1", "x;=1+1", "'=1", "-", "")


def table(summary) -> list[list[str]]:
    """Write a report's lists, and read them as any reader of RFC 4180 does."""
    text = io.StringIO(newline="")
    write(text, rows_of(as_json(summary, rows_max=None)))
    return list(csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True))


def of_names():
    """A report in which every list and each reason holds hostile names."""
    named = tuple(Named("talk", key, f"=cmd|' /c calc'!A1 {key}", 2, "home", f"{key}-there") for key in KEYS)
    places = tuple(Unclaimed(f"korea/{key}", 1, 2, "2020-01-01T00:00:00Z") for key in KEYS)
    return replace(PLAN, refused=named, failed=named, conflicts=named[:3], unclaimed=places)


def test_every_key_comes_back_exactly_from_its_percent_encoded_column():
    """D17: 380 odd keys and more, through a file and back, byte for byte, at the source and at the target."""
    head, *rows = table(of_names())
    assert tuple(head) == HEAD
    assert {len(row) for row in rows} == {len(HEAD)}
    refused = [dict(zip(head, row, strict=True)) for row in rows if row[0] == "refused"]
    assert [unquote(row["key_percent_encoded"], errors="surrogatepass") for row in refused] == list(KEYS)
    targets = [unquote(row["target_key_percent_encoded"], errors="surrogatepass") for row in refused]
    assert targets == [f"{key}-there" for key in KEYS]
    places = [row[HEAD.index("key_percent_encoded")] for row in rows if row[0] == "unclaimed"]
    assert sorted(unquote(place, errors="surrogatepass") for place in places) == sorted(f"korea/{key}" for key in KEYS)


def cells_are_harmless() -> None:
    cells = [cell for row in table(of_names()) for cell in row]
    assert not [cell for cell in cells if cell.lstrip().startswith(LEADS)]
    assert not [cell for cell in cells if any(part.lstrip().startswith(LEADS) for part in cell.split(";")[1:])]
    assert not [cell for cell in cells if any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in cell)]


def test_no_cell_is_a_formula_in_any_spreadsheet():
    """D17: what begins as a formula, in full width too or behind a `;`, is text; no control character and no line break is left."""
    cells_are_harmless()


@pytest.mark.parametrize("guard", ["_cell", "_whole"])
def test_without_the_guard_a_key_would_be_a_formula(monkeypatch, guard):
    """Negative control: cells as they are would be obeyed."""
    monkeypatch.setattr(spreadsheet, guard, lambda text: text)
    with pytest.raises(AssertionError):
        cells_are_harmless()


def test_a_report_gets_its_table_beside_its_page(tmp_path):
    """Whoever sorts in a spreadsheet finds every list of the report, in a file that Excel reads as Japanese, closed to others."""
    begun = Unfinished("source", "korea/talk/", 3, bytes=9, looked_into=3, oldest="2026-01-01T00:00:00Z")
    document = as_json(replace(BAD, unfinished=(begun,)), rows_max=None)
    page = tmp_path / "report.html"
    page.with_name("report.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    found = write_beside(page)
    assert found == tmp_path / "report.csv"
    assert found.read_bytes().startswith(b"\xef\xbb\xbflist,bucket,key,")
    assert found.read_bytes().count(b"\r\n") == len(list(csv.reader(found.open(encoding="utf-8-sig", newline=""))))
    assert found.stat().st_mode & 0o077 == 0
    lists = {row[0] for row in csv.reader(found.open(encoding="utf-8-sig", newline=""))}
    wanted = {
        "refused",
        "failed",
        "conflicts",
        "mismatched",
        "drifted",
        "gone",
        "foreign",
        "unclaimed",
        "unfinished uploads, source",
    }
    assert lists == {"list", *wanted}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.csv", "report.json"]


def test_a_table_that_cannot_be_made_is_refused_in_words(tmp_path):
    """A document that is gone or cut short leaves no half table behind."""
    page = tmp_path / "report.html"
    for text in (None, '{"refused": ['):
        if text:
            page.with_name("report.json").write_text(text)
        with pytest.raises(Refusal, match="can't be written as CSV"):
            write_beside(page)
        assert not list(tmp_path.glob("*.csv*"))
