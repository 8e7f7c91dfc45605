"""What a whole process takes: wall time, client CPU, peak memory, and the CPU of both servers meanwhile.

Memory is the larger of two figures: the kernel's peak of the program (through the launcher, whose own few MiB are the floor: `true`
shows them), and the sum over the program and all that it started, sampled five times a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

from benchmarks.pair import Pair

LAUNCHER = Path(__file__).with_name("launcher.py")
SAMPLE_S = 0.2
TIMEOUT_S = 3600.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """One run of one tool, or the medians of several."""

    wall_s: float
    cpu_s: float
    rss_mib: float
    server_cpu_s: float = 0.0
    disk_mib: float = 0.0
    """Of files without a name, at their peak: what is on disk only until the process ends."""

    def then(self, other: Cost) -> Cost:
        """Return the cost of both, one after the other."""
        return Cost(
            self.wall_s + other.wall_s,
            self.cpu_s + other.cpu_s,
            max(self.rss_mib, other.rss_mib),
            self.server_cpu_s + other.server_cpu_s,
            max(self.disk_mib, other.disk_mib),
        )


def medians(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure for itself."""
    return Cost(*(median(getattr(cost, field.name) for cost in costs) for field in fields(Cost)))


def cost_of(command: Sequence[str], environment: Mapping[str, str], *, output: Path, pair: Pair | None = None) -> Cost:
    """Run a program to its end, its standard output in `output`; anything but exit code 0 ends the benchmark."""
    before_s = pair.server_cpu_s() if pair else 0.0
    errors = output.with_name(f"{output.name}.err")
    reader, writer = os.pipe()
    with output.open("wb") as out, errors.open("wb") as err, os.fdopen(reader, "rb") as results:
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(writer)]
        process = subprocess.Popen(
            [*launcher, *command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=(writer,),
            start_new_session=True,
        )
        os.close(writer)
        sampler = Sampler(process.pid)
        sampler.start()
        try:
            process.wait(TIMEOUT_S)
        finally:
            sampler.stop()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        text = results.read()
    found = json.loads(text) if text else {"code": process.returncode}
    if found["code"]:
        last = errors.read_text(errors="replace")[-2000:] + output.read_text(errors="replace")[-1000:]
        raise SystemExit(f"{' '.join(command)} ended with {found['code']}:\n{last}")
    server_s = pair.server_cpu_s() - before_s if pair else 0.0
    rss_mib, disk_mib = max(found["rss_bytes"], sampler.peak_bytes) / MIB, sampler.disk_bytes / MIB
    return Cost(found["wall_s"], found["cpu_s"], rss_mib, server_s, disk_mib)


class Sampler:
    """Adds up the resident memory of all that a launcher started, and their nameless files, and keeps the largest sums."""

    def __init__(self, launcher: int) -> None:
        self.peak_bytes = 0
        self.disk_bytes = 0
        self._launcher = launcher
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            started = descendants(self._launcher)
            self.peak_bytes = max(self.peak_bytes, sum(resident_bytes(pid) for pid in started))
            self.disk_bytes = max(self.disk_bytes, sum(nameless_bytes(pid) for pid in started))


def descendants(pid: int) -> list[int]:
    """Return the processes that `pid` started, and theirs, without itself."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended meanwhile
        return []
    return children + [each for child in children for each in descendants(child)]


def resident_bytes(pid: int) -> int:
    """Return VmRSS of a process, 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def nameless_bytes(pid: int) -> int:
    """Return the room that a process's open files without a name take; what has ended, or is closed meanwhile, takes none."""
    found = 0
    with contextlib.suppress(OSError):
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                status = opened.stat()
                found += status.st_blocks * 512 if stat.S_ISREG(status.st_mode) and not status.st_nlink else 0
    return found
