"""Start a program of our own, know it again, and end it with what it started.

A process is known by its id *and* the time at which it began (with the machine's boot), never by its id or name alone: ids are
used again. Each program gets a session of its own, so that Ctrl-C in a terminal leaves it alone, and a random mark in its
environment, which all its children inherit: flow runs begin sessions of their own and would be missed otherwise.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "HIKKOSHI_LOCAL_MARK"
PROC = Path("/proc")
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its id, and when it began (opaque text, equal for the same process only)."""

    pid: int
    began: str


def start(command: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path, mark: str) -> Process:
    """Start a program in `folder` with a new `log` (the one before is kept as `NAME.1`), in a session of its own."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("wb") as output:
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**environment, MARK: mark},
            cwd=folder,
            start_new_session=True,
        )
    program.returncode = 0  # it outlives us and is looked after by its id: `Popen` has nothing to warn of
    return Process(program.pid, began(program.pid))


def is_alive(process: Process) -> bool:
    """Return whether that very process still runs (a zombie does not)."""
    return process.began != "" and began(process.pid) == process.began


def began(pid: int) -> str:
    """Return when the process with this id began, or an empty string if none runs."""
    _reap(pid)
    if PROC.joinpath("self", "stat").exists():
        fields = _stat(pid)
        # A zombie with threads left is not over: it still holds its ports.
        over = not fields or fields[0] == "X" or (fields[0] == "Z" and fields[17] == "1")
        return "" if over else f"{_boot()}:{fields[19]}"
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    state, _, when = answer.strip().partition(" ")
    return "" if state.startswith("Z") else " ".join(when.split())


def end(processes: Sequence[Process], marks: Sequence[str], *, grace_s: float) -> int:
    """End these processes and everything that carries one of the marks: SIGTERM, and after `grace_s` SIGKILL.

    Return how many had to be killed. A process whose id now belongs to another is left alone.
    """
    found = {process for process in processes if is_alive(process)} | set(marked(marks))
    _send(found, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while any(is_alive(process) for process in found) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    # What a program began while it was asked to end is ended too.
    stubborn = {process for process in found if is_alive(process)} | set(marked(marks))
    _send(stubborn, signal.SIGKILL)
    deadline = time.monotonic() + grace_s
    while any(is_alive(process) for process in stubborn) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return len(stubborn)


def marked(marks: Sequence[str]) -> Iterator[Process]:
    """Yield every process of ours whose environment carries one of the marks (where the system lets us look: Linux)."""
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    for folder in PROC.glob("[0-9]*"):
        pid = int(folder.name)
        with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
            environment = folder.joinpath("environ").read_bytes().split(b"\0")
            if pid != os.getpid() and not wanted.isdisjoint(environment) and (when := began(pid)):
                yield Process(pid, when)


def _send(processes: set[Process], number: signal.Signals) -> None:
    for process in processes:
        if is_alive(process):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)


def _reap(pid: int) -> None:
    """Collect our own child if it has ended, so that its id means nobody."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third (state) on; proc_pid_stat(5): the name before may hold anything."""
    try:
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "boot"
