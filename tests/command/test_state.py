"""The ledger and the state directory: read-only, gone, or another migration's: exit code 3, with what to do, nothing changed."""

from __future__ import annotations

import asyncio
import json

import pytest

from hikkoshi.command import call as in_process
from hikkoshi.exit_codes import ExitCode
from tests.command.calls import call
from tests.faults.stack import CATEGORY, Case
from tests.unit.test_ledger_open import without_rights

pytestmark = pytest.mark.server


async def run_once(case: Case) -> None:
    case.put("a", b"a")
    async with case.context():
        pass
    done = call("run", CATEGORY, "--config", case.config)
    assert done.code == ExitCode.DONE, done.err


def refused(case: Case, config: str, *words: str) -> None:
    before = case.versions()
    done = call("run", CATEGORY, "--json", "--config", case.folder / config)
    assert done.code == ExitCode.STOPPED, done.err
    assert done.document["error"]["kind"] == "StateMismatch"
    for word in words:
        assert word in done.document["error"]["message"]
    assert case.versions() == before


def test_a_read_only_ledger(case, capsys):
    """Nothing is copied where it could not be recorded. (In this process, since root may write whatever a file's mode says.)"""
    asyncio.run(run_once(case))
    case.put("b", b"b")
    ledger = case.folder / "state" / "ledger.db"
    ledger.chmod(0o444)
    with without_rights():
        code = in_process(["run", CATEGORY, "--json", "--config", str(case.config)])
    ledger.chmod(0o600)
    document = json.loads(capsys.readouterr().out)
    assert code == ExitCode.STOPPED == document["exit_code"]
    assert "read-only" in document["error"]["message"]
    assert "b" not in case.listed("japan")


async def test_a_ledger_that_is_gone_is_not_begun_afresh(case):
    """The vault holds facts of this migration, the ledger is gone: refused by `run`, and named by `check`."""
    await run_once(case)
    (case.folder / "state" / "ledger.db").rename(case.folder / "state" / "elsewhere.db")
    checked = call("check", "--json", "--config", case.config)
    assert checked.code == ExitCode.STOPPED
    assert any("the ledger is gone" in problem["what"] for problem in checked.document["problems"])
    assert not (case.folder / "state" / "ledger.db").exists()
    refused(case, case.config.name, "the ledger is empty", "facts")


async def test_another_migrations_state(case):
    """A state directory that belongs to another migration is refused by name."""
    await run_once(case)
    text = case.config.read_text().replace(f"migration: {case.bucket}", f"migration: {case.bucket}-other")
    (case.folder / "other.yaml").write_text(text)
    refused(case, "other.yaml", "belongs to the migration", case.bucket)


async def test_a_residency_report_before_anything_was_done_begins_no_ledger(case):
    """The report is there on the first day, asks no store, and says of everything that it is not known."""
    done = call("residency", "--json", "--out", case.folder / "out", "--config", case.config)
    assert done.code == ExitCode.DONE, done.err
    assert "nobody has listed it yet" in done.document["unknown"][0]
    assert (case.folder / "out" / "residency.html").is_file()
    assert not (case.folder / "state").exists()


async def test_status_before_anything_was_done_begins_no_ledger(case):
    """Looking at a migration that nobody has begun makes no file."""
    done = call("status", "--json", "--config", case.config)
    assert done.code == ExitCode.DONE
    assert done.document["waves"][0]["last_run"] is None
    assert not (case.folder / "state").exists()
