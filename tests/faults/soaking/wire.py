"""The proxy of a soak, in a process of its own: it counts every body, and, given a seed, breaks what it pleases.

`python -m tests.faults.soaking.wire URL BUCKET SEED` prints its port and serves until its stdin ends; then it prints, as JSON, what
went by. A line `break` on stdin begins the faults, `calm` ends them. Only requests for the bucket's objects are counted and struck.
Parts are counted by their number, whatever upload they belonged to: a part that is sent again is the same one.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from collections import Counter

import uvloop

from hikkoshi.fault_proxy import (
    Answer,
    AnswerAfter,
    Blackhole,
    Delay,
    Fault,
    FaultProxy,
    FlipByte,
    Reset,
    Seen,
    Stall,
    Truncate,
)

EVERY_S = 1.0
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
INTERNAL = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
PART = re.compile(r"partNumber=\d+")


def any_fault(chance: random.Random, target: str) -> Fault:
    """Return a fault that strikes one of the next requests for an object."""
    at = chance.randrange(8192)
    reads = (Reset(at), Truncate(at), FlipByte(at), Stall(at))
    writes = (
        Reset(at, of="request"),
        FlipByte(at, of="request"),
        AnswerAfter(),
        AnswerAfter(500, INTERNAL),
        Stall(at, of="request"),
    )
    both = (Answer(503, SLOW_DOWN, (("Retry-After", "1"),)), Answer(500, INTERNAL), Delay(1.5), Blackhole(), Answer(200, INTERNAL))
    method, actions = chance.choice((("GET", reads + both), ("PUT", writes + both), ("POST", (AnswerAfter(), *both))))
    return Fault(chance.choice(actions), method=method, target=target, nth=chance.randrange(1, 12))


class Ledger:
    """What went by: bodies by the object or part that they were of, and how often each kind of fault was laid out."""

    def __init__(self, bucket: str) -> None:
        self._mine = re.compile(f"^/{re.escape(bucket)}/[^?]")
        self.sent: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self.read_bytes = self.requests = 0
        self.faults: Counter[str] = Counter()

    def take(self, seen: Seen) -> None:
        if not self._mine.match(seen.target) or "hikkoshi-canary" in seen.target:
            return
        self.requests += 1
        if seen.method == "PUT":
            path, _, query = seen.target.partition("?")
            part = PART.search(query)
            name = f"{path}?{part[0]}" if part else path
            self.sent[name] += seen.request_bytes
            self.kept[name] += seen.request_bytes if seen.status == 200 else 0
        elif seen.method == "GET":
            self.read_bytes += seen.response_bytes

    def drain(self, requests: list[Seen], *, all_: bool) -> None:
        """Take over what is answered, so that the proxy's own list stays short."""
        done = [seen for seen in requests if seen.status or all_]
        requests[:] = [] if all_ else [seen for seen in requests if not seen.status]
        for seen in done:
            self.take(seen)

    def told(self) -> str:
        return json.dumps(
            {"sent": self.sent, "kept": self.kept, "read_bytes": self.read_bytes, "requests": self.requests, "faults": self.faults}
        )


async def each_second(proxy: FaultProxy, ledger: Ledger, *, target: str, seed: str, broken: asyncio.Event) -> None:
    """Take over what went by, and, while it is to be broken, lay out another fault."""
    chance = random.Random(seed)
    while True:
        await asyncio.sleep(EVERY_S)
        ledger.drain(proxy.requests, all_=False)
        proxy.faults = [any_fault(chance, target)] if broken.is_set() else []
        ledger.faults.update(type(fault.action).__name__ for fault in proxy.faults)


async def main(url: str, bucket: str, seed: str) -> None:
    ledger, broken = Ledger(bucket), asyncio.Event()
    async with FaultProxy(url) as proxy:
        print(proxy.url.rpartition(":")[2], flush=True)
        ticking = asyncio.create_task(each_second(proxy, ledger, target=f"^/{bucket}/[^?]", seed=seed, broken=broken))
        while line := await asyncio.to_thread(sys.stdin.readline):
            (broken.set if line == "break\n" else broken.clear)()
        ticking.cancel()
    ledger.drain(proxy.requests, all_=True)
    print(ledger.told(), flush=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
