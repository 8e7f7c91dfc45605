"""A dry run says what changed at the source since the last sealed plan of its wave."""

from __future__ import annotations

from relocation.rules.summary import SinceLast, Summary
from relocation.settings import Wave
from relocation.stages.wave import WaveRequest, dry_run
from tests.model.world import World


async def planned(world: World) -> Summary:
    async with world.context() as context:
        return await dry_run(context, WaveRequest("talk", "all"))


async def test_a_dry_run_counts_what_changed_since_the_last_plan(tmp_path):
    """ "Since yesterday: 2 new, 1 changed, 1 gone", against a run's plan or a dry run's, whichever was the last."""
    world = World.made(tmp_path)
    for key in ("a", "b/1", "b/2", "c"):
        await world.store().put("talk", key, key.encode())
    await world.probe()
    assert (await planned(world)).since_last is None
    run = await world.run()
    assert run.since_last is None
    first = await planned(world)
    assert first.since_last == SinceLast(run.run_id, run.started_at)
    await world.store().put("talk", "a", b"other")
    await world.store().put("talk", "b/0", b"new")
    await world.store().put("talk", "写真", b"new")
    await world.store().delete("talk", "c")
    assert (await planned(world)).since_last == SinceLast(first.run_id, first.started_at, new=2, changed=1, gone=1)


async def test_a_plan_that_is_gone_is_said_so_and_fails_nothing(tmp_path):
    """Evidence whose retention ended may be gone; the new plan is drawn none the less."""
    world = World.made(tmp_path)
    await world.store().put("talk", "a", b"a")
    await world.probe()
    last = await planned(world)
    bucket = world.japan.buckets["evidence"]
    for name in [name for name in bucket.keys if f"{last.run_id}/inventory-source" in name]:
        del bucket.keys[name]
    await world.store().put("talk", "b", b"b")
    told = (await planned(world)).since_last
    assert (told.run, told.why) == (last.run_id, "what that plan listed is no longer in the vault")


async def test_what_goes_with_another_wave_now_is_not_called_gone_or_new(tmp_path):
    """An object that goes with another wave now is still at the source: where waves were changed there is nothing to compare."""
    world = World.made(tmp_path)
    for key in ("a/1", "b/1"):
        await world.store().put("talk", key, key.encode())
    await world.probe()
    last = await planned(world)
    category = world.settings.categories["talk"]
    waves = (Wave(name="first", prefixes=("b/",)), Wave(name="all"))
    world.settings = world.settings.model_copy(update={"categories": {"talk": category.model_copy(update={"waves": waves})}})
    told = (await planned(world)).since_last
    assert (told.run, told.gone, told.why) == (last.run_id, 0, "moves, waves or policy.versions were changed since that plan")
