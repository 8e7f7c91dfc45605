"""A run over a category with an exclusion list: what it names stays where it is, and is seen in every report."""

from __future__ import annotations

import pytest

from relocation.rules.records import Action
from relocation.settings import Excluded
from relocation.stages.wave import WaveRequest, dry_run, run_wave
from tests.model.world import Mortal, SimulatedKill, World


def hold(world: World, **reasons: str) -> None:
    category = world.settings.categories["talk"]
    listed = Excluded(path=world.folder / "hold.txt", reasons={key.replace("_", "/"): why for key, why in reasons.items()})
    policy = category.policy.model_copy(update={"excluded": listed})
    world.settings = world.settings.model_copy(update={"categories": {"talk": category.model_copy(update={"policy": policy})}})


async def test_what_is_listed_is_never_copied_and_stays_visible(tmp_path):
    """A legal hold is kept from the first byte, by name and reason, run after run; a slip in the list shows in the dry run."""
    world = World.made(tmp_path)
    for key in ("u1/a", "u1/b", "u2/c"):
        await world.store().put("talk", key, key.encode())
    hold(world, u1_a="court order 17", u9_z="take-down")
    await world.probe()
    async with world.context() as context:
        dry = await dry_run(context, WaveRequest("talk", "all"))
    assert [(each.key, each.reason) for each in dry.refused] == [("u1/a", "on the exclusion list: court order 17")]
    assert [each.key for each in dry.not_found] == ["u9/z"]
    for _ in range(2):
        done = await world.run()
        assert done.counts[Action.REFUSE].objects == 1
        assert [each.key for each in done.refused] == ["u1/a"]
        assert all(equation.holds for equation in done.equations)
    assert set(world.bodies("japan")) == {"u1/b", "u2/c"}


async def test_a_run_of_what_failed_alone_does_not_call_the_rest_of_the_list_not_found(tmp_path):
    """It saw nothing but what failed: that it saw nothing of a listed key says nothing."""
    world = World.made(tmp_path)
    await world.store().put("talk", "u1/a", b"held")
    hold(world, u1_a="court order 17")
    await world.probe()
    assert (await world.run()).not_found == ()
    async with world.context() as context:
        part = await run_wave(context, WaveRequest("talk", "all", only_failed=True))
    assert part.not_found == ()


async def test_what_came_home_before_it_was_listed_is_left_alone(tmp_path):
    """A take-down that comes late touches nothing; neither is the copy replaced, nor removed once the source's is gone."""
    world = World.made(tmp_path)
    await world.store().put("talk", "u1/a", b"old")
    await world.store().put("talk", "u2/b", b"stays")
    await world.probe()
    await world.run()
    hold(world, u1_a="court order 17")
    await world.store().put("talk", "u1/a", b"newer")
    changed = await world.run()
    assert [each.reason.partition(";")[0] for each in changed.refused] == ["on the exclusion list: court order 17"]
    await world.store().delete("talk", "u1/a")
    gone = await world.run()
    assert (gone.remove, [each.key for each in gone.not_found]) == ((), ["u1/a"])
    assert world.bodies("japan") == {"u1/a": b"old", "u2/b": b"stays"}
    assert all(equation.holds for summary in (changed, gone) for equation in summary.equations)


async def test_what_a_killed_run_wrote_before_it_was_listed_is_not_removed(tmp_path):
    """A hold that comes after a kill, of an object that only the intent knows as ours: a catch-up leaves the copy alone."""
    world = World.made(tmp_path)
    await world.store().put("talk", "u1/a", b"evidence")
    await world.probe()
    await _killed_after_the_write(world, "u1/a")
    assert world.bodies("japan") == {"u1/a": b"evidence"}
    hold(world, u1_a="court order 17")
    await world.store().delete("talk", "u1/a")
    world.settings = _bound(world, shrink_max=1_000_000)
    done = await world.catch_up()
    assert (done.removed, done.remove) == ((), ())
    assert world.bodies("japan") == {"u1/a": b"evidence"}


async def _killed_after_the_write(world: World, key: str) -> None:
    counted = Mortal()
    world.watch(counted)

    async def dies(call) -> None:
        if (call.action, call.key) == ("s3:PutObject", key):
            counted.dead = True
            raise SimulatedKill

    world.japan.after = dies
    with pytest.raises(SimulatedKill):
        await world.run()
    world.revive()


def _bound(world: World, **policy):
    category = world.settings.categories["talk"]
    changed = category.model_copy(update={"policy": category.policy.model_copy(update=policy)})
    return world.settings.model_copy(update={"categories": {"talk": changed}})
