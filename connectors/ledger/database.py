"""The ledger's database: how it is opened, brought up to date, and what its faults mean.

Guarantees: a transaction that writes holds the write lock from its start (`BEGIN IMMEDIATE`) and is on disk when it ends
(`synchronous=FULL`); Alembic is imported only when the stored schema is not the newest.
Refuses (`StateMismatch`): a file that can't be written, is no database, is somebody else's, belongs to another migration or was
made by a newer program, and one that was moved or deleted while it was open.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, OperationalError

from connectors.ledger.schema import HEAD, REVISIONS, about, metadata
from relocation.rules.errors import ConfigurationError, HikkoshiError, NoSpace, StateMismatch, Transient, Unreachable

BUSY_MS = 10_000
"""How long a writer waits for another process's transaction; ours take milliseconds."""
SWITCH_LOOK_S = 0.05
SYNCHRONOUS = "FULL"
"""SQLite's word for: a commit has reached the disk."""
MIGRATIONS = Path(__file__).parent / "migrations"
ALEMBIC_TABLE = "alembic_version"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
FULL = "the disk is full"
UNRECORDED = "nothing of this call was recorded, and nothing is written to any store without its record"


class Database:
    """One engine over one ledger. Every call blocks and must come from one thread."""

    def __init__(self, url: str) -> None:
        try:
            self.url: URL = make_url(url)
            self.name = self.url.render_as_string(hide_password=True)
        except ArgumentError as error:
            raise ConfigurationError("ledger", ("`ledger` is no address: sqlite:///PATH or postgresql+psycopg://…",)) from error
        self.path = _path_of(self.url)
        self._inode = 0
        self._engine = _engine(self.url)
        self._reading = self._engine.execution_options(only_reads=True)

    def open(self, migration: str, *, now: str) -> bool:
        """Open the ledger of that migration, bringing its schema up to date; return whether it was begun just now."""
        if self.path:
            _require_writable(self.path)
        with self._explained():
            if self.path:
                _write_ahead(self._engine)
                self._inode = self.path.stat().st_ino
            with self._engine.begin() as connection:
                begun = _bring_up_to_date(connection, migration, now=now, where=self.name)
        return begun

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run one transaction that writes. It is on disk when the block ends, or nothing of it is."""
        with self._explained(), self._engine.begin() as connection:
            yield connection
            self._require_same_file()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run one transaction that sees one state and keeps nobody from writing."""
        with self._explained(), self._reading.begin() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    def _require_same_file(self) -> None:
        """Refuse to commit into a file that has no name any more: SQLite would not notice."""
        if not self.path:
            return
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError:
            inode = -1
        if inode != self._inode:
            raise StateMismatch(
                f"the ledger {self.path} was moved, deleted or replaced while it was open: nothing was recorded; put it back "
                "(its `-wal` file too) and start again"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the database's faults into errors of ours; a violated constraint is left to the caller."""
        try:
            yield
        except (HikkoshiError, IntegrityError):
            raise
        except (DatabaseError, sqlite3.Error, OSError) as error:  # what a connection's first statements raise is not wrapped
            raise _explain(error, str(self.path or self.name), is_file=self.path is not None) from error


def _path_of(url: URL) -> Path | None:
    """Return the file of a SQLite address, None for a server's."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("ledger", ("`ledger` has no file: a ledger in memory would forget what is ours; sqlite:///PATH",))
    return Path(url.database.removeprefix("file:")).absolute()


def _engine(url: URL) -> Engine:
    """Return an engine with one connection; for SQLite with durable commits and with transactions that we begin ourselves."""
    engine = create_engine(url, pool_size=1, max_overflow=0)
    if url.get_backend_name() != "sqlite":
        return engine

    @event.listens_for(engine, "connect")
    def _set_up(connection, _record):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in (f"busy_timeout={BUSY_MS}", f"synchronous={SYNCHRONOUS}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # a transaction that reads first and writes then would fail, not wait, where another wrote in between
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("only_reads") else "BEGIN IMMEDIATE")

    return engine


def _require_writable(path: Path) -> None:
    """Make the ledger's folder, and refuse a file or folder that can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror
        raise StateMismatch(f"the ledger's folder {path.parent} can't be made ({why}): make it, or change `ledger`") from error
    if path.is_dir():
        raise StateMismatch(f"the ledger {path} is a folder: give `ledger` the path of a file in it")
    for what in (path.parent, path):
        if what.exists() and not os.access(what, os.W_OK):
            raise _not_writable(str(what))


def _write_ahead(engine: Engine) -> None:
    """Put the file into WAL mode, where readers and a writer do not wait for each other; it stays so."""
    connection = engine.raw_connection()  # the mode can't be changed within a transaction
    try:
        cursor = connection.cursor()
        mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        if mode != "wal":
            mode = _switched(cursor)
        cursor.close()
    finally:
        connection.close()
    if mode != "wal":
        raise StateMismatch(f"the ledger's file system has no shared memory for SQLite (mode {mode}): put it on a local disk")


def _switched(cursor: DBAPICursor) -> str:
    """Switch to WAL and return the mode. SQLite does not wait here where several begin one file at once, so that we do."""
    until_s = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            return str(cursor.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until_s:
                raise
        time.sleep(SWITCH_LOOK_S)


def _bring_up_to_date(connection: Connection, migration: str, *, now: str, where: str) -> bool:
    """Compare what is stored with what this program knows; return whether the ledger was begun here."""
    if connection.dialect.name == "postgresql":  # two programs may begin one ledger; SQLite holds its write lock already
        connection.execute(text("SELECT pg_advisory_xact_lock(4855498)"))
    tables = set(inspect(connection).get_table_names())
    if not tables:
        _upgrade(connection)
        connection.execute(insert(about), [{"name": "migration", "value": migration}, {"name": "begun_at", "value": now}])
        return True
    if not {ALEMBIC_TABLE, about.name} <= tables:
        held = ", ".join(sorted(tables)[:5])
        raise StateMismatch(f"{where} is a database, but no ledger: it holds {held}; give `ledger` a file of its own")
    version = connection.execute(text(f"SELECT version_num FROM {ALEMBIC_TABLE}")).scalar_one_or_none()  # noqa: S608 — a constant
    if version not in REVISIONS:
        raise StateMismatch(
            f"the ledger {where} has schema {version}, this program knows {', '.join(REVISIONS)}: "
            "a newer hikkoshi wrote it; use that one"
        )
    stored = connection.execute(select(about.c.value).where(about.c.name == "migration")).scalar_one_or_none()
    if stored != migration:
        raise StateMismatch(
            f"the ledger {where} belongs to the migration `{stored}`, the configuration is of `{migration}`: "
            "give this one a `ledger` (and a `state_dir`) of its own, or correct `migration`"
        )
    # SQLite begins a "write" transaction on a read-only file without a word: only a write tells
    connection.execute(update(about).where(about.c.name == "migration").values(value=migration))
    if version != HEAD:
        _upgrade(connection)
    return False


def _upgrade(connection: Connection) -> None:
    """Run the migrations up to the newest, within the transaction that holds the write lock."""
    from alembic import command  # noqa: PLC0415 — 0.2 s that only a new or an old ledger has to pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection, "metadata": metadata})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, HEAD)


def _explain(error: DatabaseError | sqlite3.Error | OSError, where: str, *, is_file: bool) -> HikkoshiError:
    """Say what a fault of the database means and what to do."""
    orig = getattr(error, "orig", None) or error
    said = str(orig).strip()
    if not is_file:
        return _explain_server(error, where, said, sqlstate=str(getattr(orig, "sqlstate", "") or ""))
    name = str(getattr(orig, "sqlite_errorname", ""))  # SQLite's own word (https://sqlite.org/rescode.html), if it is SQLite's
    if "locked" in said or "busy" in said:
        return Transient(f"the ledger {where} was held by another process for more than {BUSY_MS // 1000} s ({said})")
    if name == "SQLITE_FULL" or getattr(orig, "errno", 0) in NO_ROOM:
        return NoSpace(f"the ledger {where} can't grow, {FULL} on its drive: {UNRECORDED}; make room there, run again")
    if name.startswith("SQLITE_READONLY") or "unable to open" in said:
        return _not_writable(where)
    return StateMismatch(_unusable(where, said, name))


def _unusable(where: str, said: str, name: str) -> str:
    if name.startswith("SQLITE_IOERR"):
        return (
            f"the ledger {where}: its drive refuses to be read or written ({said}, {name}): {UNRECORDED}. See whether it turned "
            "read-only, is full, or a quota or a limit on file sizes (ulimit -f) is reached there; put that right, run again"
        )
    if "not a database" in said or "malformed" in said:
        return f"{where} is no ledger ({said}): put the ledger's last backup there, or change `ledger`"
    return f"the ledger {where} can't be used: {said}"


def _explain_server(error: Exception, where: str, said: str, *, sqlstate: str) -> HikkoshiError:
    """Say what a server's fault means, by its SQLSTATE (PostgreSQL's appendix A)."""
    if sqlstate == "53100":
        return NoSpace(f"the ledger {where} can't grow, {FULL} at its server ({said}): {UNRECORDED}; make room there, run again")
    if sqlstate == "25006":
        return StateMismatch(
            f"the ledger {where} is read-only ({said}): {UNRECORDED}. Is it a replica? Name the primary in `ledger`"
        )
    kind = Unreachable if isinstance(error, OperationalError) else StateMismatch
    return kind(f"the ledger {where}: {said}")


def _not_writable(what: str) -> StateMismatch:
    return StateMismatch(
        f"the ledger is read-only: {what} can't be written by this user (uid {os.geteuid()}); nothing may be copied without it. "
        "Give the user the right to write the file and its folder (SQLite keeps two files beside it), or change `ledger`"
    )
