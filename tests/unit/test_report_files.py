"""Where a report goes, and what is said where this machine's drive refuses it."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.report.publish import ReportFiles
from hikkoshi.commands.report import _open, newest_pages
from hikkoshi.shell import Shell
from relocation.rules.errors import NoSpace, Refusal
from tests.unit.report_samples import GOOD


class Shelf:
    """A vault that keeps what it is given in memory."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def put(self, name: str, data: bytes, *, content_type: str = "") -> str:
        self.names.append(name)
        return ""


@contextmanager
def files_of_at_most(size: int):
    """Have the kernel refuse to make a file of this process any larger (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_report_that_the_drive_refuses_is_in_the_vault_and_leaves_no_half_of_itself(tmp_path):
    """C4: what is missing is only the copy here: the message says so, and what to do; no half page is left."""
    vault = Shelf()
    with files_of_at_most(1000), pytest.raises(Refusal, match=r"can't be written to .*in the vault \(runs/.*run again"):
        await ReportFiles(tmp_path, vault).publish(GOOD)
    assert [name.rpartition(".")[2] for name in vault.names] == ["json", "html"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    published = await ReportFiles(tmp_path, vault).publish(GOOD)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
    assert published.report.endswith("report.html")


async def test_a_full_drive_under_the_reports_is_no_space(tmp_path, monkeypatch):
    """C4: `/dev/full` refuses as a full drive does (ENOSPC)."""
    monkeypatch.setattr("connectors.report.publish.replaced", lambda _file, data: _written_to_full(data))
    with pytest.raises(NoSpace, match=r"No space left on device.*make room"):
        await ReportFiles(tmp_path, Shelf()).publish(GOOD)


def _written_to_full(data: bytes) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(data)


@pytest.mark.parametrize(
    ("kind", "stage", "name"),
    [("plan", "plan", "plan"), ("run", "verify", "run"), ("run", "copy", "run-until-copy"), ("verify", "verify", "verify")],
)
async def test_a_report_is_named_after_what_was_asked_for(tmp_path, kind, stage, name):
    """A run ends with a verification and is a run all the same; one that was to stop early says so and is not written over."""
    vault = Shelf()
    published = await ReportFiles(tmp_path, vault).publish(replace(GOOD, kind=kind, stage=stage))
    assert Path(published.report).parent.name == f"{GOOD.run_id}-{name}"
    assert all(f"/report-{name}-" in each for each in vault.names)


def test_reports_of_earlier_versions_are_found(tmp_path):
    """Folders that were named after the last stage are listed as before, and the newest page counts, whatever its name."""
    for age, name in enumerate(("1-plan", "2-verify", "3-run")):
        page = tmp_path / "reports" / "talk" / "all" / name / "report.html"
        page.parent.mkdir(parents=True)
        page.touch()
        os.utime(page, (age, age))
        (found,) = newest_pages(tmp_path, "talk")
        assert found.path == page


@pytest.mark.parametrize("opens", [True, False])
def test_where_there_is_no_browser_the_page_is_named(tmp_path, monkeypatch, capsys, opens):
    """`report --open` never ends in silence: without a browser it says so, and where the page lies."""
    monkeypatch.setattr("webbrowser.open", lambda _address: opens)
    _open(Shell(), tmp_path / "report.html")
    said = capsys.readouterr().err
    assert ("no browser could be opened" in said) is not opens
    assert (str(tmp_path / "report.html") in said) is not opens
