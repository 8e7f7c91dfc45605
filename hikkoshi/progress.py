"""What people watch while a wave goes on: the port `Progress` as plain lines, and which display a stream gets (or `live`).

Guarantees: both write to standard error only, so that standard output stays a program's to read; counting costs an addition, the
drawing is a line every five seconds; plain lines hold no control characters. Nothing here fails a wave.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from hikkoshi.pace import Pace, closing, figures, time_left
from relocation.ports import Progress
from relocation.rules.events import sentence

if TYPE_CHECKING:  # a program that reads us needs none of it
    from rich.console import Console

LINE_EVERY_S = 5.0
TAKEN_FOR_TERMINALS = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
Clock = Callable[[], float]


class Watched(Progress, Protocol):
    """Progress that people see."""

    def heading(self, text: str) -> None:
        """End the stage before, and say what comes."""
        ...

    def close(self, *, cut: bool = False) -> None:
        """End the display."""
        ...


class PlainProgress:
    """One line when a stage begins, one every five seconds while it goes on, one at its end."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic, *, every_s: float = LINE_EVERY_S) -> None:
        self._stream = stream
        self._clock = clock
        self._every_s = every_s
        self._pace: Pace | None = None
        self._said_s = 0.0

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        """End the stage before, and begin this one."""
        self.close()
        self._said_s = self._clock()
        self._pace = Pace(name, self._said_s, objects, bytes_)
        self._say(f"{name}: begins")

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None:
        """Count; every five seconds say how far it is."""
        pace = self._pace
        if pace is None:
            return
        pace.objects += objects
        pace.bytes += bytes_
        pace.errors += errors
        now_s = self._clock()
        if now_s - self._said_s >= self._every_s:
            self._said_s = now_s
            parts = (*figures(pace, now_s), time_left(pace, now_s))
            self._say(f"{pace.name}: {', '.join(filter(None, parts))}")

    def heading(self, text: str) -> None:
        """End the stage before, and say what comes."""
        self.close()
        self._say(text)

    def note(self, event: str, **facts: object) -> None:
        """Say one line."""
        self._say(sentence(event, facts))

    def close(self, *, cut: bool = False) -> None:
        """Say how the stage ended that was under way; `cut`: before it was done."""
        pace, self._pace = self._pace, None
        if pace is not None:
            self._say(f"{pace.name}: {'cut short: ' if cut else ''}{closing(pace, self._clock())}")

    def _say(self, line: str) -> None:
        try:
            self._stream.write("".join(letter if letter.isprintable() else "?" for letter in line) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads any more: the wave goes on all the same


@contextmanager
def watching(stream: TextIO, console: Callable[[], Console]) -> Iterator[Watched]:
    """Show progress on a terminal or as plain lines, whichever the stream is, and end the display however the work ends.

    `console` makes the stream's console, which decides where the stream may be a terminal; plain lines need no rich.
    """
    shown = _live(console()) if _may_be_terminal(stream) else PlainProgress(stream)
    try:
        yield shown
    except BaseException:
        shown.close(cut=True)
        raise
    shown.close()


def _may_be_terminal(stream: TextIO) -> bool:
    """Say whether rich has to be asked: it may take other streams for terminals too, where the environment says so."""
    return stream.isatty() or any(os.environ.get(name) for name in TAKEN_FOR_TERMINALS)


def _live(console: Console) -> Watched:
    from hikkoshi.live import TerminalProgress

    return TerminalProgress(console) if console.is_terminal else PlainProgress(console.file)  # type: ignore[arg-type]
