"""A process with a ledger, told by lines on stdin what to do, and saying on stdout what came of it. Run as
`python -m tests.unit.ledger_actor FILE`; it ends when stdin does, if nobody kills it before."""

from __future__ import annotations

import asyncio
import sys
import time

from connectors.ledger.store import SqlLedger
from relocation.rules.errors import LeaseLost, WaveBusy
from relocation.rules.records import Lease
from tests.unit.ledger_cases import LEASE_S, MIGRATION, StillClock, fact_of, intent_of, run_of, segment_of, url_of


class Actor:
    def __init__(self, ledger: SqlLedger) -> None:
        self.ledger = ledger
        self.lease: Lease | None = None

    async def run(self, run_id: str) -> str:
        try:
            _, lease = await self.ledger.open_run(run_of(run_id), lease_s=LEASE_S)
        except WaveBusy as error:
            return f"busy {error}"
        await self.ledger.add_shards(run_id, "copy", [(256, 1000)] * 60)
        return f"won {lease.token}"

    async def shard(self, run_id: str) -> str:
        self.lease = await self.ledger.lease_shard(run_id, "copy", lease_s=LEASE_S)
        return f"leased {self.lease.shard if self.lease else None}"

    async def intend(self, count: str) -> str:
        await self.ledger.intend(self.lease, [intent_of(number) for number in range(int(count))])
        return "intended"

    async def record(self, number: str) -> str:
        try:
            await self.ledger.record(self.lease, [fact_of(int(number))])
        except LeaseLost:
            return "lost"
        return f"recorded {number}"

    async def record_for_ever(self, _word: str) -> str:
        for number in range(100_000):
            print(await self.record(str(number)), flush=True)
        return "done"

    async def seal_all(self, run_id: str) -> str:
        sealed = []
        while (await self.shard(run_id)) and self.lease:
            await self.ledger.seal_shard(self.lease, segment_of(self.lease))
            sealed.append(str(self.lease.shard))
        return f"sealed {' '.join(sealed)}"


async def main(path: str) -> None:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    ledger = await SqlLedger.open(url_of(path), migration=MIGRATION, clock=StillClock(time.time()), host="here")
    actor = Actor(ledger)
    print("opened", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        verb, word = line.split()
        print(await getattr(actor, verb)(word), flush=True)
    await ledger.close()


asyncio.run(main(sys.argv[1]))
