"""`--only-failed`: a run takes just what failed in the last one, and says that it is not the whole wave."""

from __future__ import annotations

from datetime import date

import pytest

from relocation.rules.errors import Refusal, SlowDown
from relocation.stages.residency import holdings
from relocation.stages.wave import WaveRequest, run_wave
from tests.model.world import Mortal, SimulatedKill, World

ONLY = WaveRequest("talk", "all", only_failed=True)


@pytest.fixture
async def world(tmp_path):
    made = World.made(tmp_path)
    await made.seed(plain=4)
    await made.probe()
    return made


def unreadable(world: World, *keys: str) -> None:
    async def before(call) -> None:
        if call.action == "s3:GetObject" and call.key in keys:
            raise SlowDown("damaged")

    world.korea.before = before


async def again(world: World):
    async with world.context() as context:
        return await run_wave(context, ONLY)


async def test_only_what_failed_is_taken_again(world):
    """Two of many failed: the next run looks at these two, names the run that they failed in, and both equations hold."""
    unreadable(world, "empty", "video.mp4")
    first = await world.run()
    assert {named.key for named in first.failed} == {"empty", "video.mp4"}
    world.korea.before = None
    await world.store().put("talk", "new", b"came since")
    read: set[str] = set()
    world.korea.on_read = lambda _bucket, key, _body: read.add(key)
    summary = await again(world)
    assert (summary.counts["listed"].objects, summary.outcomes["verified"].objects) == (2, 2)
    assert any(first.run_id in text for text in summary.unknown)
    assert all(equation.holds for equation in summary.equations)
    assert read == {"empty", "video.mp4"}
    whole = await world.run()
    assert whole.counts["copy"].objects == 1
    assert not [text for text in whole.unknown if "took only" in text]


async def test_what_fails_again_is_taken_again(world):
    """The last run counts, also where that was one of the failed only."""
    unreadable(world, "empty", "video.mp4")
    await world.run()
    unreadable(world, "empty")
    await again(world)
    world.korea.before = None
    summary = await again(world)
    assert summary.counts["listed"].objects == 1
    assert world.bodies("japan") == world.bodies("korea")
    assert (await again(world)).counts["listed"].objects == 0


async def test_a_run_of_what_failed_alone_says_nothing_of_how_much_there_is(world):
    """What is there and what is home stay as the last whole run saw them; the next whole one counts what was mended."""
    unreadable(world, "empty")
    listed = (await world.run()).counts["listed"].objects
    world.korea.before = None

    async def holds() -> tuple[int, int]:
        async with world.context() as context:
            (held,) = await holdings(context.settings, context.ledger, date(2021, 6, 1))
        return held.there.objects, held.home.objects

    await again(world)
    assert await holds() == (listed, listed - 1)
    await world.run()
    assert await holds() == (listed, listed)


async def test_without_a_finished_run_nothing_has_failed(world):
    """Nothing is taken for failed where no run has come to its end."""
    with pytest.raises(Refusal, match="without --only-failed"):
        await again(world)


async def test_an_unfinished_run_goes_first(world):
    """A run that was cut off is not passed over; and one of the failed only is not gone on with as if it were the whole."""
    unreadable(world, "empty")
    await world.run()
    await world.store().put("talk", "new", b"came since")
    world.watch(Mortal(dies_at=60))
    with pytest.raises(SimulatedKill):
        await world.run()
    world.revive()
    with pytest.raises(Refusal, match="not finished"):
        await again(world)
    unreadable(world, "empty")
    await world.run()
    world.watch(Mortal(dies_at=40))
    with pytest.raises(SimulatedKill):
        await again(world)
    world.revive()
    whole = await world.run()
    assert whole.counts["listed"].objects == len(world.bodies("korea"))
    assert world.bodies("japan") == world.bodies("korea")
