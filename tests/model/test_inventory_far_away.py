"""An inventory of stores that are far away: listed in ranges, and where these do not add up, in one."""

from __future__ import annotations

import pytest

from connectors.memory import MemoryStore
from relocation.stages.inventory import inventory
from tests.model.far import ROUND_TRIP_S
from tests.model.world import Silent, World

KEYS = [f"u{number:03}/写真 {number}.jpg" for number in range(150)]


@pytest.fixture
async def world(tmp_path, monkeypatch) -> World:
    """Each page takes 30 ms and shows four keys."""
    world = World.made(tmp_path)
    for key in KEYS:
        await world.store().put("talk", key, b"x")
    real = MemoryStore.list_objects

    async def far(self, bucket, **options):
        world.clock.seconds += ROUND_TRIP_S
        return await real(self, bucket, **{**options, "page_keys": min(options.get("page_keys", 1000), 4)})

    monkeypatch.setattr(MemoryStore, "list_objects", far)
    return world


class Told(Silent):
    """Keeps what is said, and counts."""

    def __init__(self) -> None:
        self.said: dict[str, dict] = {}
        self.objects = 0

    def advance(self, *, objects=0, bytes_=0, errors=0) -> None:
        self.objects += objects

    def note(self, event, **facts) -> None:
        self.said[event] = facts


async def listed(world, told) -> list[str]:
    category = world.settings.categories["talk"]
    async with world.context(progress=told) as context:
        found = await inventory(context, category, "source", wave=category.waves[0])
        assert found.of_wave == found.rows.objects == told.objects == len(KEYS)
        return [row.key for row in found.rows]


async def test_an_inventory_from_far_away_has_each_object_once_and_in_order(world):
    """S8: what many ranges show is the inventory that one would be; the probe's canaries are left out of each."""
    await world.store().put("talk", "hikkoshi-canary/0123456789ab/1/x", b"x")
    await world.store().put("talk", "/hikkoshi-canary/0123456789ab/1/x", b"x")
    told = Told()
    assert await listed(world, told) == KEYS
    assert told.said["inventory.ranges"]["ranges"] > 4


async def test_where_ranges_do_not_add_up_one_range_is_listed_and_it_is_said_why(world, monkeypatch):
    """S8: a store that begins anew wherever it is asked to begin is listed in one range, counted once."""
    far = MemoryStore.list_objects

    async def deaf(self, bucket, **options):
        if self.endpoint == "korea" and options.get("page_keys", 1000) > 1:
            options.pop("start_after", None)
        return await far(self, bucket, **options)

    monkeypatch.setattr(MemoryStore, "list_objects", deaf)
    told = Told()
    assert await listed(world, told) == KEYS
    why = told.said["inventory.apart"]["why"]
    assert "was asked for what follows u" in why
    assert "shows u000/" in why
    assert "inventory.ranges" not in told.said
