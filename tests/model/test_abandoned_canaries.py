"""What a killed probe leaves behind is gone after the next one."""

from __future__ import annotations

import contextlib

from relocation.rules.objects import Place
from relocation.stages.probe import probe
from tests.model.world import Mortal, SimulatedKill, World


async def test_the_next_probe_removes_what_a_killed_one_left(tmp_path):
    """Canaries of a probe that was killed are taken away by the next, once they are old enough to be nobody's; what somebody else
    keeps below the reserved prefix stays."""
    world = World.made(tmp_path)
    place = Place("japan", "talk")
    world.watch(Mortal(dies_at=150))
    with contextlib.suppress(SimulatedKill):
        async with world.context() as context:
            await probe(context, place, side="target")
    bucket = world.japan.buckets["talk"]
    assert bucket.keys
    world.revive()
    others = {"not a canary", "hikkoshi-canary/diary", "/hikkoshi-canary/diary", "hikkoshi-canary/0123456789abcdef/1/diary"}
    for key in others:
        await world.store("japan").put("talk", key, b"stays")
    upload = await world.store("japan").create_upload("talk", "hikkoshi-canary/album")
    world.clock.seconds += 7200
    async with world.context() as context:
        await probe(context, place, side="target")
    assert {key for key, versions in bucket.keys.items() if versions} == others
    assert list(bucket.uploads) == [upload]
