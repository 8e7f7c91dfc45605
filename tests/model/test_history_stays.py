"""What of a source's history stays there after a run is told from the ledger alone, to the very figure."""

from __future__ import annotations

from datetime import date

import pytest

from relocation.rules.deadlines import Chance
from relocation.rules.history_seen import HistorySeen
from relocation.rules.summary import Count
from relocation.stages.residency import holdings
from tests.model.world import World


@pytest.mark.parametrize(("versioning", "chance"), [("Enabled", Chance.HISTORY), ("", Chance.HOME)])
async def test_what_a_run_left_of_the_history_is_told_of_its_category(tmp_path, versioning, chance):
    """D12: the latest versions are home; three former ones and a delete marker are in Korea alone, and nobody calls that home."""
    world = World.made(tmp_path)
    world.korea.buckets["talk"].versioning = versioning
    for body in (b"first", b"second", b"now"):
        await world.store().put("talk", "u1/a", body)
    await world.store().put("talk", "u1/gone", b"deleted since")
    await world.store().delete("talk", "u1/gone")
    await world.probe()
    await world.run()
    async with world.context() as context:
        (held,) = await holdings(context.settings, context.ledger, date(2021, 6, 1))
    stays = HistorySeen(Count(3, len(b"first" + b"second" + b"deleted since")), 1) if versioning else HistorySeen()
    assert (held.history, held.told.chance, held.left) == (stays, chance, Count())
