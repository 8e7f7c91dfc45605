"""Calls of `hikkoshi` as a process: what it printed, its exit code, and how long it took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("hikkoshi"))
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Called:
    """One call that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        """Return the one JSON document that standard output holds; anything else there fails."""
        return json.loads(self.out)


def environment() -> dict[str, str]:
    """Return an environment in which nothing of the user's own leads astray."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HIKKOSHI_", "PREFECT_"))}


def call(*arguments: object, cwd: Path | None = None) -> Called:
    """Call the command and wait for its end."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Called(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Start the command, and kill it at the end if it still runs."""
    process = subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[Called, float]:
    """Send a signal and wait for the end; return what was printed, and after how many seconds it ended."""
    begun = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return Called(process.returncode, out, err), time.monotonic() - begun


def wait_until(true: Callable[[], bool], *, timeout_s: float = 60) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
