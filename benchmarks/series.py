"""The series of runs, each interleaved: in every round each case once, the tools in another order than the round before.

`compare` all tools on all loads; `grow` 1,000 objects to 100,000, and one at a time to 256; `stretch` the same through a proxy
that adds 0, 30 and 80 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.far import FarPair, far_away
from benchmarks.loads import Load
from benchmarks.pair import Pair
from benchmarks.results import Case, Results
from benchmarks.tools import Job, Mode, Tool, measured


@dataclass
class Bench:
    """One benchmark under way. `save` is called after every round, so that nothing measured is lost."""

    pair: Pair
    results: Results
    tools: Sequence[Tool]
    modes: Sequence[Mode]
    rounds: int
    save: Callable[[], None]
    count: int = 0

    def compare(self, loads: Sequence[Load]) -> None:
        for turn in range(self.rounds):
            for load in loads:
                for tool, mode in self._turns(turn, load):
                    self._once(Case(load.name, tool.name, mode))
            self.save()

    def grow(self, loads: Sequence[Load], at_once: Sequence[int], at_once_load: Load | None) -> None:
        for turn in range(self.rounds):
            for load in loads:
                for tool, mode in self._turns(turn, load):
                    self._once(Case(load.name, tool.name, mode))
            if at_once_load is not None:
                for lanes in at_once:
                    for tool, mode in self._turns(turn, at_once_load):
                        self._once(Case(at_once_load.name, tool.name, mode, at_once=lanes))
            self.save()

    def stretch(self, loads: Sequence[Load], delays_ms: Sequence[int]) -> None:
        with ExitStack() as stack:
            far = [stack.enter_context(far_away(self.pair, delay_ms)) for delay_ms in delays_ms]
            for turn in range(self.rounds):
                for load in loads:
                    for tool, mode in self._turns(turn, load):
                        for place in far:
                            self._once(Case(load.name, tool.name, mode, delay_ms=place.delay_ms), place)
                self.save()

    def _turns(self, turn: int, load: Load | None) -> Iterator[tuple[Tool, Mode]]:
        shift = turn % len(self.tools)
        for tool in (*self.tools[shift:], *self.tools[:shift]):
            for mode in self.modes:
                if mode in tool.modes and (tool.name == "ours" or (load and load.objects)):
                    yield tool, mode

    def _once(self, case: Case, far: FarPair | None = None) -> None:
        self.count += 1
        tool = next(tool for tool in self.tools if tool.name == case.tool)
        load = self.results.loads[case.load]
        pair = far.pair if far else self.pair
        before_s = far.busiest_cpu_s() if far else 0.0
        cost = measured(tool, Job(pair, load, case.mode, f"run{self.count:04}", case.at_once))
        self.results.add(case, cost)
        if far:
            self.results.proxy_cpu_s.setdefault(case, []).append(far.busiest_cpu_s() - before_s)
        more = (f", {case.at_once} at once" if case.at_once else "") + ("" if far is None else f", {far.delay_ms} ms away")
        said = (
            f"{load.objects / cost.wall_s:8.0f} objects/s {cost.wall_s:7.2f} s wall {cost.cpu_s:7.2f} s CPU {cost.rss_mib:5.0f} MiB"
        )
        print(f"{case.tool:8}{case.load + more:24}{case.mode:8}{said}", flush=True)
