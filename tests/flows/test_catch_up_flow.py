"""A catch-up and the residency page as an operator starts them: a live source brought level, a fence only where it was chosen."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

pytestmark = pytest.mark.server


async def test_a_catch_up_from_its_form_brings_level_and_raises_no_fence_unasked(office):
    """X13: what was put, overwritten and deleted since is followed. With the switch on, and only then, the last pass is fenced."""
    office.seed("notes", "level/a", "level/b")
    assert office.end_of(office.start("wave-notes", wave="all", dry_run=False)).state == "Completed"
    office.seed("notes", "level/a", body=b"another picture")
    office.seed("notes", "level/c")
    office.client("korea").delete_object(Bucket="notes", Key="level/b")
    done = office.end_of(office.start("catch-up-notes"))
    assert (done.type, done.state, done.name) == ("COMPLETED", "Completed", "notes, wave all: catch up")
    assert office.keys("japan", "notes", "level/") == {"level/a", "level/c"}
    assert office.client("japan").get_object(Bucket="notes", Key="level/a")["Body"].read() == b"another picture"
    assert "Passes made" in office.artifacts(done.id)["catch-up-notes-all"]["data"]
    assert await fences(office) == ([], 0)
    office.seed("notes", "level/d")
    office.state.configuration.with_name("today.txt").write_text("level/d\n")
    narrowed = office.end_of(office.start("catch-up-notes", changed="today.txt"))
    assert narrowed.type == "COMPLETED", narrowed.message
    assert office.keys("japan", "notes", "level/") == {"level/a", "level/c", "level/d"}
    outside = office.end_of(office.start("catch-up-notes", changed="../today.txt"))
    assert outside.type == "FAILED"
    assert "outside of the configuration's folder" in outside.message
    fenced = office.end_of(office.start("catch-up-notes", fence=True))
    assert (fenced.type, fenced.name) == ("COMPLETED", "notes, wave all: catch up behind a write fence"), fenced.message
    assert "then one more was made behind a write fence" in fenced.message
    assert await fences(office) == ([], 2)
    shown = office.end_of(office.start("residency-korea-to-japan"))
    assert shown.state == "Completed", shown.message
    page = office.artifacts(shown.id)["residency-korea-to-japan"]["data"]
    assert "## notes" in page
    assert "notes: " in shown.message


async def fences(office) -> tuple[list[object], int]:
    """Return the fences that stand, and how often one was raised or lifted so far."""
    async with office.ledger() as ledger:
        standing = list(await ledger.fences())
    with contextlib.closing(sqlite3.connect(f"file:{office.state.var / 'ledger.db'}?mode=ro", uri=True)) as database:
        ((events,),) = database.execute("SELECT count(*) FROM audit WHERE action LIKE 'fence.%'")
    return standing, events
