"""Routes in the ledger: compare-and-set, and an erasure that nobody can take back (X13, C3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relocation.rules.errors import StateMismatch
from relocation.rules.records import RouteRecord
from relocation.rules.routes import Standing, standing_route
from tests.unit.ledger_cases import ledger_at

WAVE = RouteRecord("talk-images", "first", partition_sha256="p" * 64)


async def test_a_route_is_what_it_was_last_set_to_and_its_version_grows(tmp_path):
    """What was never said is `source`; each change has the next version, and other waves keep theirs."""
    async with ledger_at(tmp_path / "ledger.db") as ledger:
        assert await ledger.routes("talk-images") == ()
        first = await ledger.set_route(replace(WAVE, route="target_first"))
        assert first.version == 1
        second = await ledger.set_route(replace(first, route="target", erased=True))
        assert await ledger.routes("talk-images") == (second,)
        assert second.version == 2
        assert await ledger.routes("talk-videos") == ()


async def test_a_route_that_somebody_else_changed_is_not_overwritten(tmp_path):
    """Two operators who looked at the same version: the second is refused, in words, and changes nothing."""
    async with ledger_at(tmp_path / "ledger.db") as ledger:
        first = await ledger.set_route(replace(WAVE, route="target_first"))
        with pytest.raises(StateMismatch, match="changed meanwhile"):
            await ledger.set_route(replace(WAVE, route="target"))
        assert await ledger.routes("talk-images") == (first,)


async def test_that_something_was_erased_is_never_taken_back(tmp_path):
    """X13: once the source lacks what we erased, no record may say otherwise, whatever route is set."""
    async with ledger_at(tmp_path / "ledger.db") as ledger:
        erased = await ledger.set_route(replace(WAVE, erased=True))
        with pytest.raises(StateMismatch, match="can't be taken back"):
            await ledger.set_route(replace(erased, erased=False))
        assert (await ledger.routes("talk-images"))[0].erased


@pytest.mark.parametrize(
    ("records", "standing"),
    [
        ((), Standing("source", False)),
        ((replace(WAVE, route="target"),), Standing("target", False)),
        ((replace(WAVE, erased=True),), Standing("source", True)),
        ((replace(WAVE, wave="rest", route="target", erased=True),), Standing("source", False)),
        ((replace(WAVE, wave="rest", route="target", partition_sha256="another"),), Standing("source", True)),
        ((replace(WAVE, wave="no more", erased=True, partition_sha256="another"),), Standing("source", True)),
        ((replace(WAVE, wave="rest", partition_sha256="another"),), Standing("source", False)),
    ],
)
def test_a_wave_counts_as_erased_where_it_may_hold_what_another_one_erased(records, standing):
    """X13: waves that were cut otherwise since something moved may hold the keys that another wave erased."""
    assert standing_route(records, "first", partition_sha256="p" * 64) == standing


def test_a_route_that_nobody_knows_is_refused():
    """A newer program's word is no reason to guess."""
    with pytest.raises(StateMismatch, match="use a newer one"):
        standing_route((replace(WAVE, route="elsewhere"),), "first", partition_sha256="p" * 64)
