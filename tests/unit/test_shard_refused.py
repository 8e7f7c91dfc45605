"""A ledger that takes no more: nothing is begun that it could not record."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from relocation.rules.errors import NoSpace, Transient
from relocation.rules.records import Fact, Intent, Lease
from relocation.stages.shards import Shard

LEASE = Lease("run", "copy", 0, 1, math.inf)
INTENT = Intent(0, "talk", "a", "etag")
FACT = Fact("copy", "copied", "talk", "a", "talk", "a", 1, "etag", "2026-11-22T00:00:00Z")


class Ledger:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def intend(self, lease, intents) -> None:
        raise self.error

    async def record(self, lease, facts) -> None:
        raise self.error


def shard(error: Exception) -> Shard:
    return Shard(SimpleNamespace(ledger=Ledger(error)), LEASE, [], {}, {}, expires_monotonic=math.inf, fresh=[FACT])


@pytest.mark.parametrize("call", [lambda at: at.intend([INTENT]), lambda at: at.amend(INTENT), lambda at: at.flush()])
async def test_once_the_ledger_refused_no_write_may_begin(call):
    """C4: those of the crew who had their intents go on for a moment before they are cancelled; they begin no PUT either."""
    full = shard(NoSpace("the disk is full"))
    assert full.may_write_until() == math.inf
    with pytest.raises(NoSpace):
        await call(full)
    with pytest.raises(NoSpace, match="the disk is full"):
        full.may_write_until()


async def test_a_fault_that_passes_stops_nobody():
    """What may be tried again is no refusal."""
    shaken = shard(Transient("busy"))
    with pytest.raises(Transient):
        await shaken.flush()
    assert shaken.may_write_until() == math.inf
