"""People at both sides of a world while it moves: what they do at any step, and what they may expect afterwards.

`Case` says all that happens, as data; `play` makes it happen and raises `AssertionError` at the first promise that is broken. A
step is a call of ours to a bucket that is moved: people act just before it, so what they do lies between any two of our looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from connectors.memory import Behaviour, Call
from connectors.memory.service import Stored
from relocation.rules.objects import Attributes
from relocation.rules.plan import Route
from relocation.rules.records import RouteRecord
from relocation.rules.summary import Summary
from relocation.settings import Policy
from tests.model.world import PART, World

Side = Literal["korea", "japan"]
Verb = Literal["put", "delete", "tag", "note"]
BODIES: tuple[tuple[bytes, ...], ...] = ((b"",), (b"one",), (b"two",), (b"a longer one",), (bytes(PART + 1), b"in parts"))
"""Each in its parts. Two have one size, one is empty."""
PEOPLE = "root"
NAMING = ("conflicts", "refused", "drifted", "gone", "failed", "mismatched", "remove", "foreign", "deleted_at_target")


class Act(NamedTuple):
    """Something that somebody does with one key. `note` puts the same bytes again with other metadata. First, `tick_s` go by."""

    side: Side
    key: str
    verb: Verb
    body: int = 1
    word: str = ""
    """The value of its metadata and its tag; empty: it has none."""
    tick_s: int = 0


class Timed(NamedTuple):
    """An act just before our so manieth step; if we take fewer, when we are done."""

    step: int
    act: Act


@dataclass(frozen=True, slots=True)
class Case:
    """Two stores, what happened before, where the readers go, and what people do while we work."""

    seeds: tuple[Act, ...] = ()
    """Puts at both sides, before anything of ours."""
    ran_before: bool = True
    during_run: tuple[Timed, ...] = ()
    route: Route = "source"
    erased: bool = False
    between: tuple[Act, ...] = ()
    during: tuple[Timed, ...] = ()
    source_versioned: bool = False
    target_versioned: bool = True
    target: Behaviour = field(default_factory=Behaviour)
    settle_s: float = 0.0
    again: Literal["run", "catch_up"] = "catch_up"


async def play(folder: Path, case: Case) -> Summary:
    """Play a case to its end: people stand still, a last catch-up is made, then one thing more. Returns that catch-up's report."""
    world = World.made(folder, japan=case.target, versioned=case.target_versioned, settle_s=case.settle_s)
    world.korea.buckets["talk"].versioning = "Enabled" if case.source_versioned else ""
    category = world.settings.categories["talk"].model_copy(update={"policy": Policy(shrink_max="100%")})
    world.settings = world.settings.model_copy(update={"categories": {"talk": category}})
    await world.probe()
    people = People(world, in_parts=case.target_versioned)
    for act in case.seeds:
        await people.do(act)
    if case.ran_before:
        await people.meanwhile(world.run, case.during_run)
    await _set_route(world, case)
    people.moved = case.route != "source" or case.erased
    people.cut_over = case.route != "source"
    for act in case.between:
        await people.do(act)
    await people.meanwhile(world.catch_up, case.during)
    last = await people.meanwhile(world.catch_up)
    people.check_equal_or_named(last)
    world.forget_calls()
    await people.meanwhile(world.run if case.again == "run" else world.catch_up)
    assert not people.our_writes(), f"a second time, with nothing to do: {people.our_writes()}"
    return last


async def _set_route(world: World, case: Case) -> None:
    if case.route == "source" and not case.erased:
        return
    async with world.context() as context:
        sha256 = context.settings.category_named("talk").partition_sha256()
        await context.ledger.set_route(RouteRecord("talk", "all", case.route, erased=case.erased, partition_sha256=sha256))


@dataclass(slots=True)
class People:
    """Who uses both stores, what is theirs at the target, and what they took away there."""

    world: World
    moved: bool = False
    """The readers do not go to the source, or something was erased: nothing may be removed any more."""
    cut_over: bool = False
    theirs: dict[str, Stored] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    """What we had brought, and people took away at the target after cut-over."""
    brought: dict[str, set[str]] = field(default_factory=dict)
    """ETags of what we wrote, by key."""
    at_source: dict[str, set[bytes]] = field(default_factory=dict)
    """All bodies that a key ever had at the source."""
    at_work: bool = False
    in_parts: bool = True
    """Where a target keeps no versions nothing is replaced by parts: the wave is refused in words. There all is put whole."""

    async def meanwhile(self, work, during: tuple[Timed, ...] = ()) -> Summary:
        """Do our work while people act at their steps, and see that every promise was kept."""
        left = sorted(during, key=lambda timed: timed.step, reverse=True)
        step = 0

        async def before(call: Call) -> None:
            nonlocal step
            if call.role == PEOPLE or call.bucket != "talk":
                return
            step += 1
            while left and left[-1].step <= step:
                await self.do(left.pop().act)

        async def after(call: Call) -> None:
            if call.role == "writer" and call.bucket == "talk" and (found := self._latest("japan", call.key)):
                self.brought.setdefault(call.key, set()).add(found.etag)

        for service in (self.world.korea, self.world.japan):
            service.before, service.after = before, after
        self.at_work = True
        summary = await work()
        self.world.revive()
        self.at_work = False
        self.check_promises(summary)
        while left:
            await self.do(left.pop().act)
        return summary

    # what people do

    async def do(self, act: Act) -> None:
        """Do it, and note whose the key is at the target from now on."""
        self.world.clock.seconds += act.tick_s
        before = self._latest(act.side, act.key)
        if before is None and act.verb != "put":
            return
        store = self.world.store(act.side)
        tags = (("tag", act.word),) if act.word else ()
        if act.verb == "delete":
            await store.delete("talk", act.key)
        elif act.verb == "tag":
            await store.put_tags("talk", act.key, tags)
        else:
            attributes = Attributes(metadata=(("note", act.word),) if act.word else (), tags=tags)
            await self._put(act, before, attributes)
        after = self._latest(act.side, act.key)
        if act.side == "korea":
            self.at_source.setdefault(act.key, set()).update({after.data} if after else ())
        else:
            self._note(act, after)

    async def _put(self, act: Act, before: Stored | None, attributes: Attributes) -> None:
        store = self.world.store(act.side)
        bodies = BODIES[act.body if self.in_parts else act.body % (len(BODIES) - 1)]
        if act.verb == "note" and before is not None:
            bodies = next(each for each in BODIES if b"".join(each) == before.data)
        if len(bodies) == 1:
            await store.put("talk", act.key, bodies[0], attributes=attributes)
            return
        upload_id = await store.create_upload("talk", act.key, attributes=attributes, checksum=False)
        parts = [await store.put_part("talk", act.key, upload_id, number, body) for number, body in enumerate(bodies, 1)]
        await store.complete_upload("talk", act.key, upload_id, parts)

    def _note(self, act: Act, after: Stored | None) -> None:
        was_theirs = self.theirs.pop(act.key, None) is not None
        if after is None:
            if self.cut_over and not was_theirs:
                self.deleted.add(act.key)
            return
        if act.verb != "tag":
            self.deleted.discard(act.key)
        if was_theirs if act.verb == "tag" else not self._looks_like_ours(act.key, after):
            self.theirs[act.key] = after

    def _looks_like_ours(self, key: str, stored: Stored) -> bool:
        """Tell whether no one could know it from ours: the very bytes that we wrote there, or are about to."""
        ours = stored.etag in self.brought.get(key, ())
        return ours or (self.at_work and stored.data in self.at_source.get(key, ()))

    # what they may expect

    def check_promises(self, summary: Summary) -> None:
        """See that nothing of theirs was touched or brought back, and that nothing was written where nothing may be."""
        for key, stored in self.theirs.items():
            assert self._latest("japan", key) == stored, f"I3: {key} of somebody else was touched"
        for key in self.deleted:
            assert self._latest("japan", key) is None, f"I10: {key} was deleted at the target and came back"
        at_source = [call for call in self.world.korea.calls if _writes(call)]
        assert not at_source, f"I1: written at the source: {at_source}"
        removals = [call for call in self.world.japan.calls if _writes(call) and call.role == "remover"]
        assert not (self.moved and removals), f"X13: removed once readers were moved: {removals}"
        broken = [equation for equation in summary.equations if not equation.holds]
        assert not broken, f"I7: {broken}"

    def check_equal_or_named(self, summary: Summary) -> None:
        """See that each key is the same at both sides, or named, or (once readers were moved) ours and gone at the source."""
        lists = [getattr(summary, name) for name in NAMING]
        named = {key for each in lists for one in each for key in (one.key, one.target_key)}
        lost = 0
        buckets = [self.world.korea.buckets["talk"].keys, self.world.japan.buckets["talk"].keys]
        for key in sorted({*buckets[0], *buckets[1]} - named):
            here, there = self._latest("korea", key), self._latest("japan", key)
            if _face(here) == _face(there) or (self.moved and here is None and key not in self.theirs):
                continue
            assert _face(here, notes=False) == _face(there, notes=False), f"{key} differs, unnamed: {_face(here)}, {_face(there)}"
            lost += 1
        assert lost <= summary.losses.get("x-amz-meta-note", 0), "metadata differ, and nobody says so"

    def our_writes(self) -> list[Call]:
        """Return our calls that changed an object of either side."""
        return [call for service in (self.world.korea, self.world.japan) for call in service.calls if _writes(call)]

    def _latest(self, side: Side, key: str) -> Stored | None:
        return getattr(self.world, side).buckets["talk"].latest(key)


def _writes(call: Call) -> bool:
    verbs = ("Put", "Delete", "Abort", "Complete", "Create", "Upload")
    return call.bucket == "talk" and call.role != PEOPLE and call.action.removeprefix("s3:").startswith(verbs)


def _face(stored: Stored | None, *, notes: bool = True) -> tuple[bytes, Attributes] | None:
    """Return what a reader of an object sees; without `notes`, user metadata aside."""
    if stored is None:
        return None
    return stored.data, stored.attributes if notes else replace(stored.attributes, metadata=())
