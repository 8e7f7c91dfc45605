"""What the source shows of a wave is held against what it showed to the wave's last sealed plan, before anything is planned."""

from __future__ import annotations

import pytest

from relocation.rules.errors import NotFound, Refusal
from relocation.settings import Policy, UserShare, Wave
from relocation.stages import shrink, wave_run
from relocation.stages.wave import WaveRequest, dry_run
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


USERS = "u(?P<user>[0-9]+)/"
SHARES = {
    share: (Wave(name="first", users=UserShare(pattern=USERS, share=share)), Wave(name="rest")) for share in ("10%", "20%", "40%")
}


async def staged(tmp_path, *, versions: str = "latest") -> World:
    """Return a world of 200 users whose first tenth was planned, and then the rest."""
    world = World.made(tmp_path)
    world.korea.buckets["talk"].versioning = "Enabled" if versions == "all" else ""
    for number in range(200):
        await world.store().put("talk", f"u{number}/a", b"x")
    with_category(world, waves=SHARES["10%"], policy=Policy(versions=versions))
    await world.probe()
    for wave in SHARES["10%"]:
        await planned(world, wave.name)
    return world


async def planned(world: World, wave: str) -> int:
    async with world.context() as context:
        return (await dry_run(context, WaveRequest("talk", wave))).counts["listed"].objects


def erase(world: World, objects: int) -> None:
    """Take what some users have away, with its history."""
    bucket = world.korea.buckets["talk"]
    for key in sorted(bucket.keys)[:objects]:
        del bucket.keys[key]


@pytest.mark.parametrize("versions", ["latest", "all"])
@pytest.mark.parametrize("wave", ["first", "rest"])
async def test_a_source_that_lost_most_of_a_category_is_refused_though_a_share_was_changed(tmp_path, versions, wave):
    """S10: a staged roll-out changes a share each time; what the source shows of all waves together no share changes."""
    world = await staged(tmp_path, versions=versions)
    erase(world, 110)
    with_category(world, waves=SHARES["20%"])
    with pytest.raises(Refusal, match=r"talk, all waves together: the source shows 90 objects .*, and showed 200 to run"):
        await planned(world, wave)


@pytest.mark.parametrize("too_many", [0, 1])
async def test_of_a_wave_whose_share_was_changed_those_are_the_measure_that_are_its_own_still(tmp_path, too_many):
    """S10: who left the rest with a share that grew is no loss; of the others half may go, though the category lost much less."""
    world = await staged(tmp_path)
    with_category(world, waves=SHARES["40%"])
    partition = world.settings.categories["talk"].partition()
    bucket = world.korea.buckets["talk"]
    of_rest = [key for key in bucket.keys if partition.wave_of(key, 1, "2021-06-01T00:00:00Z") == "rest"]
    left = len(of_rest) - len(of_rest) // 2 - too_many
    for key in of_rest[left:]:
        del bucket.keys[key]
    if not too_many:
        assert await planned(world, "rest") == left
        return
    with pytest.raises(Refusal, match=f"talk/rest: the source shows {left} objects .*, and showed {len(of_rest)} to run"):
        await planned(world, "rest")


async def test_a_wave_of_which_the_last_inventory_is_gone_has_no_such_measure(tmp_path, monkeypatch):
    """S10: what the vault no longer holds stops no plan; all waves together are held against the last listing all the same."""
    world = await staged(tmp_path)
    with_category(world, waves=SHARES["20%"])

    def gone(_plan):
        raise NotFound("the inventory is gone")

    monkeypatch.setattr(shrink, "sources_of", gone)
    assert await planned(world, "rest") > 0


async def test_each_step_of_a_roll_out_is_held_against_the_one_before(tmp_path):
    """S10: share after share, what people delete is planned; each plan of any wave is the measure of the next."""
    world = await staged(tmp_path)
    for share, gone in (("20%", 60), ("40%", 60)):
        erase(world, gone)
        with_category(world, waves=SHARES[share])
        await planned(world, "first")
    erase(world, 41)
    with pytest.raises(Refusal, match="all waves together: the source shows 39 objects"):
        await planned(world, "rest")


async def test_what_went_from_another_wave_hinders_none_that_shows_what_it_did(tmp_path):
    """S10: each wave is its own measure as long as its share stays."""
    world = await staged(tmp_path)
    first = await planned(world, "first")
    partition = world.settings.categories["talk"].partition()
    bucket = world.korea.buckets["talk"]
    for key in [key for key in bucket.keys if partition.wave_of(key, 1, "2021-06-01T00:00:00Z") == "rest"]:
        del bucket.keys[key]
    assert await planned(world, "first") == first
    with pytest.raises(Refusal, match="talk/rest: the source shows 0 objects"):
        await planned(world, "rest")


async def test_another_source_is_no_measure(tmp_path):
    """S10: moves that begin elsewhere show another number, and that is no shrink."""
    world = await staged(tmp_path)
    category = world.settings.categories["talk"]
    (move,) = category.moves
    with_category(world, moves=(move.model_copy(update={"source": move.source.model_copy(update={"prefix": "u1/"})}),))
    assert await planned(world, "rest") == 1


async def test_without_the_comparison_a_listing_that_lies_would_plan_the_removal_of_all(world, monkeypatch):
    """Negative control (S10): it is the comparison that keeps an empty listing from being planned."""
    await world.run()
    await lose(world, OBJECTS)

    async def nothing(*_):
        return None

    monkeypatch.setattr(wave_run, "refuse_if_shrunk", nothing)
    assert (await world.run()).counts["remove"].objects == OBJECTS
