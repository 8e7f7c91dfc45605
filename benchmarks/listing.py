"""How long an inventory takes, far away and near by: `python -m benchmarks.listing [--keys 200000] [--rounds 3] [--publish]`.

Far away: an endpoint that lists what nobody stored (`listing_server.py`), 30 ms a page, flat and skewed keys; one range after the
other against as many as the inventory chooses. Near by: real keys on a real MinIO, against `rclone lsf -R` and `mc ls -r`, whole
processes. Everything by turns; medians. Ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import shutil
import statistics
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from benchmarks import loads
from benchmarks.cost import Cost, cost_of
from benchmarks.migration import write_migration
from benchmarks.pair import SOURCE, Pair, running_pair
from benchmarks.planning import listing
from benchmarks.results import machine
from benchmarks.tools import CHECKOUT, TOOLS, find_mc, program

PAGE_MS = 30.0
FAR_GOAL, NEAR_GOAL, CPU_GOAL_US = 8.0, 1.4, 12.0
FEW_KEYS = 100
NOTES = """
Wall, client CPU and memory (MiB) are of the whole process, Python's start included; *listed* and *and written* of the inventory,
until all keys are there in order, and until they are in the vault as Parquet. *Far* is an endpoint that takes 30 ms for each page
and holds nothing. *Near* is a MinIO whose keys are one object under many names, cloned on its drive; `rclone lsf -R` runs with
`--fast-list`, by which it is fastest.
"""
PUBLISHED = Path(__file__).parents[1] / "docs" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Run:
    """One inventory or one listing by another tool. What only ours tells is 0 for others."""

    wall_s: float
    cpu_s: float
    rss_mib: float
    server_cpu_s: float
    listed_s: float = 0.0
    stage_s: float = 0.0
    stage_cpu_s: float = 0.0
    ranges: int = 1
    pages: int = 0
    probes: int = 0


@dataclass(slots=True)
class Figures:
    """All runs, by case."""

    keys: int
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def add(self, case: str, run: Run) -> None:
        self.runs.setdefault(case, []).append(run)
        told = f"{run.wall_s:7.2f} s wall {run.cpu_s:7.2f} s CPU {run.listed_s:7.2f} s listed, ranges: {run.ranges}"
        print(f"{case:<28} {told}", flush=True)

    def median(self, case: str, name: str) -> float:
        return float(statistics.median(getattr(run, name) for run in self.runs[case]))


def ours(pair: Pair, configuration: Path, keys: int, *, ranges_max: int = 0) -> Run:
    """Make one inventory in a process of its own."""
    environment = pair.environment() | {"HIKKOSHI_CONFIG": str(configuration), "PYTHONPATH": str(CHECKOUT)}
    output = configuration.parent / "output"
    command = [sys.executable, "-m", "benchmarks.inventory_once", *([str(ranges_max)] if ranges_max else [])]
    cost = cost_of(command, environment, output=output, pair=pair)
    told = json.loads(output.read_text())
    if told["keys"] != keys:
        raise SystemExit(f"{told['keys']} keys were listed, {keys} were due")
    own = (told[name] for name in ("listed_s", "stage_s", "stage_cpu_s", "ranges"))
    return Run(cost.wall_s, cost.cpu_s, cost.rss_mib, cost.server_cpu_s, *own)


def far_away(pair: Pair, figures: Figures, rounds: int) -> None:
    """List what is far away in one range, and in as many as are chosen."""
    for shape in ("flat", "skewed"):
        with listing(figures.keys, shape, PAGE_MS) as url:
            path = write_migration(pair, f"far-{shape}", source="", target="")
            document = yaml.safe_load(path.read_text())
            document["endpoints"]["korea"]["url"] = url
            path.write_text(yaml.safe_dump(document))
            for _ in range(rounds):
                for name, most in (("one range", 1), ("ranges", 0)):
                    before = asked(url)
                    run = ours(pair, path, figures.keys, ranges_max=most)
                    pages, probes = (after - was for after, was in zip(asked(url), before, strict=True))
                    told = {**asdict(run), "pages": pages, "probes": probes}
                    figures.add(f"far, {shape}, {name}", Run(**told))


def asked(url: str) -> tuple[int, int]:
    """Return how many pages and single keys an endpoint was asked for so far."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/?asked", timeout=10) as answer:
        pages, probes = answer.read().split()
        return int(pages), int(probes)


def near_by(pair: Pair, figures: Figures, rounds: int) -> None:
    """List real keys, in turn with other tools."""
    populate(pair, figures.keys)
    many = write_migration(pair, "near", source="many/", target="many/")
    few = write_migration(pair, "near-few", source="few/", target="few/")
    tools = {"rclone lsf -R": rclone, "mc ls -r": mc}
    for _ in range(rounds):
        figures.add("near, ours", ours(pair, many, figures.keys))
        figures.add("near, ours, few keys", ours(pair, few, FEW_KEYS))
        for name, command in tools.items():
            found, environment = command(pair)
            if not found[0]:
                print(f"{name}: not on this machine")
                continue
            output = pair.folder / "listed"
            cost: Cost = cost_of(found, environment, output=output, pair=pair)
            if (lines := sum(1 for _ in output.open("rb"))) != figures.keys:
                raise SystemExit(f"{name} showed {lines} keys, {figures.keys} are there")
            figures.add(f"near, {name}", Run(cost.wall_s, cost.cpu_s, cost.rss_mib, cost.server_cpu_s))


def populate(pair: Pair, keys: int) -> None:
    """Put one object, and have it under many names: its file on the drive holds no name."""
    asyncio.run(loads.seed(pair, [loads.Load("one", (1024,))]))
    (original,) = (pair.korea.data / SOURCE / "one").rglob("xl.meta")
    data = original.read_bytes()
    for folder, count in (("many", keys), ("few", FEW_KEYS)):
        for number in range(count):
            place = pair.korea.data / SOURCE / folder / f"u{number // 100:07}" / f"{number % 100:02}.jpg"
            place.mkdir(parents=True)
            (place / "xl.meta").write_bytes(data)
    shutil.rmtree(original.parents[1], ignore_errors=True)


def rclone(pair: Pair) -> tuple[Sequence[str], dict[str, str]]:
    values = {"TYPE": "s3", "PROVIDER": "Minio", "ENDPOINT": pair.url("korea"), "REGION": "us-east-1"}
    values |= {"ACCESS_KEY_ID": pair.keys.access, "SECRET_ACCESS_KEY": pair.keys.secret}
    environment = pair.environment() | {f"RCLONE_CONFIG_KOREA_{name}": value for name, value in values.items()}
    return [program("rclone"), "lsf", "-R", "--files-only", "--fast-list", f"korea:{SOURCE}/many"], environment


def mc(pair: Pair) -> tuple[Sequence[str], dict[str, str]]:
    keys = f"{pair.keys.access}:{pair.keys.secret}"
    environment = pair.environment() | {"MC_HOST_korea": f"http://{keys}@{pair.address('korea')}"}
    return [find_mc(), "ls", "-r", f"korea/{SOURCE}/many/"], environment


def goals(figures: Figures) -> Iterator[tuple[str, str, str, bool]]:
    """Yield each goal, what is due, what was measured, and whether it is met."""
    for shape in ("flat", "skewed"):
        for what, name in (("listed", "listed_s"), ("listed and written", "stage_s")):
            if f"far, {shape}, ranges" in figures.runs:
                ratio = figures.median(f"far, {shape}, one range", name) / figures.median(f"far, {shape}, ranges", name)
                yield f"30 ms a page, {shape} keys, {what}: of one range", f"≥ {FAR_GOAL:g} ×", f"{ratio:.1f} ×", ratio >= FAR_GOAL
    if "near, ours" in figures.runs:
        others = [figures.median(case, "wall_s") for case in figures.runs if case.startswith(("near, rclone", "near, mc"))]
        if others:
            ratio = min(others) / figures.median("near, ours", "wall_s")
            yield "near MinIO, whole process: of the faster other tool", f"≥ {NEAR_GOAL:g} ×", f"{ratio:.2f} ×", ratio >= NEAR_GOAL
        extra_s = figures.median("near, ours", "cpu_s") - figures.median("near, ours, few keys", "cpu_s")
        each_us = extra_s / (figures.keys - FEW_KEYS) * 1e6
        yield "near MinIO: client CPU a key, Parquet written", f"≤ {CPU_GOAL_US:g} us", f"{each_us:.1f} us", each_us <= CPU_GOAL_US


def page(figures: Figures, versions: dict[str, str], rounds: int) -> str:
    """Return everything as Markdown."""
    box = machine()
    today = datetime.datetime.now(datetime.UTC).date()
    load = f"load average {os.getloadavg()[1]:.0f}"
    where = (
        f"on {box['cores']} cores ({box['processor']}), {box['system']}, Python {box['python']}, which the servers share, {load}"
    )
    tools = ", ".join(f"{name} {said}" for name, said in versions.items())
    lines = [
        f"# Listing\n\nMeasured {today} {where}; {figures.keys:,} keys; medians of {rounds} interleaved runs.  ",
        f"Tools: {tools}. Again: `python -m benchmarks.listing --publish`.\n",
        "| | goal | measured | |",
        "|---|--:|--:|---|",
        *(f"| {what} | {due} | {found} | {'met' if met else '**missed**'} |" for what, due, found, met in goals(figures)),
        "\n| | wall | client CPU | listed | and written | memory | server CPU | ranges | pages | single keys |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_line(figures, case) for case in figures.runs),
    ]
    return "\n".join(lines) + "\n" + NOTES


def _line(figures: Figures, case: str) -> str:
    def figure(name: str, form: str) -> str:
        found = figures.median(case, name)
        return f"{found:{form}}" if found else "–"

    own = (figure("listed_s", ".2f"), figure("stage_s", ".2f"), figure("rss_mib", ".0f"), figure("server_cpu_s", ".1f"))
    counts = (figure(name, ".0f") for name in ("ranges", "pages", "probes"))
    return f"| {case} | {figure('wall_s', '.2f')} | {figure('cpu_s', '.2f')} | {' | '.join((*own, *counts))} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("far", "near"))
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/listing.md and .json")
    chosen = parser.parse_args()
    figures = Figures(chosen.keys)
    versions = {tool.name: said for tool in TOOLS if tool.name in ("ours", "rclone", "mc") and (said := tool.version())}
    with running_pair() as pair:
        if chosen.only != "near":
            far_away(pair, figures, chosen.rounds)
        if chosen.only != "far":
            near_by(pair, figures, chosen.rounds)
    found = page(figures, versions, chosen.rounds)
    print(found)
    if chosen.publish:
        document = {
            "machine": machine(),
            "load_average": os.getloadavg(),
            "versions": versions,
            "keys": chosen.keys,
            "page_ms": PAGE_MS,
        }
        runs = {case: [asdict(run) for run in some] for case, some in figures.runs.items()}
        told = [dict(zip(("goal", "due", "measured", "met"), goal, strict=True)) for goal in goals(figures)]
        (PUBLISHED / "listing.json").write_text(json.dumps({**document, "goals": told, "runs": runs}, indent=1) + "\n")
        (PUBLISHED / "listing.md").write_text(found)
    return int(not all(met for *_, met in goals(figures)))


if __name__ == "__main__":
    sys.exit(main())
