"""How long a dry run takes, and how much memory, by the number of keys: `python -m benchmarks.planning [--keys 1000000 3000000]`.

Both sides are endpoints that list what nobody stored (`listing_server.py`), each in a process of its own; vault and ledger are
real. Both show the same objects and no fact says anything, so that each is to be proved: each has a row in the plan. Peak memory
is that of all processes of the command together. Ends with 1 where a run takes more than `--most-mib`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import yaml

from benchmarks.cost import cost_of
from benchmarks.migration import CATEGORY, write_migration
from benchmarks.pair import Pair, free_port, running_pair
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


def dry_run(pair: Pair, keys: int, shape: str, page_ms: float) -> tuple[str, float]:
    """Plan a category of so many keys on each side; return what is to be said of it, and its peak memory in MiB."""
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
    each_us = cost.cpu_s * 1e6 / keys / 2
    told = f"{keys:>12,} {shape:<6} {page_ms:>4g} ms {cost.wall_s:8.1f} s {cost.cpu_s:8.1f} s {each_us:6.1f} us"
    return f"{told} {cost.rss_mib:6.0f} MiB", cost.rss_mib


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--shape", choices=("flat", "users"), default="users")
    parser.add_argument("--page-ms", type=float, default=0.0, help="added to each page of a listing")
    parser.add_argument("--most-mib", type=float, default=600.0)
    chosen = parser.parse_args()
    peaks = []
    print(f"{'keys a side':>12} {'shape':<6} {'page':>7} {'wall':>10} {'client CPU':>10} {'a key':>9} {'memory':>10}")
    with running_pair() as pair:
        for keys in chosen.keys:
            told, peak = dry_run(pair, keys, chosen.shape, chosen.page_ms)
            print(told, flush=True)
            peaks.append(peak)
    return int(max(peaks) > chosen.most_mib)


if __name__ == "__main__":
    sys.exit(main())
