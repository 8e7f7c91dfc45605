"""What people watch counts the wave's own objects; every other listing is told in words of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relocation.settings import Wave
from relocation.stages.wave import WaveRequest, run_wave
from tests.model.world import World


class Watched:
    """Remembers stages with what they counted, and events."""

    def __init__(self) -> None:
        self.expected: dict[str, tuple[int, int]] = {}
        self.counted: dict[str, int] = {}
        self.bytes: dict[str, int] = {}
        self.events: list[tuple[str, dict[str, object]]] = []
        self._stage = ""

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        self._stage = name
        self.expected[name] = (objects, bytes_)

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None:
        self.counted[self._stage] = self.counted.get(self._stage, 0) + objects
        self.bytes[self._stage] = self.bytes.get(self._stage, 0) + bytes_

    def note(self, event: str, **facts: object) -> None:
        self.events.append((event, facts))


async def test_a_stage_counts_the_waves_own_objects_and_no_other_listing(tmp_path):
    """The source holds eleven objects, the wave two of them, the target others, and a bucket that nobody claims one."""
    world = World.made(tmp_path)
    await world.seed()
    world.korea.make_bucket("forgotten")
    await world.store().put("forgotten", "a", b"x")
    await world.store("japan").put("talk", "somebody else's", b"x")
    category = world.settings.categories["talk"]
    waves = (Wave(name="some", prefixes=("u1/", "u2/")), Wave(name="rest"))
    world.settings = world.settings.model_copy(update={"categories": {"talk": category.model_copy(update={"waves": waves})}})
    watched = Watched()
    async with world.context() as context:
        summary = await run_wave(replace(context, progress=watched), WaveRequest("talk", "some"))
    assert summary.counts["listed"].objects == 2
    assert {name: watched.counted.get(name, 0) for name in ("plan", "copy", "report")} == {"plan": 2, "copy": 2, "report": 0}
    listed = [facts for event, facts in watched.events if event == "inventory.of_wave"]
    assert listed == [{"side": "source", "place": "korea/talk/", "objects": 11, "mine": 2}]
    assert ("inventory.listed", {"side": "target", "place": "japan/talk/", "objects": 1}) in watched.events
    assert ("unclaimed.looked", {"objects": 1, "buckets": 1, "places": 1}) in watched.events


@pytest.mark.parametrize("versions", ["latest", "all"])
async def test_a_stage_ends_at_as_many_objects_as_it_began_with(tmp_path, versions):
    """A verification counts what it reads: not what the copy stage has read back already, in the same shard."""
    world = World.made(tmp_path)
    category = world.settings.categories["talk"]
    policy = category.policy.model_copy(update={"versions": versions})
    world.settings = world.settings.model_copy(update={"categories": {"talk": category.model_copy(update={"policy": policy})}})
    world.korea.buckets["talk"].versioning = "Enabled"
    await world.probe()
    await world.seed()
    watched = Watched()
    async with world.context() as context:
        await run_wave(context, WaveRequest("talk", "all"))
        await world.store().put("talk", "u9/new", b"new")
        summary = await run_wave(replace(context, progress=watched), WaveRequest("talk", "all"))
    kept = summary.counts["keep"]
    assert (summary.counts["copy"].objects, kept.objects > 1) == (1, True)
    for name, done in (("copy", summary.counts["copy"]), ("verify", kept)):
        assert watched.expected[name] == (watched.counted[name], watched.bytes[name]) == (done.objects, done.bytes)
