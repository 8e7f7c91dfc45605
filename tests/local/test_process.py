"""A program of ours is known by its id and its start, and is ended with all that it started; no other is touched."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import time

import pytest
from websockets.asyncio.client import connect

from hikkoshi.local import servers
from hikkoshi.local.process import MARK, Process, began, end, is_alive, marked, start
from hikkoshi.local.state import load, save

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(60)\n"
)


@pytest.fixture
def begin(tmp_path):
    """Start programs of ours, and see that none outlives the test."""
    marks = []

    def begin(command: list[str], mark: str) -> Process:
        marks.append(mark)
        return start(command, log=tmp_path / f"{mark}.log", environment=os.environ, folder=tmp_path, mark=mark)

    yield begin
    end([], marks, grace_s=0)


def first_line(log) -> str:
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    return log.read_text()


def until(true) -> None:
    """Look until it is true, at most 20 s."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_is_known_by_its_id_and_its_start(begin):
    """The same id with another start is another process."""
    process = begin(SLEEPS, "known")
    assert is_alive(process)
    assert not is_alive(Process(process.pid, "another boot:1"))
    assert not is_alive(Process(process.pid, ""))


def test_a_process_whose_id_belongs_to_another_now_is_left_alone(tmp_path):
    """`down` with a stale record ends nobody: the id alone is not enough."""
    stranger = subprocess.Popen(SLEEPS)
    try:
        assert end([Process(stranger.pid, began(stranger.pid) + "0")], ["nobody"], grace_s=0.2) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_ending_takes_a_child_that_began_a_session_of_its_own(begin, tmp_path):
    """A flow run detaches itself from its worker, and is ended with it all the same."""
    parent = begin([sys.executable, "-c", PARENT], "parent")
    child = int(first_line(tmp_path / "parent.log"))
    assert os.getsid(child) != os.getsid(parent.pid)
    end([parent], ["parent"], grace_s=5)
    assert not is_alive(parent)
    assert began(child) == ""


def test_a_child_whose_parent_was_killed_is_still_found(begin, tmp_path):
    """What a killed worker leaves behind carries its mark."""
    parent = begin([sys.executable, "-c", PARENT], "orphan")
    child = int(first_line(tmp_path / "orphan.log"))
    os.kill(parent.pid, signal.SIGKILL)
    until(lambda: not is_alive(parent))
    assert [process.pid for process in marked(["orphan"])] == [child]
    end([parent], ["orphan"], grace_s=5)
    assert began(child) == ""


def test_what_does_not_listen_to_sigterm_is_killed(begin, tmp_path):
    """After the grace the program is ended by force, and that is counted."""
    process = begin([sys.executable, "-c", STUBBORN], "stubborn")
    first_line(tmp_path / "stubborn.log")
    assert end([process], ["stubborn"], grace_s=0.3) == 1
    assert not is_alive(process)


def test_a_mark_is_compared_whole(begin):
    """The mark of one server is not taken for another's that begins alike."""
    process = begin(SLEEPS, "mark-1")
    assert list(marked(["mark"])) == []
    assert list(marked(["mark-1"])) == [process]
    assert MARK not in os.environ


def test_a_program_has_a_session_of_its_own(begin):
    """Ctrl-C in the terminal of `up` does not reach the servers."""
    process = begin(SLEEPS, "session")
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_the_log_of_the_start_before_is_kept(begin, tmp_path):
    """A start begins its log anew, and the last one's can still be read."""
    (tmp_path / "again.log").write_text("the first\n")
    begin(SLEEPS, "again")
    assert (tmp_path / "again.log.1").read_text() == "the first\n"


def test_the_worker_has_the_time_to_take_leave_of_a_prefect_that_does_not_answer(tmp_path, monkeypatch):
    """It closes three connections, one after another: whoever kills it before that calls an ordinary end one by force."""
    graces = {}

    def end(_processes, marks, *, grace_s):
        graces[marks[0].rpartition(":")[2]] = grace_s
        return 0

    monkeypatch.setattr(servers, "end", end)
    (tmp_path / "var").mkdir()
    save(load(tmp_path))
    servers.down(tmp_path, lambda _line: None)
    close_timeout_s = inspect.signature(connect.__init__).parameters["close_timeout"].default
    assert graces["worker"] > 3 * close_timeout_s
    assert graces["prefect"] == graces["korea"] == servers.GRACE_S
