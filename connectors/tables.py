"""Rows as Parquet files: inventories, plans and facts, one file a segment, readable by any Parquet tool.

Guarantees: what `decode` returns equals what was encoded, row for row, keys with control characters included; the same rows
give the same bytes (with the same pyarrow). Each file names its record kind and that kind's version.
Refuses (`StateMismatch`) a file that is no Parquet, of another kind or version, or with missing, foreign or retyped columns.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, get_type_hints

from relocation.ports import Row
from relocation.rules.errors import StateMismatch

if TYPE_CHECKING:
    import pyarrow as pa

KIND = b"hikkoshi.kind"
VERSION = b"hikkoshi.version"
BATCH_ROWS = 20_000
NAMES = frozenset({"key", "source_key", "target_key", "etag", "source_etag", "target_etag", "found_etag", "foretold_etag"})
NAMES |= {"xxh3", "crc64nvme", "sha256", "version_id", "source_version_id", "target_version_id", "found_version_id"}
"""Columns in which hardly a value comes twice: a dictionary of them takes time and room for nothing."""
VERSIONS = {"InventoryRow": 2, "PlanRow": 3, "Fact": 2}
"""Raise a kind's number whenever its fields change: files outlive the program that wrote them."""


class ParquetTables:
    """The port `Tables` over pyarrow, which is imported when first used (it costs a tenth of a second and 60 MB)."""

    def encode(self, rows: Sequence[Row], kind: type[Row]) -> bytes:
        """Return the rows, in their order, as one Parquet file (zstd, dictionaries).

        Text that has no UTF-8, or a value of another type than its field, is a `StateMismatch`."""
        with _memory_returned():
            return _encoded(rows, kind)

    def decode(self, data: bytes, kind: type[Row]) -> list[Row]:
        """Return the rows in their order; anything but a file of this kind and version is a `StateMismatch`."""
        with _memory_returned():
            return _decoded(data, kind)

    def batches(self, data: bytes, kind: type[Row]) -> Iterator[list[Row]]:
        """Yield the rows in their order, `BATCH_ROWS` at once; refuses what `decode` refuses, some of it after the first rows."""
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as parquet  # noqa: PLC0415, PLR0402

        try:
            with _memory_returned(), parquet.ParquetFile(pa.BufferReader(data)) as file:
                _compare(file.schema_arrow, _schema(kind))  # type: ignore[arg-type]
                for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
                    yield _rows(batch, kind)
        except (pa.ArrowException, OSError) as error:
            raise StateMismatch(f"a file of {kind.__name__} can't be read as Parquet ({error}): compare its SHA-256") from error


@contextmanager
def _memory_returned() -> Iterator[None]:
    """Have Arrow give back what a file took, once all of it is gone: its pool keeps some 70 MB of one with 50,000 facts."""
    import pyarrow as pa  # noqa: PLC0415

    try:
        yield
    finally:
        pa.default_memory_pool().release_unused()


def _encoded(rows: Sequence[Row], kind: type[Row]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as parquet  # noqa: PLC0415, PLR0402

    schema = _schema(kind)  # type: ignore[arg-type]  # a class is hashable, whatever protocol it follows
    try:
        values = zip(*rows, strict=True) if rows else ((),) * len(schema)
        columns = [_array(column, field.type) for column, field in zip(values, schema, strict=True)]
        table = pa.Table.from_arrays(columns, schema=schema)
        table.validate(full=True)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
        raise StateMismatch(f"a {kind.__name__} can't be written as Parquet: {error}") from error
    sink = pa.BufferOutputStream()
    repeating = [column for column in _paths(schema) if column not in NAMES]
    parquet.write_table(table, sink, compression="zstd", compression_level=1, use_dictionary=repeating, version="2.6")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _array(column: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """Return a column for Arrow. Most columns of texts hold one value, which Arrow repeats sooner than it reads it row by row."""
    import pyarrow as pa  # noqa: PLC0415

    alike = bool(column) and pa.types.is_string(type_) and column[0] == column[-1] and column.count(column[0]) == len(column)
    return pa.repeat(pa.scalar(column[0], type_), len(column)) if alike else pa.array(column, type=type_)


def _decoded(data: bytes, kind: type[Row]) -> list[Row]:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as parquet  # noqa: PLC0415, PLR0402

    try:
        with parquet.ParquetFile(pa.BufferReader(data)) as file:
            _compare(file.schema_arrow, _schema(kind))  # type: ignore[arg-type]
            table = file.read(use_threads=False)  # handing a small file to other threads costs more than reading it
    except (pa.ArrowException, OSError) as error:
        raise StateMismatch(f"a file of {kind.__name__} can't be read as Parquet ({error}): compare its SHA-256") from error
    return _rows(table, kind)


def _rows(table: pa.Table | pa.RecordBatch, kind: type[Row]) -> list[Row]:
    """Return a table's rows as records; an empty value is a `StateMismatch`."""
    import pyarrow as pa  # noqa: PLC0415

    columns: list[list[Any]] = []
    for field, column in zip(table.schema, table.columns, strict=True):
        if column.null_count:
            raise StateMismatch(f"a file of {kind.__name__} holds empty values in the column `{field.name}`: it is not ours")
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        columns.append(_tuples(whole) if pa.types.is_list(field.type) else _values(whole, repeating=field.name not in NAMES))
    make: Callable[[Any], Row] = functools.partial(tuple.__new__, kind)  # type: ignore[type-var]  # `_make` counts once more
    return list(map(make, zip(*columns, strict=True)))


@functools.cache
def _schema(kind: type) -> pa.Schema:
    """Return the Arrow schema of a flat record: one column a field, in the fields' order, none of them nullable."""
    import pyarrow as pa  # noqa: PLC0415

    name = kind.__name__
    if not hasattr(kind, "_fields"):
        raise TypeError(f"{name} is no named tuple")
    texts = pa.list_(pa.field("item", pa.string(), nullable=False))
    types: dict[object, pa.DataType] = {str: pa.string(), int: pa.int64(), bool: pa.bool_(), tuple[str, ...]: texts}
    hints = get_type_hints(kind)
    columns = []
    for column in kind._fields:
        if hints[column] not in types:
            raise TypeError(f"{name}.{column}: a record for tables holds str, int, bool and tuple[str, ...] only")
        columns.append(pa.field(column, types[hints[column]], nullable=False))
    return pa.schema(columns, metadata={KIND: name.encode(), VERSION: str(VERSIONS.get(name, 1)).encode()})


def _values(column: pa.Array, *, repeating: bool) -> list[Any]:
    """Return a column's values; of equal texts one, where they repeat: made once, held once, and quicker to write down again."""
    import pyarrow as pa  # noqa: PLC0415

    if not repeating or not pa.types.is_string(column.type):
        values: list[Any] = column.to_pylist()
        return values
    encoded = column.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    return texts * len(column) if len(texts) == 1 else list(map(texts.__getitem__, encoded.indices.to_pylist()))


def _tuples(column: pa.ListArray) -> list[tuple[str, ...]]:
    """Return a column of lists as tuples, of equal ones one. In most columns all are equal."""
    texts, lengths = _values(column.flatten(), repeating=True), column.value_lengths().to_pylist()
    first = texts[: lengths[0]] if lengths else []
    if lengths.count(len(first)) == len(lengths) and texts == first * len(lengths):
        return [tuple(first)] * len(lengths)
    rest = iter(texts)
    made: dict[tuple[str, ...], tuple[str, ...]] = {}
    found = [tuple(islice(rest, length)) if length else () for length in lengths]
    return list(map(made.setdefault, found, found))


def _paths(schema: pa.Schema) -> list[str]:
    """Return the columns as Parquet names them."""
    import pyarrow as pa  # noqa: PLC0415

    return [f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name for field in schema]


def _compare(found: pa.Schema, wanted: pa.Schema) -> None:
    """Refuse a file whose kind, version or columns are not the wanted ones, and name the difference."""
    name = wanted.metadata[KIND].decode()
    for label, what in ((KIND, "kind"), (VERSION, "version")):
        due, here = ((schema.metadata or {}).get(label, b"none").decode(errors="replace") for schema in (wanted, found))
        if here != due:
            raise StateMismatch(
                f"a file of {name}: {what} {due} was due, this one says {here}: read it with the version of hikkoshi that wrote it"
            )
    missing = [column for column in wanted.names if column not in found.names]
    foreign = [column for column in found.names if column not in wanted.names]
    if missing or foreign:
        raise StateMismatch(f"a file of {name} lacks the columns {missing} and has the foreign columns {foreign}")
    for column in wanted:
        if found.field(column.name).type != column.type:
            raise StateMismatch(f"a file of {name}: column `{column.name}` is {found.field(column.name).type}, not {column.type}")
    if found.names != wanted.names:
        raise StateMismatch(f"a file of {name} has its columns in another order: {found.names}")
