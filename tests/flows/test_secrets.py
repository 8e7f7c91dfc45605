"""No secret in any parameter, log, artifact or database: the keys of every role are looked for in all that a run leaves behind."""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def secrets(office) -> dict[str, bytes]:
    """The secrets that the configuration refers to, and those of the servers' owners, after a run that works and one that fails."""
    office.seed("talk", "videos/one")
    office.end_of(office.start("wave-talk-videos", wave="all", dry_run=False))
    broken = office.variant(
        "broken",
        (office.state.url("korea"), "http://127.0.0.1:9"),
        ("categories:\n", "transfer: {unreachable_s: 1.0}\ncategories:\n"),
    )
    failed = office.end_of(office.start("wave-talk-videos", config=broken, wave="all", dry_run=False))
    assert failed.type == "FAILED"
    text = office.state.credentials.read_text() + office.state.owners.read_text()
    found = [line.partition(" = ")[2] for line in text.splitlines() if line.startswith("aws_secret_access_key")]
    assert len(found) > 10
    return {f"secret {number}": secret.encode() for number, secret in enumerate(found)}


def files(office) -> Iterator[Path]:
    """Everything that the servers, the worker and the runs wrote, but the stores' own data and the files of the keys."""
    kept_out = (office.state.var / "minio", office.state.credentials, office.state.owners, office.state.var / "wrong-credentials")
    for folder in (office.state.var, office.state.configuration.parent):
        for file in folder.rglob("*"):
            if file.is_file() and not any(file.is_relative_to(each) for each in kept_out):
                yield file


def cells(file: Path) -> Iterator[bytes]:
    """Every value of every table, compressed ones opened: a value may lie across two pages of the file."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    data = value if isinstance(value, bytes) else str(value).encode()
                    yield data
                    yield from opened(data)
    database.close()


def opened(data: bytes) -> Iterator[bytes]:
    """What is in a compressed value; nothing for all else (digests, and words that begin with an x, as zlib's streams do)."""
    with contextlib.suppress(zlib.error):
        yield zlib.decompress(data)


def test_no_secret_is_left_in_any_file(office, secrets):
    """Databases with their journals, logs, reports, configuration: none holds a secret."""
    looked_at = {file: file.read_bytes() for file in files(office)}
    assert {"prefect.db", "ledger.db", "worker.log", "prefect.log", "report.html"} <= {file.name for file in looked_at}
    for file, data in looked_at.items():
        assert [name for name, secret in secrets.items() if secret in data] == [], file


@pytest.mark.parametrize("name", ["prefect/prefect.db", "ledger.db"])
def test_no_secret_is_in_any_cell_of_a_database(office, secrets, name):
    """Parameters, states, logs, artifacts, job variables, runs, intents: none holds a secret."""
    read = list(cells(office.state.var / name))
    assert len(read) > 100
    for data in read:
        assert [label for label, secret in secrets.items() if secret in data] == []


@pytest.mark.parametrize("first", [b"x", b"y"])
def test_a_secret_that_is_there_is_found(tmp_path, first):
    """The search itself: a planted secret is found in a cell, plain and compressed; also one that begins as zlib's streams do."""
    planted = first + b"-is-a-secret-of-forty-letters-of-its-own"
    file = tmp_path / "planted.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE planted (value)")
        database.executemany("INSERT INTO planted VALUES (?)", [(planted.decode(),), (zlib.compress(planted),)])
    database.close()
    assert sum(planted in data for data in cells(file)) == 2
