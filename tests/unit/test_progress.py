"""Progress: what is counted is what is shown, on a terminal of 80 columns and in a pipe."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hikkoshi.live import TerminalProgress
from hikkoshi.pace import Pace, duration, figures, size, time_left
from hikkoshi.progress import TAKEN_FOR_TERMINALS, PlainProgress, watching

MIB = 1024 * 1024


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def plain(clock: Clock) -> tuple[PlainProgress, io.StringIO]:
    stream = io.StringIO()
    return PlainProgress(stream, clock), stream


def test_lines_come_every_five_seconds_and_no_sooner(clock):
    """A stage begins with a line and ends with one; in between there is one every five seconds, however often it counts."""
    progress, stream = plain(clock)
    progress.stage("copy", objects=100, bytes_=100 * MIB)
    for _ in range(50):
        clock.now += 0.21
        progress.advance(objects=1, bytes_=MIB)
    progress.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "copy: begins"
    assert len(lines) == 4
    assert lines[1].startswith("copy: 24 of 100 objects, 24.0 of 100.0 MiB, 4.8 MiB/s, 0 errors, ")
    assert lines[1].endswith(" left")
    assert lines[-1] == "copy: 50 objects, 50.0 MiB, in 10 s"


def test_errors_and_proofs_are_told(clock):
    """A verification tells how many objects are proved; an error is not one of them."""
    progress, stream = plain(clock)
    progress.stage("verify", objects=10, bytes_=10)
    clock.now += 6
    progress.advance(objects=3, bytes_=3, errors=1)
    assert "2 proved, 1 error" in stream.getvalue()


def test_a_stage_that_was_cut_short_says_so(clock):
    """What was not done is not told as done."""
    stream = io.StringIO()

    def work() -> None:
        with watching(stream, lambda: Console(file=stream)) as progress:
            progress.stage("copy", objects=10, bytes_=10)
            progress.advance(objects=4, bytes_=4)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert "copy: cut short: 4 objects" in stream.getvalue()


def test_a_line_has_no_control_characters(clock):
    """A key that holds an escape sequence does not reach the terminal of whoever reads the log."""
    progress, stream = plain(clock)
    progress.note("object.refused", key="a\x1b[2Jb\nc")
    assert stream.getvalue() == "object.refused key=a?[2Jb?c\n"


def test_nobody_reading_fails_no_wave(clock):
    """A closed pipe is not the wave's problem."""
    progress, stream = plain(clock)
    stream.close()
    progress.stage("copy", objects=1, bytes_=1)
    progress.advance(objects=1, bytes_=1)
    progress.close()


def test_the_terminal_shows_stages_within_80_columns(clock):
    """Large figures fit: name, bar, share, time left; and below objects, bytes, rate, proofs, errors."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    progress = TerminalProgress(console, clock)
    progress.stage("verify", objects=2_345_678, bytes_=312 * 1024 * MIB)
    clock.now += 3000
    progress.advance(objects=1_234_567, bytes_=123 * 1024 * MIB, errors=12)
    drawn = io.StringIO()
    Console(file=drawn, force_terminal=True, width=80, color_system=None).print(progress)
    progress.close()
    head, *lines = drawn.getvalue().splitlines()
    assert all(len(line) <= 80 for line in (head, *lines))
    line = " ".join(" ".join(lines).split())
    assert "46%" in head
    assert "left" in head
    for part in ("1,234,567 of 2,345,678 objects", "123.0 of 312.0 GiB", "42.0 MiB/s", "1,234,555 proved", "12 errors"):
        assert part in line


def test_a_finished_stage_leaves_a_line(clock):
    """What was done stays on the screen when the next stage begins, marked by whether there were errors."""
    file = io.StringIO()
    progress = TerminalProgress(Console(file=file, force_terminal=True, width=80, color_system=None), clock)
    progress.stage("copy", objects=2, bytes_=2)
    clock.now += 2
    progress.advance(objects=2, bytes_=2)
    progress.stage("verify", objects=2, bytes_=2)
    progress.advance(objects=2, bytes_=2, errors=1)
    progress.close()
    assert "✓ copy    2 objects, 2 B, in 2.0 s" in file.getvalue()
    assert "! verify  2 objects, 2 B, 1 error" in file.getvalue()


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_no_live_display(monkeypatch):
    """Where standard error is no terminal, plain lines are written, and nothing that draws is loaded for them."""
    for name in TAKEN_FOR_TERMINALS:
        monkeypatch.delenv(name, raising=False)
    with watching(io.StringIO(), lambda: pytest.fail("a console was made")) as progress:
        assert isinstance(progress, PlainProgress)


def test_a_terminal_gets_a_live_display(monkeypatch):
    """On a terminal, or what the environment says is one, rich decides: a bar is drawn, or, where it can't be, lines are."""
    screen = Screen()
    with watching(screen, lambda: Console(file=screen, force_terminal=True)) as progress:
        assert isinstance(progress, TerminalProgress)
    monkeypatch.setenv("FORCE_COLOR", "1")
    pipe = io.StringIO()
    with watching(pipe, lambda: Console(file=pipe)) as progress:
        assert isinstance(progress, TerminalProgress)
    with watching(pipe, lambda: Console(file=pipe, force_terminal=False)) as progress:
        assert isinstance(progress, PlainProgress)


def test_no_time_left_is_named_before_it_can_be_known():
    """A first object of many says nothing yet; afterwards the time is what the rest takes at the same pace."""
    pace = Pace("copy", 0.0, objects_total=1000, bytes_total=1000)
    pace.objects, pace.bytes = 1, 1
    assert time_left(pace, 5.0) == ""
    pace.objects, pace.bytes = 250, 250
    assert time_left(pace, 30.0) == "1 min 30 s left"
    pace.objects, pace.bytes = 1000, 1000
    assert time_left(pace, 60.0) == ""


def test_the_rate_is_that_of_the_last_seconds():
    """After a pause the rate falls to nothing, though much was done before."""
    pace = Pace("copy", 0.0, objects_total=10, bytes_total=100 * MIB)
    pace.bytes = 50 * MIB
    assert pace.rate(10.0) == 5 * MIB
    for second in range(11, 40):
        last = pace.rate(float(second))
    assert last == 0


def test_a_stage_without_totals_counts_what_is_listed():
    """Listing has no total: no bar, no share, no time left."""
    pace = Pace("plan", 0.0)
    assert figures(pace, 1.0) == []
    pace.objects = 3000
    assert figures(pace, 1.0) == ["3,000 objects listed"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (59, "59 s"), (61, "1 min 1 s"), (7260, "2 h 1 min"), (90000, "1 d 1 h")],
)
def test_durations_are_words(seconds, words):
    """The two largest units."""
    assert duration(seconds) == words


def test_sizes_are_words():
    """The largest unit that leaves a whole part."""
    assert [size(0), size(1023), size(1024), size(5 * MIB)] == ["0 B", "1023 B", "1.0 KiB", "5.0 MiB"]


def test_events_are_sentences(clock):
    """What is told while a wave goes on can be read aloud; an event that nobody worded is told with its nouns."""
    progress, stream = plain(clock)
    progress.note("inventory.listed", side="source", place="korea/talk/images/", objects=1800)
    progress.note("inventory.of_wave", side="source", place="korea/talk/", objects=1800, mine=1200)
    progress.note("unclaimed.looked", objects=1833, buckets=4, places=1)
    progress.note("endpoint.silent", endpoint="japan", seconds=6, patience=60)
    progress.note("pace.waits", endpoint="japan")
    assert stream.getvalue().splitlines() == [
        "listed the source korea/talk/images/: 1,800 objects",
        "listed the source korea/talk/: 1,800 objects, 1,200 of this wave",
        "looked for what nobody claims, through 1,833 objects in 4 buckets: 1 place",
        "japan has not answered for 6 s; trying for up to 60 s",
        "pace.waits endpoint=japan",
    ]


def test_what_was_noted_leaves_the_terminal_when_it_is_old(clock):
    """A store that did not answer a while ago may answer now: its sentence does not stay."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    progress = TerminalProgress(console, clock)
    progress.stage("copy", objects=10, bytes_=10)
    progress.note("endpoint.silent", endpoint="japan", seconds=6, patience=60)

    def drawn() -> str:
        file = io.StringIO()
        Console(file=file, force_terminal=True, width=80, color_system=None).print(progress)
        return " ".join(file.getvalue().split())

    assert "japan has not answered" in drawn()
    clock.now += 21
    assert "japan has not answered" not in drawn()
    progress.close()
