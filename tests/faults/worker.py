"""A run, or a lane of one, in a process of its own that can be told to strike itself at a named step.

`python -m tests.faults.worker`:
    run CONFIG [WAVE]          run the wave and print how it ended
    lane CONFIG RUN STAGE      work shards of a run's stage until none is left
    … --strike SIGNAL:MOMENT:STEP:NTH

A strike sends SIGNAL (KILL, STOP) to this very process `before` or `after` the NTH call of STEP: a method of the ledger
(`ledger.intend`), or of the target's writer (`writer.put`). The product knows nothing of it: its own methods are wrapped here.
Each line on stdout is one event: `struck`, `leased N`, `refused METHOD N` (the ledger did not take an outcome), `sealed N`, `done`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path

from connectors.assemble import assembled, settings_from
from connectors.ledger.store import SqlLedger
from connectors.s3.store import S3Store
from relocation.rules.errors import HikkoshiError, LeaseLost
from relocation.stages.copy import copy_lane
from relocation.stages.verify import verify_lane
from relocation.stages.wave import WaveRequest, run_wave
from tests.faults.stack import CATEGORY, Watched

OUTCOMES = ("intend", "record", "seal_shard", "renew")


def say(event: str) -> None:
    print(event, flush=True)


class Strike:
    """A signal to ourselves at the n-th call of one step."""

    def __init__(self, text: str) -> None:
        name, self.moment, step, nth = text.split(":")
        self.number = signal.Signals[f"SIG{name}"]
        self.owner, _, self.method = step.partition(".")
        self.left = int(nth)

    def wrap(self) -> None:
        """Wrap the method; a store's counts only where the writer calls it."""
        owner = SqlLedger if self.owner == "ledger" else S3Store
        call = getattr(owner, self.method)

        async def struck(this, *args, **kwargs):
            mine = owner is SqlLedger or this.role == self.owner
            self.left -= mine
            due = mine and self.left == 0
            if due and self.moment == "before":
                self.fall()
            answer = await call(this, *args, **kwargs)
            if due and self.moment == "after":
                self.fall()
            return answer

        setattr(owner, self.method, struck)

    def fall(self) -> None:
        say("struck")
        os.kill(os.getpid(), self.number)


def tell_refusals() -> None:
    """Print what the ledger refuses: outcomes of a lease that is not the newest."""
    for name in OUTCOMES:
        call = getattr(SqlLedger, name)

        async def told(this, lease, *args, _call=call, _name=name, **kwargs):
            try:
                return await _call(this, lease, *args, **kwargs)
            except LeaseLost:
                say(f"refused {_name} {lease.shard}")
                raise

        setattr(SqlLedger, name, told)


async def main(options: argparse.Namespace) -> None:
    tell_refusals()
    for text in options.strike:
        Strike(text).wrap()
    settings = settings_from(Path(options.config), os.environ)
    async with assembled(settings, os.environ, Watched(), who="worker") as context:
        say("ready")
        try:
            if options.what == "run":
                summary = await run_wave(context, WaveRequest(CATEGORY, options.rest[0] if options.rest else "all"))
                say(f"verified {summary.outcomes['verified'].objects}")
            else:
                run_id, stage = options.rest
                sealed = await {"copy": copy_lane, "verify": verify_lane}[stage](context, run_id)
                say(f"sealed {sealed}")
        except HikkoshiError as error:
            say(f"stopped {type(error).__name__} {error}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("run", "lane"))
    parser.add_argument("config")
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--strike", action="append", default=[])
    asyncio.run(main(parser.parse_args()))
