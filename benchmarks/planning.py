"""How long a dry run takes, and how much memory, by the number of keys: `python -m benchmarks.planning [--keys 1000000 3000000]`.

Both sides are endpoints that list what nobody stored (`listing_server.py`), each in a process of its own; vault and ledger are
real. Both show the same objects and no fact says anything, so that each is to be proved: each has a row in the plan. Peak memory
is that of all processes of the command together, temporary disk that of its files without a name. `--publish` draws both, and the
time, over the number of keys. Ends with 1 where a run takes more than `--most-mib`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

import yaml

from benchmarks.cost import Cost, cost_of
from benchmarks.growth import Figure, growth, words_of
from benchmarks.migration import CATEGORY, write_migration
from benchmarks.pair import Pair, free_port, running_pair
from benchmarks.results import machine
from benchmarks.tools import CHECKOUT, Ours


@contextmanager
def listing(keys: int, shape: str, page_ms: float) -> Iterator[str]:
    """Run an endpoint that lists so many keys; yield its address."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.listing_server", str(port), str(keys), shape, str(page_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def dry_run(pair: Pair, keys: int, shape: str, page_ms: float) -> Cost:
    """Plan a category of so many keys on each side; return what it took."""
    path = write_migration(pair, f"plan-{shape}-{keys}-{page_ms:g}", source="", target="")
    document = yaml.safe_load(path.read_text())
    with ExitStack() as stack:
        for site, bucket in (("korea", "source"), ("japan", "target")):
            url = stack.enter_context(listing(keys, shape, page_ms))
            endpoint = document["endpoints"][site]
            document["endpoints"][f"many-{site}"] = {**endpoint, "url": url}
            document["endpoints"][f"many-{site}"].pop("ca_file", None)
            side = document["categories"][CATEGORY]["moves"][0]["source" if site == "korea" else "target"]
            side.update(endpoint=f"many-{site}", bucket=bucket)
        document["categories"] = {CATEGORY: document["categories"][CATEGORY]}
        del document["endpoints"]["korea"]
        path.write_text(yaml.safe_dump(document))
        environment = pair.environment() | {"HIKKOSHI_CONFIG": str(path), "PYTHONPATH": str(CHECKOUT)}
        output = path.parent / "output"
        cost = cost_of([Ours.program(), "plan", CATEGORY, "--json"], environment, output=output, pair=pair)
    found = json.loads(output.read_text())["counts"]
    if (found["listed"]["objects"], found["prove"]["objects"]) != (keys, keys):
        raise SystemExit(f"{keys} keys were due, the plan has {found}")
    return cost


def each_us(cost: Cost, keys: int) -> float:
    """Return the client CPU that a key and side took, start-up and report included."""
    return cost.cpu_s * 1e6 / keys / 2


def told(cost: Cost, keys: int, chosen: argparse.Namespace) -> str:
    times = f"{cost.wall_s:8.1f} s {cost.cpu_s:8.1f} s {each_us(cost, keys):6.1f} us"
    return f"{keys:>12,} {chosen.shape:<6} {chosen.page_ms:>4g} ms {times} {cost.rss_mib:6.0f} MiB {cost.disk_mib:6.0f} MiB"


def publish(costs: Mapping[int, Cost], shape: str) -> None:
    """Write the figures and their picture down."""
    folder = CHECKOUT / "docs" / "benchmarks"
    keys = sorted(costs)
    figures = [
        Figure("Time", "s", [costs[each].wall_s for each in keys]),
        Figure("Memory, all processes", "MiB", [costs[each].rss_mib for each in keys]),
        Figure("Temporary disk", "MiB", [costs[each].disk_mib for each in keys]),
    ]
    title = f"A dry run as the keys on each side grow: {', '.join(map(words_of, keys))}"
    (folder / "planning.svg").write_text(growth(title, keys, figures))
    found = [{"keys": each, "cpu_us_a_key_and_side": round(each_us(costs[each], each), 2), **asdict(costs[each])} for each in keys]
    (folder / "planning.json").write_text(json.dumps({"machine": machine(), "shape": shape, "runs": found}, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--shape", choices=("flat", "users"), default="users")
    parser.add_argument("--page-ms", type=float, default=0.0, help="added to each page of a listing")
    parser.add_argument("--most-mib", type=float, default=600.0)
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/planning.svg and .json")
    chosen = parser.parse_args()
    costs: dict[int, Cost] = {}
    head = f"{'keys a side':>12} {'shape':<6} {'page':>7} {'wall':>10} {'client CPU':>10} {'a key':>9} {'memory':>10} {'disk':>10}"
    print(head)
    with running_pair() as pair:
        for keys in chosen.keys:
            costs[keys] = dry_run(pair, keys, chosen.shape, chosen.page_ms)
            print(told(costs[keys], keys, chosen), flush=True)
            if chosen.publish:
                publish(costs, chosen.shape)
    return int(max(cost.rss_mib for cost in costs.values()) > chosen.most_mib)


if __name__ == "__main__":
    sys.exit(main())
