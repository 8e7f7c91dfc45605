"""Kill, pause and break a migration under load for minutes: nothing is lost, doubled or left behind (C1, S1, S2, N16).

`python -m tests.faults.kill_soak --kills 20 --seconds 60`   kill -9 of the worker, of either server, of all three
`python -m tests.faults.kill_soak --soak 600`                faults of the wire, pauses, changes at the source, and some kills
`--seed N` does the same again: the load, the moments and the victims follow from it (what was in flight just then does not).
Ends with a table of invariants, `soak.svg` and `soak.json` in `--out`; exit code 1 where one does not hold.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import uvloop

from hikkoshi.local import down
from tests.faults.house import House
from tests.faults.soaking.invariants import Soaked, rows_of
from tests.faults.soaking.report import chart, table
from tests.faults.soaking.siege import Siege, besiege
from tests.faults.stack import case_of

RSS_BYTES_MAX = (128 + 170) * 1024 * 1024
"""The default budget, and what the program itself takes."""


async def soak(siege: Siege, folder: Path) -> Soaked:
    """Start both servers in a folder, besiege a migration between them, and return what came of it."""
    house = House(folder / "house")
    try:
        with case_of(house, folder / "case", name="soak") as case:
            case.transfer = {
                "lease_s": 3.0,
                "unreachable_s": 30.0,
                "stall_s": 3.0,
                "attempts_max": 6,
                "intent_objects": 64,
                "concurrency": 16,
            }
            return await besiege(case, siege)
    finally:
        down(folder / "house")


def show(soaked: Soaked, out: Path) -> bool:
    """Print the table, write chart and figures, and say whether everything holds."""
    rows = rows_of(soaked, rss_bytes_max=RSS_BYTES_MAX)
    out.mkdir(parents=True, exist_ok=True)
    title = f"runner's memory (MiB), seed {soaked.siege.seed}: {len(soaked.struck)} blows in {soaked.seconds:.0f} s"
    (out / "soak.svg").write_text(chart(soaked.samples, soaked.struck, title=title, limit_bytes=RSS_BYTES_MAX))
    figures = {
        "seed": soaked.siege.seed,
        "seconds": soaked.seconds,
        "runs": soaked.runs,
        "stops": soaked.stops,
        "rows": [asdict(row) for row in rows],
    }
    (out / "soak.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False))
    print(table(rows))
    print("\n".join(f"{count} × stopped: {stop}" for stop, count in Counter(soaked.stops).items()))
    print(f"chart and figures: {out}")
    return all(row.holds for row in rows)


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_soak", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0, help="of work between the first and the last kill")
    parser.add_argument("--soak", type=float, default=0.0, metavar="SECONDS", help="faults, pauses and changes for so long")
    parser.add_argument("--objects", type=int, default=1500, help="in a batch of the load")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--out", type=Path, default=Path("var/soak"))
    return parser.parse_args(arguments)


def main() -> int:
    options = options_of(sys.argv[1:])
    print(f"seed {options.seed}", flush=True)
    if options.soak:
        siege = Siege.of_everything(options.seed, seconds=options.soak, objects=options.objects)
    else:
        siege = Siege(options.seed, kills=options.kills, seconds=options.seconds, objects=options.objects)
    with tempfile.TemporaryDirectory(prefix="hikkoshi-soak-") as folder:
        begun = time.monotonic()
        soaked = uvloop.run(soak(siege, Path(folder)))
        print(f"{time.monotonic() - begun:.0f} s in all, {soaked.runs} runs")
        return 0 if show(soaked, options.out) else 1


if __name__ == "__main__":
    sys.exit(main())
