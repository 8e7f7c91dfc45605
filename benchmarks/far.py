"""The same two servers, some milliseconds away: a delaying proxy in front of each, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.pair import Pair, cpu_s_of

DELAY = Path(__file__).with_name("delay.py")


@dataclass(frozen=True, slots=True)
class FarPair:
    """`pair` is reached through the proxies."""

    delay_ms: int
    pair: Pair
    pids: tuple[int, ...]

    def busiest_cpu_s(self) -> float:
        """Return the CPU of the proxy that worked most; each is one thread, so that it can't do more than one second a second."""
        return max(cpu_s_of(pid) for pid in self.pids)


@contextmanager
def far_away(pair: Pair, delay_ms: int) -> Iterator[FarPair]:
    """Run a proxy in front of each server that adds a round trip of `delay_ms`."""
    processes: list[subprocess.Popen[str]] = []
    try:
        ports = {}
        for name, port in pair.ports.items():
            command = [sys.executable, str(DELAY), str(port), str(delay_ms)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            processes.append(process)
            assert process.stdout is not None
            ports[name] = int(process.stdout.readline())
        yield FarPair(delay_ms, replace(pair, ports=ports), tuple(process.pid for process in processes))
    finally:
        for process in processes:
            process.kill()
            process.communicate()
