"""One migration besieged: batch after batch is moved while blows fall, the wire breaks and the source changes.

The clock of the blows runs while a run is under way, so that each falls on work. Afterwards all is calm, and the wave is run until
nothing is left to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from hikkoshi.local.state import SITES
from tests.faults.soaking.invariants import Soaked, look
from tests.faults.soaking.kills import Blow, draw, strike
from tests.faults.soaking.load import Planned, batch
from tests.faults.soaking.processes import Runner, Wire, start_runner, wired
from tests.faults.soaking.report import Sample
from tests.faults.stack import Case

FINAL_RUNS_MAX = 6
BATCHES_KEPT = 4
"""A soak's load grows to so many batches; from then on what is there is written anew, so that the disk does not fill."""
STOPS_MAX = 60
CHANGE_EVERY_S = 0.5
ORDER_EVERY_S = 12.0
COMMAND = "import sys; from hikkoshi.command import main; sys.exit(main())"
ORDERS = (("--bandwidth", "20MB/s"), ("--requests", "60"), ("--clear",), ("--pause",), ("--resume",), ("--clear",))
"""What an operator orders meanwhile, one after the other, of either endpoint by turns."""


@dataclass(frozen=True, slots=True)
class Siege:
    """What is going to happen, and the seed from which it follows. `seconds` are of work."""

    seed: int
    kills: int
    seconds: float
    objects: int
    pauses: int = 0
    breaks: bool = False
    changes: bool = False

    @classmethod
    def of_everything(cls, seed: int, *, seconds: float, objects: int) -> Siege:
        """Return a soak: a fault a second on either side, a change at the source every half second, pauses, and a few kills."""
        kills, pauses = int(seconds / 75), int(seconds / 30)
        return cls(seed, kills=kills, seconds=seconds, objects=objects // 2, pauses=pauses, breaks=True, changes=True)


@dataclass
class Field:
    """A siege under way."""

    case: Case
    siege: Siege
    wires: dict[str, Wire]
    runner: Runner
    config: object
    blows: list[Blow]
    chance: random.Random
    busy_s: float = 0.0
    began: float = field(default_factory=time.monotonic)
    batches: int = 0
    runs: int = 0
    keys: dict[str, Planned] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    """Every key that was deleted at the source at some time."""
    put_bytes: int = 0
    samples: list[Sample] = field(default_factory=list)
    struck: list[tuple[float, str]] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    orders: int = 0

    @property
    def now_s(self) -> float:
        return time.monotonic() - self.began

    async def go_on(self) -> None:
        """Put batches and run the wave until every blow has fallen and the time is over."""
        while self.blows or self.busy_s < self.siege.seconds:
            await self.next_batch()
            for _ in range(STOPS_MAX):
                if await self.run():
                    break
            else:
                raise RuntimeError(f"{STOPS_MAX} runs in a row came to nothing, the last: {self.stops[-1:]}")

    async def next_batch(self) -> None:
        """Put another batch at the source; once there are enough, over the keys of an older one."""
        objects = batch(self.siege.seed, self.batches, objects=self.siege.objects)
        if self.siege.changes and self.batches >= BATCHES_KEPT:
            older = sorted(self.keys)
            objects = [Planned(self.chance.choice(older), each.part_bytes, each.mark) for each in objects]
            objects = list({each.key: each for each in objects}.values())
        self.batches += 1
        whole = ((each.key, each.parts()[0]) for each in objects if len(each.part_bytes) == 1)
        await self.case.house.seed(self.case.bucket, whole)
        for each in objects:
            if len(each.part_bytes) > 1:
                await asyncio.to_thread(self.case.put_parts, each.key, each.parts())
        self.keys |= {each.key: each for each in objects}
        self.put_bytes += sum(each.size for each in objects)

    async def run(self) -> bool:
        """Have one run made, blows falling on it; say whether it came to its own end."""
        running = self.runner.ask()
        while not running.done():
            begun = time.monotonic()
            due_s = max(0.0, self.blows[0].at_s - self.busy_s) if self.blows else None
            await asyncio.wait({running}, timeout=due_s)
            self.busy_s += time.monotonic() - begun
            if self.blows and self.blows[0].at_s <= self.busy_s and not running.done():
                await self.fall(self.blows.pop(0))
        ended = running.result()
        if not self.runner.alive:
            await self.replace_runner()
        self.runs += 1
        if "stopped" in ended:
            self.stops.append(str(ended["stopped"]))
        return "run_id" in ended

    async def replace_runner(self) -> None:
        """Start another runner in place of one that is dead. One that died though nobody killed it ends the soak."""
        code, log = self.runner.process.returncode, self.case.folder / "runner.log"
        if code != -signal.SIGKILL:
            raise RuntimeError(f"the runner ended by itself with {code}:\n{log.read_text()[-3000:]}")
        self.runner = await start_runner(self.config, log)

    async def fall(self, blow: Blow) -> None:
        self.struck.append((self.now_s, blow.victim))
        await strike(blow, self.case.house, self.runner)

    async def finish(self) -> dict[str, object]:
        """All is calm: run until a run leaves nothing, and return how it ended."""
        ended: dict[str, object] = {}
        for _ in range(FINAL_RUNS_MAX):
            ended = await self.runner.ask()
            self.runs += 1
            if not self.runner.alive:
                await self.replace_runner()
            if all(ended.get(each) == 0 for each in ("failed", "mismatched", "conflicts", "drifted", "gone")):
                break
        return ended

    async def change(self) -> None:
        """Write objects of the source anew, and delete some, while runs are under way. A server that is down is left alone."""
        client, bucket = self.case.korea, self.case.bucket
        mark = 10**9
        while True:
            await asyncio.sleep(CHANGE_EVERY_S)
            if not self.keys:
                continue
            key, mark = self.chance.choice(sorted(self.keys)), mark + 1
            with contextlib.suppress(BotoCoreError, ClientError):
                if self.chance.random() < 0.1:
                    self.deleted.add(key)
                    await asyncio.to_thread(client.delete_object, Bucket=bucket, Key=key)
                else:
                    each = Planned(key, (self.chance.randrange(100_000),), mark)
                    await asyncio.to_thread(self.case.put, key, each.parts()[0])

    async def order(self) -> None:
        """Have the pace of either endpoint changed by the command, while runs are under way."""
        while True:
            for order in ORDERS:
                for site in SITES:
                    await asyncio.sleep(0 if site == SITES[1] else ORDER_EVERY_S)
                    await self.tell(site, *order)

    async def tell(self, site: str, *order: str) -> None:
        """Give one order by the command."""
        command = (sys.executable, "-c", COMMAND, "pace", site, *order, "--config", str(self.config))
        process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL)
        try:
            await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise RuntimeError(f"`hikkoshi pace {site} {' '.join(order)}` ended with {process.returncode}")
        self.orders += 1

    async def watch(self) -> None:
        """Note the runner's memory each second."""
        while True:
            self.samples.append(Sample(self.now_s, self.runner.rss_bytes()))
            await asyncio.sleep(1.0)


async def besiege(case: Case, siege: Siege) -> Soaked:
    """Besiege one migration, and return what was found when all was calm again."""
    async with AsyncExitStack() as stack:
        wires = {
            site: await stack.enter_async_context(wired(case.house.url(site), case.bucket, seed=f"{siege.seed} {site}"))
            for site in SITES
        }
        case.urls = {site: wire.url for site, wire in wires.items() if site == "japan" or siege.breaks}
        ground = await _ground(case, siege, wires)
        try:
            async with _beside(ground.watch()):
                await _hold(ground)
            ended = await ground.finish()
        finally:
            await ground.runner.end()
        went = {site: await wire.went() for site, wire in wires.items()}
    case.urls = {}
    return await look(case, ground, went, ended)


async def _ground(case: Case, siege: Siege, wires: dict[str, Wire]) -> Field:
    async with case.context():
        pass  # what the probe knows is on record
    chance = random.Random(siege.seed)
    blows = draw(chance, kills=siege.kills, pauses=siege.pauses, seconds=siege.seconds)
    config = case.config
    return Field(case, siege, wires, await start_runner(config, case.folder / "runner.log"), config, blows, chance)


async def _hold(ground: Field) -> None:
    if not ground.siege.breaks:
        await ground.go_on()
        return
    for wire in ground.wires.values():
        await wire.told("break")
    async with _beside(ground.change()), _beside(ground.order()):
        await ground.go_on()
    for site in SITES:
        await ground.tell(site, "--clear")
    for wire in ground.wires.values():
        await wire.told("calm")


@asynccontextmanager
async def _beside(work) -> AsyncIterator[None]:
    """Have something done beside, until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
