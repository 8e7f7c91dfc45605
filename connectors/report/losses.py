"""`losses.csv` beside a report: every object that lost something, as it is counted; whole, or not there.

Guarantees: memory does not grow with the objects. The facts in the vault hold the same; this is for those who read.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from connectors.report.spreadsheet import ENCODING, Row, row_of, write
from relocation.rules.errors import NoSpace, Refusal
from relocation.rules.summary import Named

LOSSES = "losses.csv"


class LossFile:
    """A file that is begun with its first row, and takes its place when all rows are there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_suffix(f".csv.{os.getpid()}")
        self._file: TextIO | None = None

    def add(self, lost: Sequence[Named]) -> None:
        """Write some more objects."""
        if not lost:
            return
        with self._explained():
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._draft.touch(mode=0o600)
                self._file = self._draft.open("w", encoding=ENCODING, newline="")
                write(self._file, ())
            write(self._file, (row_of("lost", each.bucket, each.key, each.reason) for each in lost), head=False)

    def finish(self) -> None:
        """Put the file in its place; where nothing was lost, none is there."""
        with self._explained():
            if self._file is None:
                self._path.unlink(missing_ok=True)
                return
            self._file.close()
            self._draft.replace(self._path)

    def forget(self) -> None:
        """Drop what was written: something went wrong."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what it still held is not wanted
                self._file.close()
            self._draft.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kind = NoSpace if error.errno in (errno.ENOSPC, errno.EDQUOT) else Refusal
            raise kind(
                f"the list of what did not come along can't be written to {self._path}: {error.strerror}. All its facts are "
                "recorded in the vault; make room or give the right there (or change `state_dir`), run again"
            ) from error


def read_losses(path: Path) -> Iterator[Row]:
    """Yield the rows of such a file."""
    with path.open(encoding=ENCODING, newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        for line in lines:
            yield tuple(line)
