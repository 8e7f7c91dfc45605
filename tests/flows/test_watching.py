"""What people watch: counts in words, log lines without keys in clear, and a board that may fail without anybody noticing."""

from __future__ import annotations

import logging
import threading

import pytest

from flows import watching as module
from flows.artifacts import done_in_time
from flows.watching import Standing, Watching, watched

MIB = 1024**2


@pytest.fixture
def log(caplog) -> logging.Logger:
    caplog.set_level(logging.INFO)
    return logging.getLogger("flows-test")


def test_a_standing_tells_how_far_how_fast_and_how_long():
    """One line for a person: objects, bytes, rate, time left, errors."""
    standing = Standing("copy", began=0.0, objects=500, bytes=50 * MIB, errors=2, objects_due=1000, bytes_due=100 * MIB)
    told = standing.told(now=10.0)
    assert told == "copy: 500 of 1,000 objects, 50.0 MiB of 100.0 MiB, 5.0 MiB/s, 10 s left, 2 errors"
    assert standing.percent() == 50


@pytest.mark.parametrize(
    ("standing", "percent"),
    [
        (Standing(), 0),
        (Standing("plan", objects=7), 0),
        (Standing("copy", objects=1, objects_due=4), 25),
        (Standing("copy", objects=9, objects_due=4), 100),
        (Standing("copy", bytes=9, bytes_due=4), 100),
        (Standing(over="all done"), 100),
    ],
)
def test_progress_is_a_percentage_whatever_is_known(standing, percent):
    """Unknown totals and more than expected are no errors."""
    assert standing.percent() == percent
    assert standing.told(now=0.0)


def test_stages_are_told_when_they_begin_and_end(log, caplog):
    """An operator reads the run as sentences."""
    time = iter(range(100))
    watching = Watching(log, clock=lambda: float(next(time)))
    watching.stage("copy", objects=2, bytes_=20)
    watching.advance(objects=1, bytes_=10)
    watching.advance(objects=1, bytes_=10, errors=1)
    watching.stage("verify")
    watching.finish("all there")
    lines = [each.replace("\u00a0", " ") for each in caplog.messages]
    assert lines[0] == "copy begins: 2 objects, 20 B to look at"
    assert lines[1].startswith("copy: 2 of 2 objects, 20 B of 20 B")
    assert lines[1].endswith("1 error")
    assert lines[2] == "verify begins"
    assert watching.tell() == "all there"


def test_a_note_shows_no_key_in_clear(log, caplog):
    """Personal data and control characters are percent-encoded before they reach a log."""
    Watching(log).note("object.refused", key="images/秘密\n.jpg", reason="name too long")
    (line,) = caplog.messages
    assert line == "object.refused key=images/%E7%A7%98%E5%AF%86%0A.jpg reason=name too long"


def test_a_store_that_is_silent_is_said_in_the_log_and_beside_the_figures(log, caplog):
    """Whoever looks at the progress of a run learns why nothing moves."""
    watching = Watching(log, clock=lambda: 100.0)
    watching.stage("copy", objects=2, bytes_=20)
    watching.note("endpoint.silent", endpoint="japan", seconds=6, patience=60)
    assert caplog.messages[-1] == "japan has not answered for 6 s; trying for up to 60 s"
    assert watching.tell().endswith("; japan has not answered for 6 s; trying for up to 60 s")
    watching.finish("all there: 20\u00a0B")
    assert watching.tell() == "all there: 20 B"


class Board:
    """Counts showings; fails or hangs if told to."""

    def __init__(self, *, fails: bool = False, hangs: threading.Event | None = None) -> None:
        self.told: list[str] = []
        self.shown = threading.Event()
        self._fails, self._hangs = fails, hangs

    def show(self, standing: Standing, told: str) -> None:
        self.told.append(told)
        self.shown.set()
        if self._hangs:
            self._hangs.wait(60)
        if self._fails:
            raise ConnectionError("nobody there")


def test_the_last_standing_is_shown(log):
    """When work ends, the board says how."""
    board, watching = Board(), Watching(log)
    with watched(watching, board, log):
        watching.finish("all there")
    assert board.told[-1] == "all there"


def test_a_board_that_fails_is_mentioned_once_and_stops_nothing(log, caplog, monkeypatch):
    """Prefect's server may go away at any time: one warning, and the work goes on."""
    monkeypatch.setattr(module, "PROGRESS_S", 0.01)
    board = Board(fails=True)
    with watched(Watching(log), board, log):
        while len(board.told) < 3:
            board.shown.wait(1)
    assert [each.levelname for each in caplog.records].count("WARNING") == 1


def test_a_board_that_hangs_keeps_nobody(log, monkeypatch):
    """A server that accepts and never answers can't hold a wave up."""
    monkeypatch.setattr(module, "LEAVE_S", 0.05)
    release = threading.Event()
    board = Board(hangs=release)
    try:
        with watched(Watching(log), board, log):
            pass
        assert board.shown.wait(5)
    finally:
        release.set()


async def test_a_report_that_can_not_be_shown_is_given_up_in_time():
    """Done, failed, too late: each is an answer, and none is an error."""

    def fail() -> None:
        raise ConnectionError("nobody there")

    release = threading.Event()
    try:
        assert await done_in_time(lambda: None, timeout_s=5)
        assert not await done_in_time(fail, timeout_s=5)
        assert not await done_in_time(lambda: release.wait(60), timeout_s=0.05)
    finally:
        release.set()
