"""Where a report goes, and what is said where this machine's drive refuses it."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.report.publish import ReportFiles
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
    monkeypatch.setattr("connectors.report.publish._replace", lambda _file, data: _written_to_full(data))
    with pytest.raises(NoSpace, match=r"No space left on device.*make room"):
        await ReportFiles(tmp_path, Shelf()).publish(GOOD)


def _written_to_full(data: bytes) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(data)
