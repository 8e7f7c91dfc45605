"""A wave over the reference stores: what a run and a verification promise, each with the fault that it guards against."""

from __future__ import annotations

import pytest

from tests.model.world import World


@pytest.fixture
async def world(tmp_path):
    made = World.made(tmp_path)
    await made.seed()
    return made


async def test_a_run_brings_every_object_home_and_proves_it(world):
    """Every object of the source is at the target, byte for byte, with what travels beside it, and was read back."""
    summary = await world.run()
    assert world.bodies("japan") == world.bodies("korea")
    assert summary.outcomes["verified"].objects == summary.counts["listed"].objects == 11
    assert summary.proofs["read_back"] == summary.proofs["received"] == summary.proofs["same_etag"] == 11
    assert [equation.holds for equation in summary.equations] == [True] * 3
    store = world.store("japan")
    for key in world.bodies("korea"):
        ours, theirs = await store.head("talk", key), await world.store().head("talk", key)
        assert (ours.etag, ours.size, ours.attributes) == (theirs.etag, theirs.size, theirs.attributes)
        assert await store.get_tags("talk", key) == await world.store().get_tags("talk", key)


async def test_a_second_run_writes_nothing(world):
    """A run with nothing to do leaves both stores alone; ledger and vault apart."""
    await world.run()
    world.forget_calls()
    summary = await world.run()
    assert summary.counts["keep"].objects == 11
    assert summary.outcomes["verified"].objects == 11
    assert world.writes("japan") == world.writes("korea") == []


async def test_the_same_stores_give_the_same_plan(world):
    """Whoever plans, and when: the plan's root follows from stores, facts and configuration alone."""
    await world.run()
    first, second = await world.verify(), await world.verify()
    assert first.plan_sha256 == second.plan_sha256
    await world.store().put("talk", "one more", b"x")
    assert (await world.verify()).plan_sha256 != first.plan_sha256
