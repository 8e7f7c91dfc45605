"""Runs of the wave in one long-lived process, one for each line on stdin: `python -m tests.faults.soaking.runner CONFIG`.

Each run ends as one line of JSON on stdout: what was verified, what is left, or the error that stopped it. A process that lives
through many runs shows whether memory grows; one that is killed shows whether the next takes over. Imports the product alone: what
tests use beside it (boto3, pytest) takes 30 MiB that are not the program's.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import uvloop

from connectors.assemble import assembled, settings_from
from relocation.rules.errors import HikkoshiError
from relocation.rules.summary import Summary
from relocation.stages.wave import WaveRequest, run_wave


class Unwatched:
    """Progress that nobody watches."""

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None: ...
    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None: ...
    def note(self, event: str, **facts: object) -> None: ...


async def one_run(config: Path) -> dict[str, object]:
    """Run the one category's one wave; return how it ended."""
    try:
        settings = settings_from(config, os.environ)
        (category,) = settings.categories
        async with assembled(settings, os.environ, Unwatched(), who="soak") as context:
            return ended(await run_wave(context, WaveRequest(category, "all")))
    except HikkoshiError as error:
        return {"stopped": f"{type(error).__name__}: {error}"[:500]}


def ended(summary: Summary) -> dict[str, object]:
    left = ("failed", "mismatched", "conflicts", "drifted", "gone", "refused", "foreign")
    return {
        "run_id": summary.run_id,
        "listed": summary.counts["listed"].objects,
        "verified": summary.outcomes["verified"].objects,
        "equations": all(equation.holds for equation in summary.equations),
        **{name: len(getattr(summary, name)) for name in left},
        "reasons": [f"{each.key}: {each.reason}"[:200] for each in (*summary.failed, *summary.mismatched)][:3],
    }


async def main(config: Path) -> None:
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await one_run(config)), flush=True)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
