"""What the source shows of a wave is held against what it showed to the wave's last sealed plan, before anything is planned."""

from __future__ import annotations

import pytest

from relocation.rules.errors import Refusal
from relocation.settings import Wave
from relocation.stages import wave_run
from tests.model.world import World

OBJECTS = 50


@pytest.fixture
async def world(tmp_path) -> World:
    world = World.made(tmp_path)
    for number in range(OBJECTS):
        await world.store().put("talk", f"{number:03}", b"x")
    await world.probe()
    return world


async def lose(world: World, objects: int) -> None:
    for key in sorted(world.bodies("korea"))[:objects]:
        await world.store().delete("talk", key)


def with_category(world: World, **changes) -> None:
    one = world.settings.categories["talk"].model_copy(update=changes)
    world.settings = world.settings.model_copy(update={"categories": {"talk": one}})


async def test_a_source_that_lost_most_of_a_wave_is_refused_and_nothing_is_planned(world):
    """S10: a listing that shows less than half of what the last plan was made from plans no removal, and writes nothing."""
    await world.run()
    await lose(world, 30)
    world.forget_calls()
    with pytest.raises(Refusal, match=r"shows 20 objects .*, and showed 50 to run"):
        await world.run()
    assert world.writes() == []
    assert len(world.bodies("japan")) == OBJECTS
    async with world.context() as context:
        assert [run.plan_sha256 != "" for run in await context.ledger.list_runs()] == [False, True]


async def test_half_may_go_and_what_is_left_is_the_next_measure(world):
    """S10: people have a right to delete; each plan is held against the one before it."""
    await world.run()
    await lose(world, 25)
    assert (await world.run()).counts["remove"].objects == 25
    await lose(world, 6)
    await world.run()


async def test_a_shrink_that_the_policy_allows_is_planned(world):
    """S10: the operator says that it was meant, by the bound of that category."""
    await world.run()
    await lose(world, OBJECTS)
    policy = world.settings.categories["talk"].policy.model_copy(update={"shrink_max": 1_000_000})
    with_category(world, policy=policy)
    assert (await world.run()).counts["remove"].objects == OBJECTS


async def test_a_wave_that_was_made_smaller_is_no_shrink(world):
    """S10: a plan of another selection of objects is no measure for this one."""
    await world.run()
    with_category(world, waves=(Wave(name="first", prefixes=("00", "01", "02", "03")), Wave(name="all")))
    assert (await world.run()).counts["listed"].objects == 10


async def test_without_the_comparison_a_listing_that_lies_would_plan_the_removal_of_all(world, monkeypatch):
    """Negative control (S10): it is the comparison that keeps an empty listing from being planned."""
    await world.run()
    await lose(world, OBJECTS)

    async def nothing(*_):
        return None

    monkeypatch.setattr(wave_run, "refuse_if_shrunk", nothing)
    assert (await world.run()).counts["remove"].objects == OBJECTS
