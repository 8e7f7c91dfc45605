"""`make bench`: ours next to rclone, juicefs sync and mc mirror, on the same two MinIO, in one run, interleaved.

    make bench                                                     the comparison, about 15 minutes on 2 cores
    make bench BENCH=--tls                                         the same over TLS
    make bench BENCH="--series grow --modes copy --rounds 1 --name growth"
    make bench BENCH="--series stretch --modes copy --tools ours,rclone,juicefs --name distance"
    make bench BENCH="--loads small --tools ours,rclone --objects 5000"      a short one

Results go to `benchmarks/results/` after every round (Markdown, JSON, SVG), with `--publish` to `docs/benchmarks/` too. Figures of
one run may be compared with each other only: machines differ, and shared ones differ by the hour.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import chart, loads
from benchmarks.cost import cost_of
from benchmarks.goals import verdicts
from benchmarks.page import page, titles
from benchmarks.pair import Pair, running_pair
from benchmarks.results import Results
from benchmarks.series import Bench
from benchmarks.tools import MODES, TOOLS, Mode

ROOT = Path(__file__).resolve().parents[1]
SERIES = ("compare", "grow", "stretch")


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def numbers(text: str) -> list[int]:
    return [int(word) for word in words(text)]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tls", action="store_true", help="both servers by https")
    parser.add_argument("--series", type=words, default=["compare"], help="compare, grow, stretch, or several")
    parser.add_argument("--loads", type=words, default=["small", "large", "mixed"], help="of compare")
    parser.add_argument("--tools", type=words, default=[tool.name for tool in TOOLS])
    parser.add_argument("--modes", type=words, default=list(MODES), help="copy, verify, or both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=20_000, help="of the load small")
    parser.add_argument("--large", type=int, default=4, help="objects of 256 MiB of the load large")
    parser.add_argument("--mixed-mib", type=int, default=2048, help="MiB of the load mixed")
    parser.add_argument("--grow-objects", type=numbers, default=[1_000, 10_000, 100_000])
    parser.add_argument("--at-once", type=numbers, default=[1, 4, 16, 64, 256])
    parser.add_argument("--at-once-objects", type=int, default=3_000)
    parser.add_argument("--stretch-loads", type=words, default=["small"])
    parser.add_argument("--delays", type=numbers, default=[0, 30, 80], help="added milliseconds of a round trip")
    parser.add_argument("--name", default="", help="of the files; else `bench` or `bench-tls`")
    parser.add_argument("--publish", action="store_true", help="write to docs/benchmarks/ too")
    chosen = parser.parse_args()
    known = {"series": SERIES, "loads": ("small", "large", "mixed"), "tools": [tool.name for tool in TOOLS], "modes": MODES}
    for option, allowed in {**known, "stretch_loads": known["loads"]}.items():
        for word in getattr(chosen, option):
            if word not in allowed:
                parser.error(f"--{option.replace('_', '-')}: no {word}; there are {', '.join(allowed)}")
    return chosen


def loads_of(chosen: argparse.Namespace) -> dict[str, loads.Load]:
    """Return every load that the chosen series need, by name."""
    made = {
        "small": loads.small(chosen.objects),
        "large": loads.large(chosen.large),
        "mixed": loads.mixed(chosen.mixed_mib * loads.MIB),
    }
    wanted = set(chosen.loads if "compare" in chosen.series else ()) | set(
        chosen.stretch_loads if "stretch" in chosen.series else ()
    )
    found = {name: load for name, load in made.items() if name in wanted}
    if "compare" in chosen.series:
        found |= {"empty": loads.small(0, "empty"), "one": loads.small(1, "one")}
    if "grow" in chosen.series:
        found |= {f"grow{objects}": loads.small(objects, f"grow{objects}") for objects in chosen.grow_objects}
        found["lanes"] = loads.small(chosen.at_once_objects, "lanes")
    return found


def refuse_without_room(pair: Pair, needed: dict[str, loads.Load]) -> None:
    """Refuse to begin where the sources and the largest target would not fit the drive (4 KiB an object more, for its file)."""
    sizes = [load.bytes + 8192 * load.objects for load in needed.values()]
    due, free = sum(sizes) + max(sizes), shutil.disk_usage(pair.folder).free
    if due * 1.1 > free:
        raise SystemExit(
            f"{pair.folder} has room for {free >> 20} MiB, {int(due * 1.1) >> 20} MiB are needed: choose smaller loads"
        )


def growth_panels(results: Results) -> list[tuple[str, list[str], list[chart.Curve]]]:
    """Return what the line picture shows: growth, lanes, distance."""
    kinds = (
        ("objects", list(results.chosen(prefix="grow")), lambda case: results.loads[case.load].objects),
        ("at once", list(results.chosen(at_once=True)), lambda case: case.at_once),
        (
            "ms of added round trip",
            [case for case in results.chosen(delayed=True) if case.load == "small"],
            lambda case: case.delay_ms,
        ),
    )
    panels = []
    for title, cases, mark_of in kinds:
        marks = sorted({mark_of(case) for case in cases})
        lines: dict[tuple[str, Mode], dict[int, float | None]] = {}
        for case in cases:
            lines.setdefault((case.tool, case.mode), {})[mark_of(case)] = results.rate(case)
        if marks:
            curves = [chart.Curve(tool, mode, tuple(at.get(mark) for mark in marks)) for (tool, mode), at in lines.items()]
            panels.append((title, [f"{mark:,}" for mark in marks], curves))
    return panels


def write(results: Results, folder: Path, name: str, command: str) -> str:
    """Write everything measured so far, and return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    judged = verdicts(results)
    text = page(results, judged, command)
    (folder / f"{name}.md").write_text(text)
    (folder / f"{name}.json").write_text(results.document([asdict(each) for each in judged]) + "\n")
    if any(True for case in results.chosen() if case.load in titles(results)):
        (folder / f"{name}.svg").write_text(chart.bars(results, titles(results)))
    if panels := growth_panels(results):
        (folder / f"{name}-growth.svg").write_text(chart.curves(panels))
    return text


def run(chosen: argparse.Namespace, pair: Pair, command: str) -> str:
    """Seed, measure, write; return the page."""
    needed = loads_of(chosen)
    refuse_without_room(pair, needed)
    tools = [tool for tool in TOOLS if tool.name in chosen.tools]
    versions = {tool.name: tool.version() for tool in tools}
    tools = [tool for tool in tools if versions[tool.name]]
    floor = cost_of(["true"], dict(os.environ), output=pair.folder / "true").rss_mib
    results = Results(chosen.tls, versions, needed, floor)
    name = chosen.name or ("bench-tls" if chosen.tls else "bench")
    folders = [ROOT / "benchmarks" / "results", *([ROOT / "docs" / "benchmarks"] if chosen.publish else [])]

    def save() -> None:
        for folder in folders:
            write(results, folder, name, command)

    print(f"putting {sum(load.objects for load in needed.values()):,} objects to the source", flush=True)
    asyncio.run(loads.seed(pair, list(needed.values())))
    modes: list[Mode] = chosen.modes
    bench = Bench(pair, results, tools, modes, chosen.rounds, save)
    if "compare" in chosen.series:
        bench.compare([needed[load] for load in ("empty", "one", *chosen.loads)])
    if "grow" in chosen.series:
        growing = [needed[f"grow{objects}"] for objects in chosen.grow_objects]
        bench.grow(growing, chosen.at_once, needed["lanes"])
    if "stretch" in chosen.series:
        bench.stretch([needed[load] for load in chosen.stretch_loads], chosen.delays)
    return write(results, folders[0], name, command)


def main() -> None:
    chosen = options()
    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    with running_pair(tls=chosen.tls) as pair:
        print(run(chosen, pair, command))


if __name__ == "__main__":
    main()
