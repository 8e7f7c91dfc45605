"""A Prefect server and a worker of our own: found again, quiet, apart from the user's, and ended with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hikkoshi.local import down, prefect_environment, status, up
from hikkoshi.local.minio import cache_folder
from hikkoshi.local.process import began, marked
from hikkoshi.local.state import SERVERS

pytestmark = pytest.mark.server
FLOW = Path(__file__).with_name("small_flow.py")


def run(state, *command: str) -> None:
    """Run a program against the project's Prefect, as `hikkoshi deploy` would."""
    how = {"env": prefect_environment(state), "cwd": state.var, "capture_output": True, "text": True, "timeout": 120}
    done = subprocess.run([sys.executable, *command], check=False, **how)
    assert done.returncode == 0, done.stdout + done.stderr


def until(true, *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.long
def test_prefect_lives_and_ends_with_the_project(tmp_path, monkeypatch):
    """A run that sleeps in the worker ends with `down`; a killed worker comes back; the user's own Prefect is never touched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder().parent))
    monkeypatch.setenv("HOME", str(home := tmp_path / "home"))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/of-the-user")
    monkeypatch.setenv("PREFECT_PROFILE", "of-the-user")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    home.mkdir()
    root = tmp_path / "project"
    root.mkdir()
    try:
        first = up(root, print)
        assert [server.name for server in first.servers if server.running] == list(SERVERS)
        os.kill(first.server("worker").process.pid, signal.SIGKILL)
        until(lambda: not first.server("worker").running, timeout_s=20)
        second = up(root, print)
        assert second.servers[:3] == first.servers[:3]
        assert second.server("worker").running
        run(second, str(FLOW))
        pid_file = tmp_path / "pid"
        run(second, "-m", "prefect", "deployment", "run", "small/small", "-p", f"pid_file={pid_file}", "-p", "sleep_s=120")
        until(pid_file.exists, timeout_s=60)
        pid = int(pid_file.read_text())
        assert os.getsid(pid) != second.server("worker").process.pid
        down(root, print)
        assert began(pid) == ""
        assert list(marked([second.mark_of(name) for name in SERVERS])) == []
        assert not any(server.running for server in status(root).servers)
        assert list(home.iterdir()) == []
        assert (root / "var" / "prefect" / "prefect.db").exists()
    finally:
        down(root, print)
