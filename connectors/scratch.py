"""Rows in the order of their places, for joins of any size: sorted runs in memory, on disk once they are many.

A listing comes in order, nearly always; then what is added is one run, and nothing is sorted. What comes otherwise becomes several
runs, each sorted by itself, merged when they are read: order is made here and never taken on trust.
Guarantees: what is read is what was added, in order, as often as one likes, from memory that does not grow with it. The file has no
name: it is gone with the process, however that ends. `OSError` where the disk is full.
"""

from __future__ import annotations

import heapq
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice, repeat
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Generic

from relocation.ports import Columns, Row

Place = tuple[Any, ...]
SORTED_ROWS = 20_000
"""So many are sorted at once; where nothing comes in order, ten million rows make five hundred runs."""
BLOCK_ROWS = 1_000
"""So many of each run are in memory while runs are merged: half a megabyte."""
MEMORY_ROWS = 20_000
"""Up to here all stay in memory: a plan has both sides and the facts at once, and each fact takes a KiB."""


class DiskScratch:
    """The port `Scratch`, in a folder that is made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self, kind: type[Row], place: Callable[[Row], Place]) -> SpilledRows[Row]:
        """Return an empty collection of rows of a kind (a named tuple of str, int, bool and tuples of them)."""
        return SpilledRows(kind, place, self._file)

    def _file(self) -> IO[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.TemporaryFile(dir=self._folder, buffering=0)


@dataclass(slots=True)
class _Run:
    """Rows in order, in blocks: those on disk as (offset, length) in the file, and behind them those still in memory."""

    first: Place
    last: Place
    written: list[tuple[int, int]] = field(default_factory=list)
    held: list[Columns] = field(default_factory=list)
    held_rows: int = 0


class SpilledRows(Generic[Row]):
    """The port `SortedRows`."""

    def __init__(self, kind: type[Row], place: Callable[[Row], Place], new_file: Callable[[], IO[bytes]]) -> None:
        self._made: Callable[[Any], Row] = partial(tuple.__new__, kind)  # type: ignore[type-var]  # a named tuple, whose values are all there
        self._place = place
        self._new_file = new_file
        self._file: IO[bytes] | None = None
        self._end = 0
        self._fresh: list[Row] = []
        self._runs: list[_Run] = []
        self.objects = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows in, in any order."""
        self._fresh += rows
        self.objects += len(rows)
        if len(self._fresh) >= SORTED_ROWS:
            self._sort()

    def stretch(self) -> Callable[[Columns], None]:
        """Return an `add` of its own for rows that are known to come in order among themselves: they are not sorted again."""
        run: _Run | None = None

        def add(columns: Columns) -> None:
            nonlocal run
            rows = _length(columns)
            if not rows:
                return
            self.objects += rows
            first, last = self._place(self._row(columns, 0)), self._place(self._row(columns, -1))
            if run is None or first < run.last:
                run = _Run(first, last)
                self._runs.append(run)
            run.last = last
            self._hold(run, [columns], rows)

        return add

    @property
    def held_rows(self) -> int:
        """So many rows are in memory."""
        return len(self._fresh) + sum(run.held_rows for run in self._runs)

    def __iter__(self) -> Iterator[Row]:
        """Yield every row in the order of its place; those of one place in the order in which they were added."""
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[Sequence[Row]]:
        """Yield the same in blocks."""
        if self._fresh:
            self._sort()
        for runs in self._beside_each_other():
            yield from self._read(runs[0]) if len(runs) == 1 else self._merged(runs)

    def close(self) -> None:
        """Give memory and disk back."""
        self._fresh, self._runs = [], []
        if self._file is not None:
            self._file.close()
            self._file = None

    def _beside_each_other(self) -> list[list[_Run]]:
        """Return the runs in groups, all of one before all of the next; those of one group overlap, and are as they came."""
        groups: list[list[tuple[int, _Run]]] = []
        last: Place = ()
        for one in sorted(enumerate(self._runs), key=lambda each: each[1].first):
            if groups and one[1].first <= last:
                groups[-1].append(one)
            else:
                groups.append([one])
            last = max(last, one[1].last)
        return [[run for _, run in sorted(group, key=itemgetter(0))] for group in groups]

    def _merged(self, runs: list[_Run]) -> Iterator[list[Row]]:
        rows = heapq.merge(*(chain.from_iterable(self._read(run)) for run in runs), key=self._place)
        while block := list(islice(rows, BLOCK_ROWS)):
            yield block

    def _sort(self) -> None:
        rows, self._fresh = sorted(self._fresh, key=self._place), []
        first, last = self._place(rows[0]), self._place(rows[-1])
        if not self._runs or self._runs[-1].last > first:
            self._runs.append(_Run(first, last))
        self._runs[-1].last = last
        blocks = (rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS))
        self._hold(self._runs[-1], [tuple(zip(*block, strict=True)) for block in blocks], len(rows))

    def _hold(self, run: _Run, blocks: Sequence[Columns], rows: int) -> None:
        """Add blocks to a run, in memory as long as there are few rows in all."""
        run.held += blocks
        run.held_rows += rows
        if self.objects > MEMORY_ROWS:
            for each in self._runs if self.held_rows > MEMORY_ROWS else [run] if run.held_rows >= BLOCK_ROWS else []:
                self._spill(each)

    def _spill(self, run: _Run) -> None:
        if run.held and self._file is None:
            self._file = self._new_file()
        blocks, run.held, run.held_rows = run.held, [], 0
        for columns in blocks:
            data = _packed(columns)
            assert self._file is not None
            _write(self._file, data)
            run.written.append((self._end, len(data)))
            self._end += len(data)

    def _read(self, run: _Run) -> Iterator[list[Row]]:
        yield from map(self._block, run.written)
        for columns in run.held:
            yield self._rows(_length(columns), columns)

    def _block(self, where: tuple[int, int]) -> list[Row]:
        assert self._file is not None
        offset, length = where
        return self._rows(*_unpacked(os.pread(self._file.fileno(), length, offset)))

    def _rows(self, rows: int, columns: Columns) -> list[Row]:
        filled = (repeat(column[0], rows) if len(column) == 1 else column for column in columns)
        return list(map(self._made, zip(*filled, strict=True)))

    def _row(self, columns: Columns, at: int) -> Row:
        return self._made([column[at if len(column) > 1 else 0] for column in columns])


def _length(columns: Columns) -> int:
    """Return how many rows a block has; a column that holds one value holds it for all of them."""
    return max(map(len, columns), default=0)


def _packed(columns: Columns) -> bytes:
    from pyarrow import Codec  # noqa: PLC0415 — only who spills needs it

    fewer = [column[:1] if _is_constant(column) else column for column in columns]
    # column by column, and most hold one value: half the time
    data = pickle.dumps((_length(columns), fewer), pickle.HIGHEST_PROTOCOL)
    packed: bytes = Codec("zstd", compression_level=1).compress(data, asbytes=True)
    return len(data).to_bytes(4, "big") + packed


def _is_constant(column: Sequence[Any]) -> bool:
    """Tell whether all values are the same, of one type too: an enumeration's member equals its text, and 1 equals true."""
    first = column[0]
    return bool(first == column[-1]) and column.count(first) == len(column) and len(set(map(type, column))) == 1


def _unpacked(data: bytes) -> tuple[int, Columns]:
    from pyarrow import Codec  # noqa: PLC0415

    size = int.from_bytes(data[:4], "big")
    found: tuple[int, Columns] = pickle.loads(  # noqa: S301 — our own bytes, from a file that nobody else can name
        Codec("zstd").decompress(data[4:], size, asbytes=True)
    )
    return found


def _write(file: IO[bytes], data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
