"""What nobody claims and what stays behind at a store far away: the same sums in many ranges, or everything anew in one."""

from __future__ import annotations

import pytest

from connectors.memory import MemoryStore
from relocation.stages.list_versions import count_behind
from relocation.stages.pages import Apart
from relocation.stages.ranges import Ranges
from relocation.stages.unclaimed import unclaimed
from tests.model.far import ROUND_TRIP_S
from tests.model.test_inventory_far_away import Told
from tests.model.world import World

KEYS = [f"u{number:03}/写真 {number}.jpg" for number in range(60)]
PAGE_KEYS = 4


@pytest.fixture
async def world(tmp_path) -> World:
    """A bucket that is moved and one that nobody claims, of each key up to three versions, every seventh deleted."""
    world = World.made(tmp_path)
    world.korea.buckets["talk"].versioning = "Enabled"
    world.korea.make_bucket("old", versioning="Enabled")
    world.korea.make_bucket("plain")
    store = world.store()
    for number, key in enumerate(KEYS):
        await store.put("plain", key, b"x")
        for bucket in ("talk", "old"):
            for _ in range(number % 3 + 1):
                await store.put(bucket, key, b"x" * number)
            if number % 7 == 0:
                await store.delete(bucket, key)
    return world


@pytest.fixture
def listed_in(monkeypatch) -> list[int]:
    """In how many ranges each listing was listed."""
    ranges, run = [], Ranges.run

    async def told(self, ranges_max):
        ranges.append(await run(self, ranges_max))
        return ranges[-1]

    monkeypatch.setattr(Ranges, "run", told)
    return ranges


def far(world, monkeypatch, *, deaf=False) -> None:
    """Have each page take 30 ms; a deaf store begins anew wherever it is asked to begin."""

    def slow(real):
        async def call(self, bucket, **asked):
            world.clock.seconds += ROUND_TRIP_S
            if deaf and asked.get("page_keys", 1000) > 1:
                asked.pop("start_after", None)
            return await real(self, bucket, **{**asked, "page_keys": min(asked.get("page_keys", 1000), PAGE_KEYS)})

        return call

    for name in ("list_objects", "list_versions"):
        monkeypatch.setattr(MemoryStore, name, slow(getattr(MemoryStore, name)))


async def sums(world, told=None):
    category = world.settings.categories["talk"]
    async with world.context(**({"progress": told} if told else {})) as context:
        behind = await count_behind(context, category, category.waves[0])
        return (behind.versions, behind.bytes, behind.markers, behind.listed[0]), await unclaimed(context, "korea")


def equal(one, other) -> bool:
    (*counted, keys), beside = one
    (*counted_too, keys_too), beside_too = other
    return (counted, beside) == (counted_too, beside_too) and keys.keys == keys_too.keys > 0 and not keys.differing(keys_too)


async def test_sums_from_far_away_are_those_from_near_by(world, monkeypatch, listed_in):
    """S8, X5: in many ranges the same objects, versions, markers, bytes and keys are counted as in one."""
    near = await sums(world)
    assert listed_in == [1, 1, 1]
    far(world, monkeypatch)
    assert equal(await sums(world), near)
    assert min(listed_in[3:]) > 3


async def test_where_ranges_do_not_add_up_everything_is_summed_up_anew_in_one(world, monkeypatch, listed_in):
    """S8: nothing of what was counted before it was noticed stays."""
    near = await sums(world)
    far(world, monkeypatch, deaf=True)
    told = Told()
    assert equal(await sums(world, told), near)
    assert "was asked for what follows u" in told.said["listing.apart"]["why"]
    assert told.said["unclaimed.looked"]["objects"] == 2 * len(KEYS) + len(KEYS) + 9
    assert listed_in[3:] == [1, 1, 1]


async def test_a_store_that_is_never_at_one_with_itself_is_refused(world, monkeypatch):
    """S8: one range that is apart too is no listing: what stays behind is unknown then, and it is said why."""

    async def apart(self, ranges_max):
        raise Apart("the versions listing of korea/talk is apart")

    monkeypatch.setattr(Ranges, "run", apart)
    category = world.settings.categories["talk"]
    async with world.context() as context:
        behind = await count_behind(context, category, category.waves[0])
    assert (behind.versions, behind.markers, behind.why) == (-1, -1, "korea/talk: the versions listing of korea/talk is apart")
