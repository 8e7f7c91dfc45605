"""How long `hikkoshi status` and `hikkoshi residency` take: `python -m benchmarks.standing [--facts 10000000]`.

A ledger is written as the product writes it, through the same calls: a night's dry run and run after the other, the shards of each
leased and sealed with a segment, until so many facts are recorded; no store is there. Then both commands are run as whole
processes, and the wall time of each, the best of `--rounds`, is printed. Ends with 1 where one takes longer than `--most-s`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from benchmarks.tools import CHECKOUT, Ours
from connectors.configuration import read
from connectors.ledger.store import SqlLedger
from relocation.rules.brief import PLACES_MAX, Brief
from relocation.rules.records import Lease, RunRecord, RunState, Segment
from relocation.rules.summary import Count, Unclaimed

SHARD_OBJECTS = 10_000
OBJECT_BYTES = 48_000
CATEGORIES = ("talk-images", "talk-videos", "albums")
FIRST = datetime.now(UTC) - timedelta(days=1)
PLACES = tuple(Unclaimed(f"korea/forgotten/{number:05}/", number, number, "2021-06-01T00:00:00Z") for number in range(PLACES_MAX))


class Night:
    """The clock of one night: it stands still."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> float:
        return self.at.timestamp()

    def worked(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def write_configuration(folder: Path) -> Path:
    """Write a migration of three categories; its endpoints answer nobody."""
    side = {"endpoint": "korea", "bucket": "talk"}
    sides = {
        name: {"source": side | {"prefix": f"{name}/"}, "target": side | {"endpoint": "japan", "prefix": f"{name}/"}}
        for name in CATEGORIES
    }
    data = {
        "migration": "korea-to-japan",
        "state_dir": "var",
        "ledger": "sqlite:///var/ledger.db",
        "endpoints": {
            "korea": {"url": "http://127.0.0.1:1", "region": "ap-northeast-2", "country": "KR"},
            "japan": {"url": "http://127.0.0.1:2", "region": "ap-northeast-1", "country": "JP"},
        },
        "vault": {"endpoint": "japan", "bucket": "evidence"},
        "categories": {
            name: {
                "moves": [move],
                "residency": "JP",
                "deadline": (FIRST + timedelta(days=40)).date().isoformat(),
                "owner": "messaging-platform",
            }
            for name, move in sides.items()
        },
    }
    path = folder / "migration.yaml"
    path.write_text(yaml.safe_dump(data))
    (folder / "var").mkdir()
    return path


async def fill(path: Path, facts: int, nights: int) -> int:
    """Record so many facts, over so many nights and all categories, half of them by copying; return how many segments they make."""
    settings = read(path, {})
    clock = Night(FIRST)
    ledger = await SqlLedger.open(settings.ledger, migration=settings.migration, clock=clock, host="here")
    a_category = facts // 2 // len(CATEGORIES)
    segments = 0
    try:
        for night in range(nights):
            clock.at = FIRST - timedelta(days=nights - 1 - night)
            for category in CATEGORIES:
                home, before = a_category * (night + 1) // nights, a_category * night // nights
                segments += await _night(ledger, clock, category, home=home, moved=home - before, listed=a_category * 5 // 4)
    finally:
        await ledger.close()
    return segments


async def _night(ledger: SqlLedger, clock: Night, category: str, *, home: int, moved: int, listed: int) -> int:
    """Record a dry run, and a run that brought `moved` objects home."""
    at = clock.at.isoformat()
    run = RunRecord(f"{clock.at:%Y%m%d}-{category}", category, "all", "run", started_at=at, plan_sha256="p", document="d")
    left = Count(listed - home, (listed - home) * OBJECT_BYTES)
    whole = Count(listed, listed * OBJECT_BYTES)
    dry = Brief(
        listed=whole,
        verified=Count(),
        copied=left,
        attention=12,
        trouble={"refuse": Count(12, 12)},
        unclaimed=PLACES,
        unclaimed_places=5000,
        unknown=("korea/talk hides children of a key",) * 5,
    )
    done = replace(
        dry,
        verified=Count(home, home * OBJECT_BYTES),
        copied=Count(moved, moved * OBJECT_BYTES),
        proofs={"received": home, "same_etag": home, "read_back": home},
    )
    plan = replace(run, id=f"{run.id}-plan", kind="plan", state=RunState.DONE, finished_at=at, summary=dry.text())
    await ledger.record_dry_run(plan)
    run, lease = await ledger.open_run(run, lease_s=3600)
    segments = 0
    for stage in ("copy", "verify"):
        sizes = [min(SHARD_OBJECTS, moved - begin) for begin in range(0, moved, SHARD_OBJECTS)]
        await ledger.add_shards(run.id, stage, [(size, size * OBJECT_BYTES) for size in sizes])
        while (shard := await ledger.lease_shard(run.id, stage, lease_s=3600)) is not None:
            await ledger.seal_shard(shard, _segment(run, shard, sizes[shard.shard]))
            segments += 1
    await ledger.close_run(lease, replace(run, state=RunState.DONE, stage="verify", finished_at=at, summary=done.text()))
    return segments


def _segment(run: RunRecord, shard: Lease, objects: int) -> Segment:
    name = f"runs/{run.id}/{shard.stage}/{shard.shard:05}.parquet"
    digest = "5ad0" * 16
    return Segment(run.category, run.wave, run.id, shard.stage, shard.shard, name, digest, digest, objects, objects * OBJECT_BYTES)


def best_s(path: Path, arguments: list[str], rounds: int) -> tuple[float, dict[str, object]]:
    """Run a command as a whole process and return its best wall time and what it printed."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        done = subprocess.run(
            [Ours.program(), *arguments, "--json", "--config", str(path)], stdout=subprocess.PIPE, check=True, cwd=CHECKOUT
        )
        times.append(time.perf_counter() - begun)
    return min(times), json.loads(done.stdout)


def main() -> int:
    """Write the ledger, time both commands, print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--facts", type=int, default=10_000_000)
    options.add_argument("--nights", type=int, default=30)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--most-s", type=float, default=10.0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hikkoshi-standing-") as name:
        folder = Path(name)
        path = write_configuration(folder)
        begun = time.perf_counter()
        segments = asyncio.run(fill(path, chosen.facts, chosen.nights))
        size = (folder / "var" / "ledger.db").stat().st_size
        written_s = time.perf_counter() - begun
        print(f"{chosen.facts:,} facts in {segments:,} segments, {chosen.nights} nights: {size / 1e6:.1f} MB, in {written_s:.0f} s")
        status_s, told = best_s(path, ["status"], chosen.rounds)
        residency_s, document = best_s(path, ["residency", "--out", str(folder / "out")], chosen.rounds)
        page = (folder / "out" / "residency.html").stat().st_size
    for what, took_s in (("status", status_s), ("residency", residency_s)):
        print(f"{what:<10} {took_s:6.2f} s")
    print(f"page {page / 1e3:.0f} kB")
    homes = [each["home"]["objects"] for shown in (told, document) for each in shown["categories"]]  # type: ignore[attr-defined]
    if set(homes) != {chosen.facts // 2 // len(CATEGORIES)}:
        raise SystemExit(f"{homes} are home, {chosen.facts // 2 // len(CATEGORIES)} each were due")
    return int(max(status_s, residency_s) > chosen.most_s)


if __name__ == "__main__":
    sys.exit(main())
