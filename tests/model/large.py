"""What the tests of large objects, of crashes and of proofs share: a world that is probed, and what became of its objects."""

from __future__ import annotations

import random

from tests.model.world import MIB, World, facts_of

BIG = "big.mp4"
RANDOM = random.Random(7)
BODY = RANDOM.randbytes(19 * MIB + 77)
"""Larger than one buffer of a world's budget of 16 MiB."""


async def made(folder, **changes) -> World:
    world = World.made(folder, **changes)
    await world.probe()
    return world


async def fact_of(world: World, key: str = BIG):
    async with world.context() as context:
        return [fact for fact in await facts_of(context, "talk") if fact.source_key == key][-1]


def etag(world: World, side: str, key: str = BIG) -> str:
    return {"korea": world.korea, "japan": world.japan}[side].buckets["talk"].latest(key).etag


def asked(world: World, side: str, action: str, key: str = BIG, role: str = "") -> int:
    calls = {"korea": world.korea, "japan": world.japan}[side].calls
    return sum(call.action == action and call.key == key and call.role.startswith(role) for call in calls)
