"""Rows: as files, and sorted on a scratch disk when there are more than memory holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

Row = TypeVar("Row")
Columns = Sequence[Sequence[Any]]
"""Some rows, field by field; a field that has one value for all of them may hold it once."""


class Tables(Protocol):
    """Rows as files (Parquet): inventories, plans and facts. `kind` is a flat record of `rules/records.py`."""

    def encode(self, rows: Sequence[Row], kind: type[Row]) -> bytes: ...

    def decode(self, data: bytes, kind: type[Row]) -> list[Row]:
        """Return the rows in their order. Missing or foreign columns are a `StateMismatch`."""
        ...

    def batches(self, data: bytes, kind: type[Row]) -> Iterator[list[Row]]:
        """Yield the rows in their order, a bounded number at once, for files that don't fit into memory as rows."""
        ...


class SortedRows(Protocol[Row]):
    """Rows of one kind in the order of their places, however they came. As many as one likes: memory does not grow with them."""

    objects: int

    def add(self, rows: Sequence[Row]) -> None: ...

    def stretch(self) -> Callable[[Columns], None]:
        """Return an `add` of its own for one stretch of rows, each page of which is in order; pages in order cost nothing more."""
        ...

    def __iter__(self) -> Iterator[Row]:
        """Yield every row in order, as often as one asks; rows of one place in the order in which they were added."""
        ...

    def blocks(self) -> Iterator[Sequence[Row]]:
        """Yield the same, a bounded number at once."""
        ...

    def close(self) -> None: ...


class Scratch(Protocol):
    """Room for what is too much for memory while it is joined. Nothing in it outlives the process."""

    def rows(self, kind: type[Row], place: Callable[[Row], tuple[Any, ...]]) -> SortedRows[Row]:
        """Return an empty collection of named tuples of a kind, ordered by `place`. Close it after use."""
        ...
