"""Where a run's client CPU goes, by phase: `run --until verify` in this process, over uvloop, between two local MinIO.

    python -m benchmarks.profile_copy [--load large] [--objects 5000] [--until copy] [--cprofile copy] [--set concurrency=64]

CPU is `time.process_time` (all threads of this process; the servers have their own) between marks of the port `Progress`. Marginal
is the difference to a run over one object, which also warms the imports, divided by the objects. `--cprofile PHASE` prints that
phase's most costly functions instead of trustworthy totals: the profiler itself costs about as much as it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import uvloop
import yaml

from benchmarks import loads
from benchmarks.migration import CATEGORY, write_migration
from benchmarks.pair import Pair, running_pair
from connectors.assemble import assembled, settings_from
from relocation.rules.objects import Place
from relocation.stages.probe import probe_if_stale
from relocation.stages.wave import WaveRequest, run_wave

MIB = 1024 * 1024
Until = Literal["copy", "verify"]


@dataclass(slots=True)
class Spent:
    wall_s: float = 0.0
    cpu_s: float = 0.0
    server_cpu_s: float = 0.0


@dataclass
class Marks:
    """The port `Progress` as a stop-watch: every mark ends the phase before it."""

    pair: Pair
    profiled: str = ""
    profiler: cProfile.Profile = field(default_factory=cProfile.Profile)
    phases: dict[str, Spent] = field(default_factory=dict)
    phase: str = "open"
    begun: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        self.begun = self._now()

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        self.mark("inventory" if name == "plan" else name)

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None:
        pass

    def note(self, event: str, **facts: object) -> None:
        if event == "inventory.listed":
            self.mark("plan" if self.phase == "inventory" and facts["side"] == "target" else self.phase)

    def mark(self, following: str) -> None:
        """End the phase under way; `following` begins."""
        now = self._now()
        spent = self.phases.setdefault(self.phase, Spent())
        spent.wall_s += now[0] - self.begun[0]
        spent.cpu_s += now[1] - self.begun[1]
        spent.server_cpu_s += now[2] - self.begun[2]
        if self.profiled and following != self.phase:
            if self.phase == self.profiled:
                self.profiler.disable()
            if following == self.profiled:
                self.profiler.enable()
        self.phase, self.begun = following, self._now()

    def _now(self) -> tuple[float, float, float]:
        return time.monotonic(), time.process_time(), self.pair.server_cpu_s()


async def run_once(pair: Pair, load: loads.Load, until: Until, transfer: dict[str, object], profiled: str = "") -> Marks:
    """Run the load to a new prefix, probed beforehand, and return what each phase took."""
    target = f"profile-{load.name}/"
    path = write_migration(pair, f"profile-{load.name}", source=load.prefix, target=target, transfer=transfer)
    environment = pair.environment()
    settings = settings_from(path, environment)
    marks = Marks(pair, profiled)
    async with assembled(settings, environment, marks) as context:
        move, vault = settings.categories[CATEGORY].moves[0], settings.vault
        await probe_if_stale(context, Place(vault.endpoint, vault.bucket), "vault")
        await probe_if_stale(context, Place("korea", move.source.bucket), "source")
        await probe_if_stale(context, Place("japan", move.target.bucket), "target")
        marks.mark("open")
        marks.phases.clear()
        await run_wave(context, WaveRequest(CATEGORY, "all", until))
        marks.mark("end")
    found = pair.written(target)
    if found != load.objects:
        raise SystemExit(f"{found} objects lie at the target, {load.objects} were due")
    return marks


def table(one: Marks, many: Marks, objects: int) -> str:
    """Return the phases as lines: totals of the large run, and microseconds of CPU an object."""
    lines = [f"{'phase':<12}{'wall s':>9}{'CPU s':>9}{'fixed ms':>10}{'µs/object':>11}{'server µs/object':>18}"]
    total, base = Spent(), Spent()
    for phase, spent in many.phases.items():
        least = one.phases.get(phase, Spent())
        lines.append(_line(phase, spent, least, objects))
        for sum_, part in ((total, spent), (base, least)):
            sum_.wall_s += part.wall_s
            sum_.cpu_s += part.cpu_s
            sum_.server_cpu_s += part.server_cpu_s
    return "\n".join([*lines, _line("all", total, base, objects)])


def _line(phase: str, spent: Spent, least: Spent, objects: int) -> str:
    marginal = (spent.cpu_s - least.cpu_s) / (objects - 1) * 1e6
    server = (spent.server_cpu_s - least.server_cpu_s) / (objects - 1) * 1e6
    return f"{phase:<12}{spent.wall_s:9.2f}{spent.cpu_s:9.2f}{least.cpu_s * 1000:10.1f}{marginal:11.1f}{server:18.0f}"


async def profile(pair: Pair, chosen: argparse.Namespace) -> None:
    one = loads.small(1, "one")
    many = {"small": loads.small(chosen.objects), "large": loads.large(), "mixed": loads.mixed()}[chosen.load]
    await loads.seed(pair, (one, many))
    transfer = {name: yaml.safe_load(value) for name, _, value in (each.partition("=") for each in chosen.set)}
    base = await run_once(pair, one, chosen.until, transfer)
    marks = await run_once(pair, many, chosen.until, transfer, chosen.cprofile)
    load = f"{many.name}: {many.objects:,} objects, {many.bytes / MIB:,.0f} MiB"
    print(f"{load}, until {chosen.until}{', TLS' if pair.tls else ''}; CPU of this process, all threads")
    print(table(base, marks, many.objects))
    if chosen.cprofile:
        pstats.Stats(marks.profiler).sort_stats("tottime").print_stats(45)
        if chosen.stats:
            marks.profiler.dump_stats(chosen.stats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", choices=("small", "large", "mixed"), default="small")
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--until", choices=("copy", "verify"), default="verify")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--cprofile", default="", metavar="PHASE", help="inventory, plan, copy, verify or report")
    parser.add_argument("--stats", type=Path, help="where the profile goes, for snakeviz and the like")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a limit of `transfer:`")
    chosen = parser.parse_args()
    with running_pair(tls=chosen.tls) as pair, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(profile(pair, chosen))


if __name__ == "__main__":
    main()
