"""One inventory as a run makes it, written down as Parquet in the vault: `python -m benchmarks.inventory_once [RANGES_MAX]`.

A process of its own, with the configuration that `HIKKOSHI_CONFIG` names. Prints how many keys, how long listing and writing took.
"""

from __future__ import annotations

from hikkoshi.command import load

load()  # before everything else, as the command does

import asyncio
import json
import os
import sys
import time
from itertools import islice
from pathlib import Path

import uvloop

from connectors.assemble import assembled, settings_from
from relocation.rules.records import InventoryRow
from relocation.stages import inventory as stage
from relocation.stages.plan import FILE_ROWS


class Told:
    """Keeps in how many ranges the listing was done."""

    ranges = 1

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None: ...
    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None: ...

    def note(self, event: str, **facts: object) -> None:
        if event == "inventory.ranges":
            self.ranges = int(str(facts["ranges"]))
        if event == "inventory.apart":
            raise SystemExit(str(facts["why"]))


async def once() -> dict[str, object]:
    """List the source, write it down, and return what it took."""
    settings, told = settings_from(Path(os.environ["HIKKOSHI_CONFIG"]), os.environ), Told()
    async with assembled(settings, os.environ, told) as context:
        category = settings.categories["bench"]  # `migration.CATEGORY`; what that file imports takes half a second to start
        begun = time.monotonic(), time.process_time()
        found = await stage.inventory(context, category, "source")
        listed = time.monotonic(), time.process_time()
        rows, name = iter(found.rows), f"runs/bench-{os.getpid()}"
        for number in range(found.rows.objects // FILE_ROWS + 1):
            data = context.tables.encode(list(islice(rows, FILE_ROWS)), InventoryRow)
            await context.vault.put(f"{name}/inventory-source-{number:05}.parquet", data)
        written = time.monotonic(), time.process_time()
    return {
        "keys": found.rows.objects,
        "ranges": told.ranges,
        "listed_s": listed[0] - begun[0],
        "listed_cpu_s": listed[1] - begun[1],
        "stage_s": written[0] - begun[0],
        "stage_cpu_s": written[1] - begun[1],
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        vars(stage)["RANGES_MAX"] = int(sys.argv[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(once())))
