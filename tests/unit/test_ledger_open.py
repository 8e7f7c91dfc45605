"""Opening a ledger: ours is brought up to date, every other file is refused in words, and nothing is begun by mistake."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import sqlite3
import sys
import textwrap
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateTable

from connectors.ledger import database
from connectors.ledger.database import MIGRATIONS, Database
from connectors.ledger.schema import HEAD, REVISIONS, metadata
from connectors.ledger.store import SqlLedger
from relocation.rules.errors import ConfigurationError, NoSpace, StateMismatch, Unreachable
from tests.unit.ledger_cases import StillClock, fact_of, leased, ledger_at, run_of, url_of


async def test_a_ledger_is_made_with_its_folder_and_found_again(tmp_path):
    """The first opening makes the file; the second finds what the first recorded."""
    path = tmp_path / "var" / "state" / "ledger.db"
    ledger = await SqlLedger.open(url_of(path), migration="korea-to-japan", clock=StillClock(), host="here")
    run, lease = await ledger.open_run(run_of(), lease_s=30)
    await ledger.close_run(lease, run)
    await ledger.close()
    async with ledger_at(path) as ledger:
        assert await ledger.get_run("run-1") == run


async def test_the_tables_are_those_that_the_migrations_make(tmp_path):
    """The schema in the program and the one in the file are the same, column by column, and the newest version is the head."""
    base = Database(url_of(tmp_path / "ledger.db"))
    base.open("m", now="2021-06-01T00:00:00Z")
    with base.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    base.close()
    script = ScriptDirectory.from_config(_config())
    assert script.get_heads() == [HEAD]
    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == REVISIONS


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def test_a_ledger_that_is_current_runs_no_migration(tmp_path, monkeypatch):
    """Alembic costs a fifth of a second: it is neither run nor imported where the stored version is the newest."""
    async with ledger_at(tmp_path / "ledger.db"):
        pass
    monkeypatch.setattr(database, "_upgrade", lambda _connection: pytest.fail("a migration was run"))
    async with ledger_at(tmp_path / "ledger.db"):
        pass
    code = textwrap.dedent(f"""
        import sys
        from connectors.ledger.database import Database
        Database({url_of(tmp_path / "ledger.db")!r}).open("korea-to-japan", now="")
        assert "alembic" not in sys.modules and "sqlalchemy.orm" not in sys.modules
    """)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


async def test_commits_are_on_disk_before_they_return(tmp_path):
    """C1: WAL with synchronous=FULL; foreign keys and a time limit for waiting are on."""
    base = Database(url_of(tmp_path / "ledger.db"))
    base.open("m", now="")
    with base.reading() as connection:
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        assert {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted} == wanted
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == database.BUSY_MS
    base.close()


async def test_a_ledger_of_another_migration_is_refused(tmp_path):
    """C8: facts of one migration never count for another; both names are in the message."""
    async with ledger_at(tmp_path / "ledger.db"):
        pass
    with pytest.raises(StateMismatch, match=r"`korea-to-japan`.*`japan-to-korea`"):
        await SqlLedger.open(url_of(tmp_path / "ledger.db"), migration="japan-to-korea", clock=StillClock(), host="here")


async def test_a_ledger_of_a_newer_program_is_refused(tmp_path):
    """C10: an older program does not write into tables that it does not know."""
    async with ledger_at(tmp_path / "ledger.db"):
        pass
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StateMismatch, match=r"schema 9999.*newer hikkoshi"):
        await SqlLedger.open(url_of(tmp_path / "ledger.db"), migration="korea-to-japan", clock=StillClock(), host="here")


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    """A wrong path in the configuration harms nothing."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0" * 2000)
    with pytest.raises(StateMismatch, match="no ledger"):
        await SqlLedger.open(url_of(path), migration="m", clock=StillClock(), host="here")
    assert path.read_bytes() == b"\xff\xd8\xff\xe0" * 2000


async def test_a_database_of_somebody_else_is_refused(tmp_path):
    """Our tables are not put among another program's."""
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE customers (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(StateMismatch, match="customers"):
        await SqlLedger.open(url_of(tmp_path / "other.db"), migration="m", clock=StillClock(), host="here")


async def test_a_folder_is_refused(tmp_path):
    """`ledger` must name a file."""
    with pytest.raises(StateMismatch, match="is a folder"):
        await SqlLedger.open(url_of(tmp_path), migration="m", clock=StillClock(), host="here")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "no address at all"])
def test_a_ledger_without_a_file_is_refused(url):
    """A ledger that forgets at exit would make our own objects look foreign."""
    with pytest.raises(ConfigurationError, match="ledger"):
        SqlLedger(url, migration="m", clock=StillClock(), host="here")


async def test_a_read_only_ledger_is_refused_with_what_to_do(tmp_path):
    """C4: a ledger that can't be written is named as such before any work begins."""
    async with ledger_at(tmp_path / "ledger.db"):
        pass
    url = f"sqlite:///file:{tmp_path / 'ledger.db'}?mode=ro&uri=true"
    with pytest.raises(StateMismatch, match=r"read-only.*Give the user"):
        await SqlLedger.open(url, migration="korea-to-japan", clock=StillClock(), host="here")


@pytest.mark.parametrize("read_only", ["file", "folder"])
async def test_another_users_ledger_is_refused_with_what_to_do(tmp_path, read_only):
    """C4: the same for a user without the right to write the file, or its folder, where SQLite keeps its log."""
    folder = tmp_path / "state"
    async with ledger_at(folder / "ledger.db"):
        pass
    (folder / "ledger.db").chmod(0o444 if read_only == "file" else 0o666)
    folder.chmod(0o777 if read_only == "file" else 0o555)
    try:
        with pytest.raises(StateMismatch, match=r"read-only.*Give the user"), without_rights():
            await SqlLedger.open(url_of(folder / "ledger.db"), migration="korea-to-japan", clock=StillClock(), host="here")
    finally:
        folder.chmod(0o700)


class without_rights:  # noqa: N801 — reads as a word
    """Ask about rights as a user who has only what the file's mode gives to all; root is given everything otherwise."""

    def __enter__(self):
        self._true = os.access
        if os.geteuid() == 0:
            os.access = lambda path, mode: bool(Path(path).stat().st_mode & mode)

    def __exit__(self, *_error):
        os.access = self._true


@pytest.mark.parametrize("harm", ["deleted", "replaced"])
async def test_a_ledger_that_vanishes_midway_takes_no_more_writes(tmp_path, harm):
    """C4: SQLite would go on writing into a file without a name; here the write is refused, and nothing counts as recorded."""
    path = tmp_path / "ledger.db"
    async with ledger_at(path) as ledger:
        _, lease = await leased(ledger)
        await ledger.record(lease, [fact_of(1)])
        kept = tmp_path / "kept.db"
        path.rename(kept)
        if harm == "replaced":
            shutil.copy(kept, path)
        with pytest.raises(StateMismatch, match="moved, deleted or replaced"):
            await ledger.record(lease, [fact_of(2)])
        path.unlink(missing_ok=True)
        kept.rename(path)
        assert await ledger.tail("run-1", "copy", 0) == (fact_of(1),)


def test_the_tables_can_be_made_on_postgresql_too():
    """Nothing in the schema is SQLite's own: rows are numbered by the server, blobs are bytea."""
    made = " ".join(str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in metadata.sorted_tables)
    assert made.count("BIGSERIAL") == 6
    assert made.count("BYTEA") == 2
    assert "INTEGER" not in made


async def test_a_closed_ledger_says_so(tmp_path):
    """A call after the end is refused, not lost; closing twice is fine."""
    async with ledger_at(tmp_path / "ledger.db") as ledger:
        await ledger.close()
        with pytest.raises(StateMismatch, match="closed"):
            await ledger.list_runs()


def as_said(kind: type[Exception], **more: object) -> Exception:
    """Make a driver's error as SQLAlchemy hands it on."""
    orig = kind("could not write")
    for name, value in more.items():
        setattr(orig, name, value)
    return OperationalError("INSERT …", {}, orig)


@pytest.mark.parametrize(
    ("more", "is_file", "kind", "words"),
    [
        ({"sqlite_errorname": "SQLITE_FULL"}, True, NoSpace, "the disk is full.*make room there, run again"),
        ({"errno": errno.EDQUOT}, True, NoSpace, "the disk is full"),
        ({"sqlite_errorname": "SQLITE_IOERR_WRITE"}, True, StateMismatch, "its drive refuses.*quota.*ulimit -f"),
        ({"sqlite_errorname": "SQLITE_READONLY_DIRECTORY"}, True, StateMismatch, "read-only.*Give the user"),
        ({"sqlstate": "53100"}, False, NoSpace, "the disk is full at its server"),
        ({"sqlstate": "25006"}, False, StateMismatch, "read-only.*Name the primary"),
        ({"sqlstate": "08006"}, False, Unreachable, "could not write"),
    ],
)
def test_a_refused_write_says_what_is_full_and_what_to_do(more, is_file, kind, words):
    """C4: a full disk, a quota, a drive that turned read-only: each is told apart from a server that is out of reach."""
    error = database._explain(as_said(sqlite3.OperationalError, **more), "ledger.db", is_file=is_file)
    assert type(error) is kind
    assert re.search(words, str(error))
