"""Parquet files of inventories, plans and facts: what was written is what is read, and no other file passes for one."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple, get_type_hints

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from connectors.tables import KIND, VERSION, ParquetTables
from relocation.rules.errors import StateMismatch
from relocation.rules.records import Fact, InventoryRow, PlanRow

TABLES = ParquetTables()
KINDS = (InventoryRow, PlanRow, Fact)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = {
    str: TEXTS,
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    tuple[str, ...]: st.lists(TEXTS, max_size=3).map(tuple),
}
ODD_KEYS = ("a\x00b", "line\nbreak\r", "\x01\x1f\x7f", "é", "e\u0301", "引越し/写真.jpg", "\U0001f600", "\ufffe", " ", "")


def rows_of(kind):
    """Rows of a kind with any values that its fields allow."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: VALUES[hints[name]] for name in kind._fields})


def inventory(*keys: str) -> list[InventoryRow]:
    return [InventoryRow(0, "talk", key, 7, "etag", "2021-01-01T00:00:00Z") for key in keys]


def rewritten(data: bytes, change) -> bytes:
    """The same file after `change` of its Arrow table."""
    with parquet.ParquetFile(pa.BufferReader(data)) as file:
        table = file.read()
    sink = pa.BufferOutputStream()
    parquet.write_table(change(table), sink)
    return sink.getvalue().to_pybytes()


def renamed(table: pa.Table, column: str, to: str) -> pa.Table:
    names = [to if name == column else name for name in table.column_names]
    return table.rename_columns(names).replace_schema_metadata(table.schema.metadata)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_rows_come_back_as_they_were_written(kind, data):
    """Every value of every field survives, in order, and with the type that it had."""
    rows = data.draw(st.lists(rows_of(kind), max_size=6))
    back = TABLES.decode(TABLES.encode(rows, kind), kind)
    assert back == rows
    types = [[list(map(type, row)) for row in either] for either in (back, rows)]
    assert types[0] == types[1]


def test_keys_of_any_characters_survive():
    """D14, D15: control characters, both normal forms and emoji are data, and stay apart."""
    rows = inventory(*ODD_KEYS)
    assert [row.key for row in TABLES.decode(TABLES.encode(rows, InventoryRow), InventoryRow)] == list(ODD_KEYS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_are_a_file_too(kind):
    """An empty inventory is written down like any other, and read as empty."""
    assert TABLES.decode(TABLES.encode([], kind), kind) == []


def test_the_same_rows_give_the_same_bytes():
    """A file written twice hashes to the same SHA-256, so that a repeated write into the vault is recognised."""
    rows = inventory(*(f"k{number}" for number in range(3000)))
    assert TABLES.encode(rows, InventoryRow) == TABLES.encode(list(rows), InventoryRow)


def test_a_file_names_its_kind_and_version_and_is_compressed():
    """Any Parquet tool shows what the file is; columns are zstd."""
    with parquet.ParquetFile(pa.BufferReader(TABLES.encode(inventory("a"), InventoryRow))) as file:
        assert file.schema_arrow.metadata[KIND] == b"InventoryRow"
        assert file.schema_arrow.metadata[VERSION] == b"2"
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda table: table.append_column("extra", pa.array(["x"])), "extra"),
        (lambda table: table.drop_columns(["etag"]), "etag"),
        (lambda table: renamed(table, "move", "mover"), "mover"),
        (lambda table: table.select([*reversed(table.column_names)]), "order"),
        (lambda table: table.set_column(3, "size", pa.array([7.0])), "size"),
        (lambda table: table.set_column(2, "key", pa.array([None], pa.string())), "key"),
        (lambda table: table.replace_schema_metadata({KIND: b"PlanRow", VERSION: b"2"}), "kind"),
        (lambda table: table.replace_schema_metadata({KIND: b"InventoryRow", VERSION: b"3"}), "version"),
        (lambda table: table.replace_schema_metadata(None), "kind"),
    ],
    ids=["foreign", "missing", "renamed", "reordered", "retyped", "empty value", "other kind", "newer version", "no metadata"],
)
def test_a_file_of_other_columns_is_refused(change, named):
    """C10: what this version does not know by heart, it does not read; the message names the difference."""
    data = rewritten(TABLES.encode(inventory("a"), InventoryRow), change)
    with pytest.raises(StateMismatch, match=named):
        TABLES.decode(data, InventoryRow)


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_file_that_was_cut_is_refused(cut):
    """A part of a file is no file."""
    data = TABLES.encode(inventory(*(f"k{number}" for number in range(100))), InventoryRow)
    with pytest.raises(StateMismatch, match="Parquet"):
        TABLES.decode(data[:cut], InventoryRow)


def test_text_without_utf_8_is_refused():
    """A lone surrogate would be another key at the target: it is refused when it is written down."""
    with pytest.raises(StateMismatch, match="can't be written"):
        TABLES.encode(inventory("a\ud800"), InventoryRow)


def test_a_record_with_other_kinds_of_fields_is_refused():
    """Only flat records have a table."""

    class Deep(NamedTuple):
        inner: dict[str, str]

    with pytest.raises(TypeError, match="inner"):
        TABLES.encode([], Deep)


KEPT = """
from contextlib import nullcontext
from pathlib import Path
import pyarrow
from connectors import tables
from relocation.rules.records import InventoryRow

def resident_mib():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024

{first}
rows = [InventoryRow(0, "talk", "key %040d" % n, n, "%032x" % (n * n), "2026-11-22T00:00:00.000Z") for n in range(50_000)]
data = tables.ParquetTables().encode(rows, InventoryRow)
kept = resident_mib()
pyarrow.default_memory_pool().release_unused()
print(kept - resident_mib())
"""


CONTROL = "tables._memory_returned = nullcontext"


@pytest.mark.parametrize(("first", "kept"), [("", False), (CONTROL, True)], ids=["returned", "control"])
def test_a_file_leaves_no_memory_behind(first, kept):
    """I9: what Arrow took for a file is there for buffers afterwards: its pool has nothing left that it could give back."""
    said = subprocess.run([sys.executable, "-c", KEPT.format(first=first)], capture_output=True, text=True, check=True)
    assert (int(said.stdout) > 8) == kept
