"""Waves of a category, by whatever they ask for: together they bring everything home, each object once, with its own wave."""

from __future__ import annotations

from datetime import date

import pytest

from relocation.rules.deadlines import Chance
from relocation.rules.errors import StateMismatch
from relocation.rules.residency import Holding
from relocation.settings import DayRange, KeyList, SizeRange, UserShare, Wave
from relocation.stages.residency import holdings
from relocation.stages.wave import WaveRequest, dry_run, run_wave, verify_wave
from tests.model.world import World, facts_of

USERS = r"(?P<user>u\d+)/"
KEYS = [f"u{user}/photo.jpg" for user in range(10)]
PARTITIONS = {
    "sizes": (Wave(name="small", size=SizeRange(end=50)), Wave(name="rest")),
    "days": (Wave(name="old", modified=DayRange(end="2021-06-06")), Wave(name="rest")),
    "users": (
        Wave(name="third", users=UserShare(pattern=USERS, share="33%")),
        Wave(name="more", users=UserShare(pattern=USERS, share="33%")),
        Wave(name="rest"),
    ),
    "a list": (Wave(name="vip", keys_file=KeyList(path="vip.txt", keys=frozenset(KEYS[:3]))), Wave(name="rest")),
}


async def made(folder, waves) -> World:
    world = World.made(folder)
    changed = world.settings.categories["talk"].model_copy(update={"waves": waves})
    world.settings = world.settings.model_copy(update={"categories": {"talk": changed}})
    for number, key in enumerate(KEYS):
        await world.store().put("talk", key, bytes(10 * number))
        world.clock.seconds += 86_400
    await world.probe()
    return world


async def run(world: World, wave: Wave, stage=run_wave):
    async with world.context() as context:
        return await stage(context, WaveRequest("talk", wave.name))


@pytest.mark.parametrize("waves", PARTITIONS.values(), ids=PARTITIONS)
async def test_the_waves_together_bring_everything_home_once(tmp_path, waves):
    """Each object goes with exactly one wave; nothing of one wave is foreign to another; running all again writes nothing."""
    world = await made(tmp_path, waves)
    summaries = [await run(world, wave) for wave in waves]
    assert world.bodies("japan") == world.bodies("korea")
    listed = [summary.counts["listed"].objects for summary in summaries]
    assert sum(listed) == len(KEYS)
    assert all(listed), "each of these waves has objects"
    assert all(not summary.foreign and all(each.holds for each in summary.equations) for summary in summaries)
    world.forget_calls()
    again = [await run(world, wave) for wave in waves] + [await run(world, wave, verify_wave) for wave in waves]
    assert all(not summary.foreign and all(each.holds for each in summary.equations) for summary in again)
    assert world.writes() == []


@pytest.mark.parametrize("waves", PARTITIONS.values(), ids=PARTITIONS)
async def test_what_vanished_at_the_source_is_named_by_the_wave_that_brought_it(tmp_path, waves):
    """Its size and its day are no longer to be seen in Korea: the facts tell with which wave it came."""
    world = await made(tmp_path, waves)
    for wave in waves:
        await run(world, wave)
    async with world.context() as context:
        home = {fact.source_key for fact in await facts_of(context, "talk")}
    assert home == set(KEYS)
    await world.store().delete("talk", KEYS[0])
    found = {wave.name: (await run(world, wave)).counts.get("remove") for wave in waves}
    named = [name for name, count in found.items() if count and count.objects]
    partition = world.settings.categories["talk"].partition()
    assert named == [partition.wave_of(KEYS[0], 0, "2021-06-01T00:00:00Z")]


async def test_a_slip_in_a_list_of_keys_is_named_by_its_wave(tmp_path):
    """What it keeps off the list moves with another wave: the dry run says so, and every report after it, but those of a part."""
    listed = KeyList(path="vip.txt", keys=frozenset({KEYS[0], KEYS[1], "# official", "gone/photo.jpg"}))
    waves = (Wave(name="vip", keys_file=listed), Wave(name="rest"))
    world = await made(tmp_path, waves)
    for stage in (dry_run, run_wave):
        summary = await run(world, waves[0], stage)
        assert ([each.key for each in summary.unmatched], summary.unmatched_keys) == (["# official", "gone/photo.jpg"], 2)
    assert (await run(world, waves[1])).unmatched_keys == 0
    async with world.context() as context:
        part = await run_wave(context, WaveRequest("talk", "vip", only_failed=True))
    assert (part.unmatched, part.unmatched_keys) == ((), 0)


async def test_an_object_that_two_waves_claim_stops_the_plan_before_the_first_byte(tmp_path):
    """Where only the keys show an overlap, the plan names the key and nothing moves."""
    world = await made(tmp_path, (Wave(name="vip", prefixes=("u",)), *PARTITIONS["users"]))
    with pytest.raises(StateMismatch, match="is claimed by the waves vip and "):
        await run(world, PARTITIONS["users"][0])
    assert world.writes() == []


@pytest.mark.parametrize("stage", [run_wave, verify_wave, dry_run])
async def test_a_share_that_shrank_leaves_nothing_that_is_called_home(tmp_path, stage):
    """Whoever was in the share, and has left it since, is in nobody's figures until the rest is listed again: that is said."""
    world = await made(tmp_path, PARTITIONS["users"])
    for wave in PARTITIONS["users"]:
        await run(world, wave, run_wave)
        await run(world, wave, stage)
    before = await held(world)
    assert not any(wave.otherwise for wave in before.waves)
    category = world.settings.categories["talk"]
    smaller = (Wave(name="third", users=UserShare(pattern=USERS, share="20%")), *PARTITIONS["users"][1:])
    world.settings = world.settings.model_copy(update={"categories": {"talk": category.model_copy(update={"waves": smaller})}})
    await run(world, smaller[0], stage)
    after = await held(world)
    assert [wave.otherwise for wave in after.waves] == [stage is dry_run, True, True]
    assert (before.told.chance, after.told.chance) == (Chance.HOME, Chance.CHANGED)


async def held(world: World) -> Holding:
    async with world.context() as context:
        (holding,) = await holdings(context.settings, context.ledger, date(2021, 6, 1))
    return holding
