"""How much memory `hikkoshi run` takes, read-back included: `python -m benchmarks.memory [--tls] [--budget-mib 128]`.

Each load is run once, as a whole process, on two real MinIO of its own; what is printed is its peak against what the configuration
allows: the budget of bytes in flight, and 170 MB for the program. `beyond` is one object of 5.1 GiB: it needs 11 GiB of drive.
Ends with 1 where a load took more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import Iterator

from benchmarks import loads
from benchmarks.cost import Cost, cost_of
from benchmarks.loads import MIB, Load
from benchmarks.migration import CATEGORY, write_migration
from benchmarks.pair import Pair, running_pair
from benchmarks.tools import CHECKOUT, Ours

PROGRAM_BYTES = 170_000_000
MADE = {
    "small": lambda: loads.small(5_000),
    "large": loads.large,
    "mixed": lambda: loads.mixed(loads.GIB),
    "beyond": loads.beyond,
}


def allowed_mib(budget_mib: int) -> float:
    """Return the most that a process may take: its budget, and the program itself."""
    return budget_mib + PROGRAM_BYTES / MIB


def peak(pair: Pair, load: Load, budget_mib: int) -> Cost:
    """Bring a load home, with every byte read back, and return what it took; anything but `verified` ends it."""
    transfer = {"budget_bytes": f"{budget_mib}MiB"}
    path = write_migration(pair, load.name, source=load.prefix, target=load.prefix, transfer=transfer)
    environment = pair.environment() | {"HIKKOSHI_CONFIG": str(path), "PYTHONPATH": str(CHECKOUT)}
    output = path.parent / "output"
    cost = cost_of([Ours.program(), "run", CATEGORY, "--json"], environment, output=output, pair=pair)
    document = json.loads(output.read_text())
    done = document["outcomes"]["verified"]
    if (done["objects"], done["bytes"]) != (load.objects, load.bytes):
        raise SystemExit(f"{load.name}: {done} verified, {load.objects} objects of {load.bytes} bytes were due")
    print(f"{load.name}: proofs {document['proofs']}", file=sys.stderr)
    return cost


def lines(pair: Pair, chosen: argparse.Namespace) -> Iterator[tuple[str, bool]]:
    """Run each load and say what it took, and whether that was allowed."""
    most = allowed_mib(chosen.budget_mib)
    due = [MADE[name]() for name in chosen.loads]
    needed, free = sum(load.bytes for load in due) + max(load.bytes for load in due), shutil.disk_usage(pair.folder).free
    if needed * 1.05 > free:
        raise SystemExit(f"{pair.folder} has room for {free >> 20} MiB, {needed >> 20} MiB are needed: choose fewer loads")
    asyncio.run(loads.seed(pair, due))
    for load in due:
        cost = peak(pair, load, chosen.budget_mib)
        told = f"{load.name}: peak {cost.rss_mib:.0f} MiB of {most:.0f} allowed, {cost.wall_s:.1f} s, {cost.cpu_s:.2f} s of CPU"
        yield f"{told} for {load.bytes / loads.GIB:.2f} GiB in {load.objects:,} objects", cost.rss_mib <= most
        pair.wipe(load.prefix)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tls", action="store_true", help="both servers by https")
    parser.add_argument("--budget-mib", type=int, default=128)
    parser.add_argument("--on-disk", action="store_true", help="the servers' drives on disk, not in memory")
    parser.add_argument("--loads", nargs="+", choices=list(MADE), default=["small", "large", "mixed"])
    chosen = parser.parse_args()
    with running_pair(tls=chosen.tls, on_disk=chosen.on_disk) as pair:
        kept = True
        for line, good in lines(pair, chosen):
            print(line, flush=True)
            kept = kept and good
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
