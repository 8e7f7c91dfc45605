"""Killed at any step, a run converges: nothing lost, nothing doubled, nothing of ours looks foreign (C1, D31, I1-I7)."""

from __future__ import annotations

import contextlib
import os
import random

import pytest

from tests.model.world import Mortal, SimulatedKill, World

SEED = int(os.environ.get("HIKKOSHI_SEED", "20261122"))
KILLS = int(os.environ.get("HIKKOSHI_KILLS", "5"))
"""Of some 120 steps, in two modes; a sample of them, another one for each seed."""


async def _seeded(folder) -> World:
    world = World.made(folder)
    await world.seed(plain=5)
    await world.probe()
    return world


async def _steps(folder) -> int:
    world = await _seeded(folder)
    world.watch(Mortal())
    await world.run()
    return world.mortal.steps


async def _killed(folder, step: int, mode: str) -> tuple[World, Mortal]:
    world = await _seeded(folder)
    mortal = Mortal(dies_at=step, mode=mode)
    world.watch(mortal)
    with contextlib.suppress(SimulatedKill):
        await world.run()
    assert mortal.dead
    world.revive()
    return world, mortal


@pytest.mark.timeout(290)
async def test_a_run_killed_at_any_step_converges(tmp_path):
    """After a kill before or after any call, the next run brings everything home, and writes no object twice."""
    print(f"seed {SEED}")
    steps = await _steps(tmp_path / "counted")
    chosen = random.Random(SEED).sample([(step, mode) for step in range(1, steps + 1) for mode in ("before", "after")], KILLS)
    for step, mode in chosen:
        world, mortal = await _killed(tmp_path / f"{step}-{mode}", step, mode)
        summary = await world.run()
        where = f"killed {mode} step {step} of {steps}, {mortal.log[-1]}"
        assert world.bodies("japan") == world.bodies("korea"), where
        assert summary.outcomes["verified"].objects == summary.counts["listed"].objects == 7, where
        assert all(equation.holds for equation in summary.equations), where
        assert not summary.conflicts, where
        assert not summary.foreign, where
        versions = {key: len(found) for key, found in world.japan.buckets["talk"].keys.items() if "hikkoshi-canary" not in key}
        assert set(versions.values()) == {1}, f"{where}: written twice {versions}"
        assert not world.japan.buckets["talk"].uploads, where
