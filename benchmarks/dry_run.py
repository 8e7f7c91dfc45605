"""A dry run with nothing to do, next to `rclone check --size-only` and `rclone copy --dry-run`: `python -m benchmarks.dry_run`.

So many small objects are put to one real MinIO and brought to another by `hikkoshi run`, so that every one is known and proved.
Then each tool says, in turn, round after round, that nothing is left to do. Ours lists both sides, holds the facts against them,
seals a plan into the vault and writes its report. Whole processes. Ends with 1 where a goal was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.cost import Cost, cost_of, medians
from benchmarks.loads import Load, seed
from benchmarks.migration import CATEGORY, write_migration
from benchmarks.pair import SOURCE, TARGET, Pair, running_pair
from benchmarks.results import machine
from benchmarks.tools import CHECKOUT, Ours, program, rclone_environment

OBJECT_BYTES = 16
TIMES = 1.1
RSS_MAX_MIB = 300e6 / 2**20
OURS, CHECK, COPY = "hikkoshi plan", "rclone check --size-only", "rclone copy --dry-run"
PUBLISHED = CHECKOUT / "docs" / "benchmarks"


def prepared(pair: Pair, objects: int) -> dict[str, str]:
    """Put the objects, bring them home by a run of ours, and return the environment of a dry run of that category."""
    load = Load("tiny", (OBJECT_BYTES,) * objects)
    asyncio.run(seed(pair, [load]))
    path = write_migration(pair, "dry-run", source=load.prefix, target=load.prefix)
    environment = pair.environment() | {"HIKKOSHI_CONFIG": str(path), "PYTHONPATH": str(CHECKOUT)}
    cost_of([Ours.program(), "run", CATEGORY, "--json"], environment, output=path.parent / "run")
    return environment


def ours(pair: Pair, environment: Mapping[str, str], objects: int) -> Cost:
    """Plan once more; anything but Keep ends the benchmark."""
    output = pair.folder / "plan.out"
    cost = cost_of([Ours.program(), "plan", CATEGORY, "--json"], environment, output=output, pair=pair)
    document = json.loads(output.read_text())
    if document["counts"]["keep"]["objects"] != objects or not document["plan_sha256"] or not document["report"]:
        raise SystemExit(f"{objects} objects were to be kept, by a sealed plan with a report: {document['counts']}")
    return cost


def rclone(pair: Pair, words: str, *more: str) -> Cost:
    """Run rclone over both sides with the flags that were fastest here."""
    flags = ["--checkers", "16", "--s3-no-check-bucket", "--fast-list", *more]
    command = [program("rclone"), *words.split()[1:], f"korea:{SOURCE}/tiny", f"japan:{TARGET}/tiny", *flags]
    return cost_of(command, rclone_environment(pair), output=pair.folder / "rclone.out", pair=pair)


def measured(pair: Pair, objects: int, rounds: int) -> dict[str, list[Cost]]:
    """Run each tool once a round, each round in another order."""
    environment = prepared(pair, objects)
    tools: dict[str, Callable[[], Cost]] = {
        OURS: lambda: ours(pair, environment, objects),
        CHECK: lambda: rclone(pair, CHECK),
        COPY: lambda: rclone(pair, COPY, "--size-only"),
    }
    runs: dict[str, list[Cost]] = {name: [] for name in tools}
    names = list(tools)
    for turn in range(rounds):
        for name in (*names[turn % len(names) :], *names[: turn % len(names)]):
            runs[name].append(tools[name]())
            cost = runs[name][-1]
            print(f"{name:26}{cost.wall_s:8.2f} s {cost.cpu_s:8.2f} s CPU {cost.rss_mib:6.0f} MiB", flush=True)
    return runs


def page(objects: int, rounds: int, runs: Mapping[str, list[Cost]]) -> tuple[str, bool]:
    """Return the figures as a page, and whether the goals were met."""
    middle = {name: medians(costs) for name, costs in runs.items()}
    times = min(middle[CHECK].wall_s, middle[COPY].wall_s) / middle[OURS].wall_s
    most_mib = max(cost.rss_mib for cost in runs[OURS])
    size = machine()
    what = f"A dry run of {objects:,} objects on each side, all of them there and proved: nothing is to be done."
    how = f"Medians of {rounds} interleaved runs of whole processes; two MinIO and the client share {size['cores']} cores"
    lines = [
        f"{what}  ",
        f"{how} ({size['processor']}).  ",
        f"Again: `python -m benchmarks.dry_run --objects {objects} --rounds {rounds} --publish`.",
        "",
        "| | wall | client CPU | server CPU | peak memory |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {name} | {cost.wall_s:.2f} s | {cost.cpu_s:.2f} s | {cost.server_cpu_s:.2f} s | {cost.rss_mib:.0f} MiB |"
            for name, cost in middle.items()
        ),
        "",
        "| goal | measured | |",
        "|---|--:|---|",
        f"| ≥ {TIMES} × the faster of both | {times:.2f} × | {_met(times >= TIMES)} |",
        f"| ≤ {RSS_MAX_MIB:.0f} MiB, the largest of all runs | {most_mib:.0f} MiB | {_met(most_mib <= RSS_MAX_MIB)} |",
        "",
    ]
    return "\n".join(lines), times >= TIMES and most_mib <= RSS_MAX_MIB


def _met(met: bool) -> str:
    return "met" if met else "**missed**"


def publish(folder: Path, objects: int, runs: Mapping[str, list[Cost]], text: str) -> None:
    """Write the figures down."""
    tools = [
        {"tool": name, "median": asdict(medians(costs)), "runs": [asdict(cost) for cost in costs]} for name, costs in runs.items()
    ]
    (folder / "dry_run.json").write_text(json.dumps({"objects": objects, "machine": machine(), "tools": tools}, indent=1) + "\n")
    (folder / "dry_run.md").write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/dry_run.md and .json")
    chosen = parser.parse_args()
    with running_pair() as pair:
        runs = measured(pair, chosen.objects, chosen.rounds)
    text, met = page(chosen.objects, chosen.rounds, runs)
    print(text)
    if chosen.publish:
        publish(PUBLISHED, chosen.objects, runs, text)
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
