"""What a dead run had written is proved, and not written again for a fault of the wire; where it is, its fact says why (C1, S5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.memory import Behaviour
from relocation.rules.errors import ProtocolError
from relocation.rules.records import Outcome
from tests.model.large import fact_of, made
from tests.model.world import Mortal, SimulatedKill, World

KEY = "one.jpg"
ATTEMPTS_MAX = 3


@pytest.fixture
def etags() -> str:
    """What the target's ETags are."""
    return "md5"


@pytest.fixture
async def world(tmp_path, etags) -> World:
    """A run that died after its one write, before a fact of it."""
    world = await made(tmp_path, attempts_max=ATTEMPTS_MAX, japan=Behaviour(etag=etags))
    await world.store().put("talk", KEY, b"some bytes")
    mortal = Mortal()
    world.watch(mortal)

    async def after(call) -> None:
        if call.role == "writer" and call.action == "s3:PutObject":
            mortal.dead = True
            raise SimulatedKill

    world.japan.after = after
    with pytest.raises(SimulatedKill):
        await world.run()
    world.revive()
    assert versions(world) == 1
    return world


def versions(world: World) -> int:
    return len(world.japan.buckets["talk"].keys[KEY])


def struck(world: World, side: str, what: Callable[[memoryview], None], *, readings: int) -> None:
    """Have this befall so many of the next readings of the object."""
    service, left = {"korea": world.korea, "japan": world.japan}[side], [readings]

    def on_read(_bucket: str, key: str, body: memoryview) -> None:
        if key == KEY and left[0]:
            left[0] -= 1
            what(body)

    service.on_read = on_read


def flip(body: memoryview) -> None:
    body[0] ^= 1


def fail(_body: memoryview) -> None:
    raise ProtocolError("no HTTP")


@pytest.mark.parametrize("side", ["korea", "japan"])
async def test_a_byte_that_flips_while_it_is_proved_is_no_reason_to_write_it_again(world, side):
    """S5: both sides are read once more before a difference is believed."""
    struck(world, side, flip, readings=1)
    summary = await world.run()
    assert (versions(world), summary.outcomes["verified"].objects) == (1, 1)
    assert (await fact_of(world, KEY)).reason == ""


async def test_what_rotted_at_the_target_is_written_anew_and_its_fact_says_so(world):
    """S5: the same bytes under the same ETag stand there twice then: nobody has to wonder why."""
    world.japan.rot("talk", KEY)
    await world.run()
    fact = await fact_of(world, KEY)
    assert (versions(world), fact.outcome) == (2, Outcome.VERIFIED)
    assert fact.reason.startswith("written anew: the target's bytes are not the source's")
    assert world.bodies("japan") == world.bodies("korea")


async def test_what_can_not_be_read_at_the_target_is_written_anew_and_its_fact_says_so(world):
    """S5: rot may answer like a server that is busy, or breaks off."""
    struck(world, "japan", fail, readings=ATTEMPTS_MAX)
    await world.run()
    fact = await fact_of(world, KEY)
    assert (versions(world), fact.outcome, fact.reason) == (2, Outcome.VERIFIED, "written anew: no HTTP")


async def test_a_source_that_can_not_be_read_is_no_reason_to_write_the_target_again(world):
    """What stands at the target was read: it is the source that has to be asked again, by the next run."""
    struck(world, "korea", fail, readings=ATTEMPTS_MAX)
    await world.run()
    assert (await fact_of(world, KEY)).outcome == Outcome.FAILED
    summary = await world.run()
    assert (versions(world), summary.outcomes["verified"].objects) == (1, 1)


@pytest.mark.parametrize("etags", ["opaque"])
async def test_a_byte_that_flips_makes_ours_nobody_elses_where_etags_are_opaque(world):
    """D31: where bytes alone tell whose an object is, they are read twice before it is somebody else's."""
    struck(world, "japan", flip, readings=1)
    summary = await world.run()
    assert (versions(world), summary.outcomes["verified"].objects) == (1, 1)
    assert (await fact_of(world, KEY)).ours
