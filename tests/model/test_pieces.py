"""A wave planned and judged piece by piece says the same as one that is looked at whole (I1; goal: memory that does not grow)."""

from __future__ import annotations

import json
import tracemalloc

from connectors.scratch import DiskScratch
from relocation.rules.records import Fact, PlanRow
from relocation.stages import plan
from relocation.stages.plan import load_plan
from relocation.stages.standing import Asked, standing_facts
from relocation.transfer import budget
from tests.model.world import MIB, QuickTables, World, facts_of

BEGIN_S = 1_622_505_600.0


async def told(folder) -> tuple[list[PlanRow], str, list[Fact]]:
    """Run a wave, change both sides, run it again, and return the second plan's rows, its figures and all facts."""
    world = World.made(folder)
    world.clock.seconds = BEGIN_S
    await world.seed(plain=40)
    await world.store("japan").put("talk", "foreign/in between", b"not ours")
    await world.store("japan").put("talk", "zz", b"after all others")
    await world.store("japan").put("talk", "u3/写真 3.jpg", b"somebody else's")
    await world.probe()
    await world.run()
    world.clock.seconds = BEGIN_S + 3600  # whatever a run waited meanwhile
    await world.store().put("talk", "u4/写真 4.jpg", b"changed")
    await world.store().delete("talk", "u5/写真 5.jpg")
    await world.store().put("talk", "new", b"")
    summary = await world.run()
    async with world.context() as context:
        run = await context.ledger.get_run(summary.run_id)
        sealed = await load_plan(context, run)
        rows = [row for file in (*sealed.shards, *sealed.left_over) for row in await plan.rows_of(context, file)]
        facts = await facts_of(context, "talk")
    figures = json.dumps(
        [{name: [count.objects, count.bytes] for name, count in sums.items()} for sums in (summary.counts, summary.outcomes)]
        + [summary.proofs]
        + [[each.holds, each.total.objects, each.total.bytes] for each in summary.equations]
        + [sorted(each.key for each in named) for named in (summary.foreign, summary.conflicts, summary.remove, summary.failed)]
        + [[[bar.label, bar.count.objects] for bar in summary.sizes]]
    )
    return (
        [row._replace(found_version_id="") for row in rows],
        figures,
        [fact._replace(run_id="", at="", target_version_id="") for fact in facts],
    )


async def test_the_same_is_said_whole_and_in_pieces(tmp_path, request):
    """I1, I3: the same rows, the same figures and the same names, whether pieces hold three objects or all of them."""
    whole = await told(tmp_path / "whole")
    request.getfixturevalue("cut_small")
    pieces = await told(tmp_path / "pieces")
    assert pieces[0] == whole[0]
    assert pieces[1] == whole[1]
    assert pieces[2] == whole[2]
    assert json.loads(whole[1])[-5:-1] == [["foreign/in between", "u3/写真 3.jpg", "zz"], ["u3/写真 3.jpg"], ["u5/写真 5.jpg"], []]


class Counted(DiskScratch):
    """A scratch that tells how many facts it was given at most."""

    facts_max = 0

    def rows(self, kind, place):
        rows = super().rows(kind, place)
        if kind is Fact:
            add = rows.add

            def counted(some):
                add(some)
                self.facts_max = max(self.facts_max, rows.objects)

            rows.add = counted
        return rows


async def test_memory_does_not_grow_with_the_runs_of_a_category(tmp_path):
    """I9: after five runs there are five facts of each object; what a plan gathers of them is one."""
    world = World.made(tmp_path)
    await world.seed(plain=40)
    for _ in range(5):
        await world.run()
    async with world.context(scratch=(counted := Counted(tmp_path / "scratch"))) as context:
        assert len(await facts_of(context, "talk")) == 5 * len(world.bodies("korea"))
        stands = await standing_facts(context, "talk")
        assert counted.facts_max == len(list(stands)) == len(world.bodies("korea"))
        stands.close()


async def test_who_asks_backwards_is_told_the_same(tmp_path, cut_small):
    """I1: a shard that comes back to a lane late finds what stands of its places, though others were asked for in between."""
    world = World.made(tmp_path)
    await world.seed(plain=20)
    await world.run()
    async with world.context() as context:
        stands = await standing_facts(context, "talk")
        facts = dict(stands)
        asked = Asked(lambda: standing_facts(context, "talk"))
        for places in (list(facts)[10:], [*list(facts)[:12], ("talk", "~ unknown")], list(facts)[5:6]):
            assert await asked.about(places) == {place: facts[place] for place in places if place in facts}
        asked.close()
        stands.close()


class Weighed(QuickTables):
    """Tables that note, as facts are written down, what the budget of bytes in flight holds in memory."""

    def __init__(self) -> None:
        self.held_bytes: list[int] = []

    def encode(self, rows, kind):
        if kind is Fact:
            held = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, budget.__file__)])
            self.held_bytes.append(sum(each.size for each in held.statistics("filename")))
        return super().encode(rows, kind)


async def test_no_buffer_is_held_while_a_shard_is_sealed(tmp_path):
    """I9: what is written down and listed when the bytes are home takes the room that they took, not more beside it."""
    world = World.made(tmp_path)
    await world.store().put("talk", "large", bytes(8 * MIB))
    await world.probe()
    weighed = Weighed()
    tracemalloc.start()
    try:
        await world.run(tables=weighed)
    finally:
        tracemalloc.stop()
    assert weighed.held_bytes
    assert max(weighed.held_bytes) < MIB
