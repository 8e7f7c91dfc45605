"""What was measured: cases with every run of theirs, medians, and the document that holds all of it."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.cost import Cost, medians
from benchmarks.loads import GIB, Load
from benchmarks.tools import Mode


@dataclass(frozen=True, slots=True)
class Case:
    """What was run: a tool on a load. `delay_ms` is None without a proxy; `at_once` 0 as the tool likes it best."""

    load: str
    tool: str
    mode: Mode
    at_once: int = 0
    delay_ms: int | None = None


@dataclass
class Results:
    """All runs of one benchmark. `proxy_cpu_s` is that of the busiest proxy, for each run through one."""

    tls: bool
    versions: dict[str, str]
    loads: dict[str, Load]
    floor_mib: float
    runs: dict[Case, list[Cost]] = field(default_factory=dict)
    proxy_cpu_s: dict[Case, list[float]] = field(default_factory=dict)
    begun: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))

    def add(self, case: Case, cost: Cost) -> None:
        self.runs.setdefault(case, []).append(cost)

    def median(self, case: Case) -> Cost | None:
        """Return the medians of a case, None where it was not run."""
        return medians(self.runs[case]) if case in self.runs else None

    def rate(self, case: Case) -> float | None:
        """Return objects a second of the whole process."""
        cost = self.median(case)
        return self.loads[case.load].objects / cost.wall_s if cost else None

    def fixed_cpu_s(self, tool: str, mode: Mode) -> float | None:
        """Return the client CPU of a run over one object."""
        cost = self.median(Case("one", tool, mode))
        return cost.cpu_s if cost else None

    def marginal_ms(self, case: Case) -> float | None:
        """Return the client CPU that each further object costs."""
        cost, fixed_s = self.median(case), self.fixed_cpu_s(case.tool, case.mode)
        if cost is None or fixed_s is None:
            return None
        return (cost.cpu_s - fixed_s) / max(self.loads[case.load].objects - 1, 1) * 1000

    def marginal_s_a_gib(self, case: Case) -> float | None:
        """Return the client CPU that a GiB costs, without the fixed part."""
        cost, fixed_s = self.median(case), self.fixed_cpu_s(case.tool, case.mode)
        if cost is None or fixed_s is None:
            return None
        return (cost.cpu_s - fixed_s) / (self.loads[case.load].bytes / GIB)

    def chosen(self, *, at_once: bool = False, delayed: bool = False, prefix: str = "") -> Iterator[Case]:
        """Yield cases of one kind, in the order in which they were first run."""
        for case in self.runs:
            if bool(case.at_once) == at_once and (case.delay_ms is not None) == delayed and case.load.startswith(prefix):
                yield case

    def rounds(self) -> int:
        return max((len(runs) for runs in self.runs.values()), default=0)

    def document(self, goals: object) -> str:
        """Return everything as JSON."""
        return json.dumps(
            {
                "begun": self.begun,
                "tls": self.tls,
                "machine": machine(),
                "versions": self.versions,
                "rss_floor_mib": self.floor_mib,
                "loads": {name: {"objects": load.objects, "bytes": load.bytes} for name, load in self.loads.items()},
                "cases": [
                    {**asdict(case), "median": asdict(medians(runs)), "runs": [asdict(run) for run in runs]}
                    | ({"busiest_proxy_cpu_s": self.proxy_cpu_s[case]} if case in self.proxy_cpu_s else {})
                    for case, runs in self.runs.items()
                ],
                "goals": goals,
            },
            indent=1,
        )


def machine() -> dict[str, object]:
    """Return the size of this machine: cores, memory, processor."""
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory_bytes / GIB),
        "processor": names[0] if names else platform.machine(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }
