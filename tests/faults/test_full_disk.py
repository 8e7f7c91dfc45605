"""A disk that fills up or refuses in the middle of a run, under the ledger, the evidence or the report (C4).

The faults are real ones: SQLite's own limit of pages ("database or disk is full"), the kernel's limit of file sizes (EFBIG), a
quota; and, in tests/system, a small drive that is really full.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from contextlib import asynccontextmanager

import pytest

from connectors.ledger.store import SqlLedger
from connectors.s3.store import S3Store
from hikkoshi.exit_codes import ExitCode
from hikkoshi.fault_proxy import Call, Fault
from relocation.rules.errors import HikkoshiError, NoSpace
from relocation.stages.wave import WaveRequest, run_wave
from tests.command.calls import call, started, wait_until
from tests.command.test_stops import held
from tests.faults.stack import CATEGORY, Case, behind_proxies

__all__ = ["held"]
pytestmark = pytest.mark.server

OBJECTS = 300
"""So many that their intents do not fit into the pages which the database has already."""
HELD_OBJECTS = 60
FILLED_AT = 20


class Order:
    """What the writer began, and what the ledger refused, in the order in which it happened in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, heard: bool = True) -> None:
        self.events: list[str] = []
        self._wrap(monkeypatch, S3Store, "put", heard=True)
        for method in ("intend", "record"):
            self._wrap(monkeypatch, SqlLedger, method, heard=heard)

    def _wrap(self, monkeypatch: pytest.MonkeyPatch, owner: type, method: str, *, heard: bool) -> None:
        true = getattr(owner, method)

        async def watched(this, *args, **kwargs):
            if owner is S3Store and this.role == "writer":
                self.events.append("put")
            try:
                return await true(this, *args, **kwargs)
            except NoSpace:
                self.events.append("full")
                if heard:
                    raise

        monkeypatch.setattr(owner, method, watched)

    def puts_after_full(self) -> int:
        return self.events[self.events.index("full") :].count("put")


async def seed(case: Case) -> None:
    case.transfer = {"intent_objects": 8, "concurrency": 4}
    await case.house.seed(case.bucket, ((f"{number:03}", f"{number:03}".encode() * 100) for number in range(OBJECTS)))


@asynccontextmanager
async def filling_up(case: Case):
    """A run whose ledger's database may not grow any more from the twentieth PUT on: yields what runs it."""
    async with behind_proxies(case) as (_, japan), case.context() as context:
        database = context.ledger._database

        def fill() -> None:
            with database._engine.connect() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
                connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

        async def filled() -> None:
            await context.ledger._run(fill)

        japan.faults = [Fault(Call(filled), method="PUT", target=f"^/{case.bucket}/", nth=FILLED_AT)]
        yield lambda: run_wave(context, WaveRequest(CATEGORY, "all"))


async def test_a_ledger_that_fills_up_midway_stops_every_write_and_the_run_goes_on_after_room(case, monkeypatch):
    """C4: no PUT begins once the ledger refused; the message says what is full and what to do; nothing is lost or done twice."""
    await seed(case)
    with monkeypatch.context() as patch:
        order = Order(patch)
        async with filling_up(case) as run:
            with pytest.raises(NoSpace, match=r"the ledger .*ledger\.db can't grow, the disk is full.*make room there, run again"):
                await run()
    assert order.puts_after_full() == 0
    assert FILLED_AT <= len(case.listed("japan")) < OBJECTS
    stopped = await case.last_run()
    assert (stopped.state, stopped.kind) == ("open", "run")
    summary = await case.run()
    assert summary.run_id == stopped.id
    case.assert_reconciled(summary, objects=OBJECTS)
    assert set(case.versions().values()) == {1}


async def test_without_the_stop_writes_would_go_on_that_nothing_records(case, monkeypatch):
    """C4, control: where the ledger's refusal is not heard, PUTs begin after it."""
    await seed(case)
    order = Order(monkeypatch, heard=False)
    async with filling_up(case) as run:
        with contextlib.suppress(HikkoshiError):  # how it ends is chance: room comes back when a shard is sealed
            await run()
    assert order.puts_after_full() > 0


def test_a_ledger_whose_drive_refuses_ends_the_command_and_the_same_one_goes_on(held):
    """C4: a limit of file sizes met in the middle (EFBIG) is exit 3 with what to look for; then nothing is asked of the target."""
    case, proxy, gate = held
    wal = case.folder / "state" / "ledger.db-wal"
    with started("run", CATEGORY, "--json", "--config", case.config) as process:
        wait_until(lambda: len(case.seen(proxy, "PUT")) > 10 and wal.exists())
        limit = wal.stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        gate.opened.set()
        out, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.STOPPED, err
    assert "its drive refuses" in out
    assert "ulimit -f" in out
    assert 10 <= len(case.listed("japan")) < HELD_OBJECTS
    before = set(case.listed("japan"))
    done = call("run", CATEGORY, "--json", "--config", case.config)
    assert done.code == ExitCode.DONE, done.err
    assert case.listed("japan") == case.listed("korea")
    assert all(versions == 1 for key, versions in case.versions().items() if key in before)


async def test_evidence_that_finds_no_room_leaves_its_shard_open_until_there_is(case):
    """C4, S3: facts that can't be sealed into the vault stay in the ledger; the next run seals them and writes no object again."""
    await seed(case)
    admin = case.house.admin("japan")

    async def fill() -> None:
        await asyncio.to_thread(admin.bucket_quota_set, "evidence", 1)

    try:
        async with behind_proxies(case) as (_, japan):
            japan.faults = [Fault(Call(fill), method="PUT", target=f"^/{case.bucket}/", nth=FILLED_AT)]
            with pytest.raises(NoSpace, match="evidence"):
                await case.run()
    finally:
        await asyncio.to_thread(admin.bucket_quota_clear, "evidence")
    stopped = await case.last_run()
    assert len(await case.tail(stopped.id)) == OBJECTS
    summary = await case.run()
    assert summary.run_id == stopped.id
    case.assert_reconciled(summary, objects=OBJECTS)
    assert set(case.versions().values()) == {1}
