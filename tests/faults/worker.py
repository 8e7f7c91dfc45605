"""A run, or a lane of one, in a process of its own that can be told to strike itself at a named step.

`python -m tests.faults.worker`:
    run CONFIG [WAVE]          run the wave and print how it ended
    lane CONFIG RUN STAGE      work shards of a run's stage until none is left
    … --strike SIGNAL:MOMENT:STEP:NTH

A strike sends SIGNAL (KILL, STOP) to this very process `before` or `after` the NTH call of STEP: a method of the ledger
(`ledger.intend`), or of the target's writer (`writer.put`). The product knows nothing of it: its own methods are wrapped here.
Each line on stdout is one event: `ready`, `struck`, `leased N`, `took TABLE N` and `refused TABLE N` (what the ledger did with
what was said of shard N), `sealed N`, `verified N`, `stopped ERROR`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from connectors.assemble import assembled, settings_from
from connectors.ledger import shards
from connectors.ledger.store import SqlLedger
from connectors.s3.store import S3Store
from relocation.rules.errors import HikkoshiError, LeaseLost
from relocation.stages.copy import copy_lane
from relocation.stages.fence import FenceRequest, fenced
from relocation.stages.verify import verify_lane
from relocation.stages.wave import WaveRequest, run_wave
from tests.faults.stack import CATEGORY, Watched


def say(event: str) -> None:
    """Write one line in one go: the ledger's threads speak too."""
    os.write(sys.stdout.fileno(), f"{event}\n".encode())


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
                await self.fall(this)
            answer = await call(this, *args, **kwargs)
            if due and self.moment == "after":
                await self.fall(this)
            return answer

        setattr(owner, self.method, struck)

    async def fall(self, struck: SqlLedger | S3Store) -> None:
        """Strike. At the ledger, in its own thread, between two transactions: one that is stopped within holds everybody up."""
        if isinstance(struck, SqlLedger):
            await struck._run(self._send)
        else:
            self._send()

    def _send(self) -> None:
        say("struck")
        os.kill(os.getpid(), self.number)


def tell_refusals() -> None:
    """Print what the ledger refuses: intents, facts and seals under a lease that is not the newest. In its own thread: whoever was
    cancelled meanwhile would not hear of it."""
    append, seal = shards.append, shards.seal

    def told_append(connection, table, lease, *args):
        with telling(f"{table.name} {lease.shard}"):
            append(connection, table, lease, *args)
        say(f"took {table.name} {lease.shard}")

    def told_seal(connection, lease, segment):
        with telling(f"seal {lease.shard}"):
            seal(connection, lease, segment)

    shards.append, shards.seal = told_append, told_seal


@contextmanager
def telling(what: str) -> Iterator[None]:
    try:
        yield
    except LeaseLost:
        say(f"refused {what}")
        raise


def tell_leases() -> None:
    """Print which shard this process has leased."""
    call = SqlLedger.lease_shard

    async def told(this, *args, **kwargs):
        lease = await call(this, *args, **kwargs)
        if lease is not None:
            say(f"leased {lease.shard}")
        return lease

    SqlLedger.lease_shard = told


async def main(options: argparse.Namespace) -> None:
    tell_refusals()
    tell_leases()
    for text in options.strike:
        Strike(text).wrap()
    settings = settings_from(Path(options.config), os.environ)
    async with assembled(settings, os.environ, Watched(), who="worker") as context:
        say("ready")
        try:
            if options.what == "fence":
                async with fenced(context, FenceRequest(CATEGORY)):
                    say("fenced")
                    await asyncio.Event().wait()
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
    parser.add_argument("what", choices=("run", "lane", "fence"))
    parser.add_argument("config")
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--strike", action="append", default=[])
    uvloop.run(main(parser.parse_args()))
