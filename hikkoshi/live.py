"""The port `Progress` as a live display on a terminal: a line for each stage that is done, a bar for the one that is under way.

Guarantees: counting costs an addition, the drawing is a thread's of its own. Nothing here fails a wave.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from hikkoshi.pace import Pace, closing, figures, time_left
from relocation.rules.events import sentence

FRAMES_A_SECOND = 5
NOTED_S = 20.0
"""For how long the terminal shows what was noted: afterwards it may not be true any more."""
Clock = Callable[[], float]


class TerminalProgress:
    """A line for every stage that is done, and below them the one that is under way, drawn five times a second."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._pace: Pace | None = None
        self._noted, self._noted_s = "", 0.0
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(self, console=console, transient=True, refresh_per_second=FRAMES_A_SECOND, redirect_stdout=False)
        self._live.start()

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        """End the stage before, and begin this one."""
        self._end_stage()
        self._noted = ""
        self._pace = Pace(name, self._clock(), objects, bytes_)

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None:
        """Count."""
        pace = self._pace
        if pace is not None:
            pace.objects += objects
            pace.bytes += bytes_
            pace.errors += errors

    def heading(self, text: str) -> None:
        """End the stage before, and say what comes."""
        self._end_stage()
        self._live.console.print(Text(f" {text}", style="bold"))

    def note(self, event: str, **facts: object) -> None:
        """Show it in the line of figures, until the next one comes, or it is old."""
        self._noted, self._noted_s = sentence(event, facts), self._clock()

    def close(self, *, cut: bool = False) -> None:
        """Take the display away; `cut`: the stage under way was not done."""
        self._end_stage(cut=cut)
        self._live.stop()

    def __rich__(self) -> RenderableType:
        """Draw the stage that is under way: a name with a bar, and a line of figures."""
        pace = self._pace
        if pace is None:
            return Text("")
        now_s = self._clock()
        head = Table.grid(padding=(0, 1), expand=True)
        head.add_column(width=1)
        head.add_column(no_wrap=True, min_width=7)
        head.add_column(ratio=1)
        head.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(total=1.0, completed=pace.share) if pace.objects_total or pace.bytes_total else Text("")
        share = f"{pace.share:4.0%} {time_left(pace, now_s):>12}" if pace.objects_total or pace.bytes_total else ""
        head.add_row(self._spinner, Text(pace.name, style="bold"), bar, share)
        parts = [*figures(pace, now_s), *((self._noted,) if self._noted and now_s - self._noted_s < NOTED_S else ())]
        line = Text(" · ".join(parts), style="dim", overflow="fold")
        return Group(Padding(head, (0, 2, 0, 1)), Padding(line, (0, 2, 0, 3)))

    def _end_stage(self, *, cut: bool = False) -> None:
        pace, self._pace = self._pace, None
        if pace is not None:
            mark, style = ("✗", "red") if cut else ("!", "yellow") if pace.errors else ("✓", "green")
            text = Text.assemble((f" {mark} ", style), f"{pace.name:<7} ", (closing(pace, self._clock()), "dim"))
            self._live.console.print(text, no_wrap=True, overflow="ellipsis", crop=True)
