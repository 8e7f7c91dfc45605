"""A whole migration in memory: two stores and a vault by the reference store, a real ledger file, a clock that a test moves.

Every call to a store or to the ledger is a step, counted; a world can be told to die at one: from then on nothing of it answers, as
after a `kill -9`. `revived` is the next process over the same stores and the same ledger.
"""

from __future__ import annotations

import asyncio
import pickle
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from connectors.ledger.store import SqlLedger
from connectors.memory import Behaviour, MemoryService, MemoryStore
from connectors.scratch import DiskScratch
from connectors.vault import StoreVault
from relocation.ports import Row
from relocation.rules.objects import Attributes, Place
from relocation.rules.records import Answers, Fact
from relocation.rules.summary import Summary
from relocation.settings import Category, Migration, Move, Prices, Side, Transfer, Wave
from relocation.stages.catch_up import CatchUpRequest, catch_up
from relocation.stages.context import Context
from relocation.stages.probe import probe, refuse_same_bucket
from relocation.stages.shards import timestamp
from relocation.stages.standing import each_fact
from relocation.stages.wave import WaveRequest, run_wave, verify_wave
from relocation.transfer.budget import Budget
from tests.unit.ledger_cases import Holder, StillClock, begin_at, url_of

MIB = 1024 * 1024
PART = 16 * 1024
"""The least part of these stores but the last, by the fixture `quick`."""
_ANSWERS: dict[object, tuple[Answers, ...]] = {}
"""What stores of one behaviour answer, asked once for all tests."""


class SimulatedKill(BaseException):
    """The process is gone. No handler of ours may catch it, and nothing that a handler tries has any effect."""


@dataclass
class Mortal:
    """Counts steps, and dies at one: `before` its effect, or `after` it, so that only the answer is lost."""

    dies_at: int = 0
    mode: str = "before"
    steps: int = 0
    dead: bool = False
    log: list[str] = field(default_factory=list)

    def before(self, what: str) -> int:
        """Count a step that is about to be taken, and return its number."""
        if self.dead:
            raise SimulatedKill
        self.steps += 1
        self.log.append(what)
        if self.mode == "before" and self.steps == self.dies_at:
            self.dead = True
            raise SimulatedKill
        return self.steps

    def after(self, step: int = 0) -> None:
        """The step had its effect. Others may have been counted meanwhile."""
        if self.dead:
            raise SimulatedKill
        if self.mode == "after" and step == self.dies_at:
            self.dead = True
            raise SimulatedKill


class LedgerHere(SqlLedger):
    """A ledger that works in the loop's own thread: for a small call, the way to another one and back takes longer than the call.

    As in a thread of its own, calls take effect in the order in which they were made, and others go on before the answer is there;
    who is cancelled meanwhile has had the effect all the same.
    """

    async def _run(self, work):
        answer = work()
        await asyncio.sleep(0)
        return answer


class MortalLedger:
    """A ledger whose every call is a step."""

    def __init__(self, ledger: SqlLedger, mortal: Mortal) -> None:
        self._ledger = ledger
        self._mortal = mortal

    def __getattr__(self, name: str):
        call = getattr(self._ledger, name)

        async def stepped(*args, **kwargs):
            step = self._mortal.before(f"ledger.{name}")
            answer = await call(*args, **kwargs)
            self._mortal.after(step)
            return answer

        return stepped


class MemoryStores:
    """The stores of both endpoints, by role."""

    def __init__(self, services: dict[str, MemoryService]) -> None:
        self._services = services

    def of(self, endpoint: str, role: str, *, other_wire: bool = False, customer_key: str = "") -> MemoryStore:
        name = f"{role} over the other wire" if other_wire else role
        return MemoryStore(self._services[endpoint], name, customer_key=customer_key)

    def at_once(self, endpoint: str) -> int:
        return 16

    async def close(self) -> None: ...


class Silent:
    """Nobody watches."""

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None: ...
    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None: ...
    def note(self, event: str, **facts: object) -> None: ...


class QuickTables:
    """The port `Tables` at a tenth of Parquet's price for a few rows. Parquet itself has tests of its own, and servers' runs."""

    def encode(self, rows: Sequence[Row], kind: type[Row]) -> bytes:
        return pickle.dumps((kind, tuple(rows)))

    def decode(self, data: bytes, kind: type[Row]) -> list[Row]:
        written, rows = pickle.loads(data)
        assert written is kind
        return list(rows)

    def batches(self, data: bytes, kind: type[Row]) -> Iterator[list[Row]]:
        yield self.decode(data, kind)


class Unpublished:
    """Reports that nobody writes down."""

    async def publish(self, summary: Summary) -> Summary:
        return summary

    def losses(self, run):
        return nullcontext(lambda lost: None)


@dataclass
class World:
    """Two countries, one category `talk` from `korea/talk` to `japan/talk`, and all that a run needs."""

    folder: Path
    korea: MemoryService
    japan: MemoryService
    clock: StillClock
    settings: Migration
    mortal: Mortal = field(default_factory=Mortal)
    lives: int = 0

    @classmethod
    def made(
        cls, folder: Path, *, korea: Behaviour | None = None, japan: Behaviour | None = None, versioned: bool = True, **transfer
    ) -> World:
        clock = StillClock()
        world = cls(
            folder,
            MemoryService("korea", behaviour=korea, now=clock.now),
            MemoryService("japan", behaviour=japan, now=clock.now),
            clock,
            settings_of(folder, **transfer),
        )
        world.korea.make_bucket("talk")
        world.japan.make_bucket("talk", versioning="Enabled" if versioned else "")
        world.japan.make_bucket("evidence", object_lock=True)
        return world

    def store(self, side: str = "korea") -> MemoryStore:
        return MemoryStore({"korea": self.korea, "japan": self.japan}[side])

    async def seed(self, *, seed: int = 1, plain: int = 9) -> None:
        """Put a small Korea: empty and small objects, odd names, metadata and tags, and one object in uneven parts."""
        random_ = random.Random(seed)
        store = self.store()
        await store.put("talk", "empty", b"")
        for number in range(plain):
            attributes = Attributes(
                headers=(("content-type", "image/jpeg"),),
                metadata=(("owner", f"u{number}"),),
                tags=(("kind", "image"),) if number % 3 == 0 else (),
            )
            await store.put("talk", f"u{number}/写真 {number}.jpg", random_.randbytes(100 + number), attributes=attributes)
        await put_in_parts(store, "talk", "video.mp4", [random_.randbytes(size) for size in (PART + 1000, PART, 77)])

    @asynccontextmanager
    async def context(self, **changes) -> AsyncIterator[Context]:
        """Open everything, as a process does at its start; the ledger knows this life from the ones before."""
        self.lives += 1
        me = _process(self.lives)
        path = self.folder / "ledger.db"
        begin_at(path)
        ledger = await LedgerHere.open(url_of(path), migration="korea-to-japan", clock=self.clock, host="here", holder=me)
        stores = MemoryStores({"korea": self.korea, "japan": self.japan})
        vault = StoreVault(stores.of("japan", "vault"), "evidence", prefix="korea-to-japan", retention_days=1, clock=self.clock)
        try:
            yield replace(
                Context(
                    settings=self.settings,
                    stores=stores,
                    ledger=MortalLedger(ledger, self.mortal),
                    vault=vault,
                    tables=QuickTables(),
                    scratch=DiskScratch(self.folder / "scratch"),
                    reports=Unpublished(),
                    prices=Prices(),
                    progress=Silent(),
                    clock=self.clock,
                    budget=Budget(self.settings.transfer.budget_bytes),
                    who="tester",
                    host="here",
                    version="0",
                    rules_sha256="rules",
                ),
                **changes,
            )
        finally:
            await ledger.close()

    def watch(self, mortal: Mortal) -> None:
        """Count every call to both stores and the ledger from now on."""
        self.mortal = mortal

        taken: dict[int, int] = {}

        async def before(call) -> None:
            taken[id(call)] = mortal.before(f"{call.action} {call.key}")

        async def after(call) -> None:
            mortal.after(taken.pop(id(call), 0))

        for service in (self.korea, self.japan):
            service.before, service.after = before, after

    def revive(self) -> None:
        """Begin the next life: everything answers again, and whoever held a lease is dead."""
        self.mortal = Mortal()
        for service in (self.korea, self.japan):
            service.before = service.after = None

    async def probe(self, *, as_a_pair: bool = True) -> None:
        """Ask all three buckets, and whether they are different ones, so that a run begins with its own work."""
        like = (self.korea.behaviour, self.japan.behaviour, self.japan.buckets["talk"].versioning)
        async with self.context() as context:
            if like not in _ANSWERS:
                _ANSWERS[like] = (
                    await probe(context, Place("japan", "evidence"), side="vault"),
                    await probe(context, Place("korea", "talk"), side="source"),
                    await probe(context, Place("japan", "talk"), side="target"),
                )
            for answers in _ANSWERS[like]:
                await context.ledger.save_probe(replace(answers, at=timestamp(context)))
            if as_a_pair:
                await refuse_same_bucket(context, Place("korea", "talk"), Place("japan", "talk"))
        self.forget_calls()

    async def run(self, **changes) -> Summary:
        async with self.context(**changes) as context:
            return await run_wave(context, WaveRequest("talk", "all"))

    async def catch_up(self, *, passes_max: int = 5, until_objects: int = 0, **changes) -> Summary:
        async with self.context(**changes) as context:
            return await catch_up(context, CatchUpRequest("talk", "all", passes_max, until_objects))

    async def verify(self, **changes) -> Summary:
        async with self.context(**changes) as context:
            return await verify_wave(context, WaveRequest("talk", "all"))

    def bodies(self, side: str) -> dict[str, bytes]:
        """Return what a plain GET of each key of bucket `talk` finds."""
        bucket = {"korea": self.korea, "japan": self.japan}[side].buckets["talk"]
        found = {key: bucket.latest(key) for key in bucket.keys}
        return {key: stored.data for key, stored in found.items() if stored is not None}

    def writes(self, side: str = "japan") -> list[str]:
        """Return the calls that changed an object of bucket `talk`, in order."""
        service = {"korea": self.korea, "japan": self.japan}[side]
        verbs = ("Put", "Delete", "Abort", "Complete", "Create", "Upload")
        return [
            f"{call.action} {call.key}"
            for call in service.calls
            if call.bucket == "talk" and call.action.removeprefix("s3:").startswith(verbs)
        ]

    def forget_calls(self) -> None:
        self.korea.calls.clear()
        self.japan.calls.clear()


async def facts_of(context: Context, category: str) -> list[Fact]:
    """Return every fact of a category so far, in the order of their runs and of the stages of each."""
    facts: list[Fact] = []
    await each_fact(context, category, facts.extend)
    return facts


def settings_of(folder: Path, **transfer) -> Migration:
    limits = {
        "intent_objects": 4,
        "concurrency": 3,
        "shard_objects": 5,
        "budget_bytes": 16 * MIB,
        "unreachable_s": 3.0,
        "attempts_max": 3,
        **transfer,
    }
    side = {"endpoint": "korea", "bucket": "talk"}
    return Migration(
        migration="korea-to-japan",
        state_dir=folder,
        ledger=url_of(folder / "ledger.db"),
        endpoints={
            "korea": {"url": "http://127.0.0.1:1", "region": "ap-northeast-2", "country": "KR"},
            "japan": {"url": "http://127.0.0.1:2", "region": "ap-northeast-1", "country": "JP"},
        },
        vault={"endpoint": "japan", "bucket": "evidence"},
        transfer=Transfer(**limits),
        categories={
            "talk": Category(
                moves=(Move(source=Side(**side), target=Side(endpoint="japan", bucket="talk")),),
                residency="JP",
                deadline=date(2030, 1, 1).isoformat(),
                owner="tests",
                waves=(Wave(name="all"),),
            )
        },
        file=folder / "migration.yaml",
    )


async def put_in_parts(store: MemoryStore, bucket: str, key: str, bodies: list[bytes]) -> None:
    """Upload an object in parts of these sizes."""
    upload_id = await store.create_upload(bucket, key, attributes=Attributes(), checksum=False)
    parts = [await store.put_part(bucket, key, upload_id, number, body) for number, body in enumerate(bodies, 1)]
    await store.complete_upload(bucket, key, upload_id, parts)


def _process(life: int) -> Holder:
    """A process of this machine that, seen from the next life, is dead: no live process began at that tick."""
    mine = Holder.this_process("here")
    return Holder("here", mine.pid, f"{mine.started.rpartition('/')[0]}/{life}")
