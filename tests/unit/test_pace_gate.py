"""The gate of an endpoint: turns, Retry-After for all, refusals of one object, budgets, pauses. Over a clock that tests move."""

from __future__ import annotations

import asyncio

import pytest

from connectors.pace.gate import READ, Gate
from relocation.rules.errors import CostCapReached
from relocation.rules.pace import Rates
from tests.unit.pace_cases import YieldingClock, gate_of


async def all_refused() -> bool:
    return True


async def others_answered() -> bool:
    return False


async def refused(gate: Gate, *, asked_s: float | None = None, ask=all_refused, of_all: bool = False) -> bool:
    return await gate.refused(asked_s=asked_s, of_all=of_all, ask=ask)


async def entered(gate: Gate, size: int = 1000) -> float:
    """Take a turn, waiting if need be, and return when it came."""
    if not gate.enter(size):
        await gate.turn(size)
    return gate.monotonic()


def answer(gate: Gate, *, after_s: float = 0.0) -> None:
    """One request that goes well."""
    assert gate.enter(1000)
    began_s = gate.monotonic()
    gate._clock.seconds += after_s
    gate.answered(began_s, READ, 1000, 200)


async def test_a_free_turn_is_taken_without_waiting_and_the_next_in_line_gets_the_one_that_comes_back():
    """As many at once as the window allows; who asked first goes first; one that is cancelled leaves no hole."""
    gate = gate_of(most=2)
    assert [gate.enter(1), gate.enter(1), gate.enter(1)] == [True, True, False]
    came: list[str] = []

    async def wait(name: str) -> None:
        await gate.turn(1)
        came.append(name)

    tasks = [asyncio.create_task(wait(name)) for name in "abc"]
    await asyncio.sleep(0)
    tasks[0].cancel()
    gate.answered(gate.monotonic(), READ, 1, 200)
    gate.gave_up()
    await asyncio.wait(tasks)
    assert came == ["b", "c"]
    assert gate.in_flight == 2


async def test_a_turn_that_came_in_the_moment_of_a_cancellation_is_given_back():
    """No turn is lost: the window would shrink with every stop."""
    gate = gate_of(most=1)
    assert gate.enter(1)
    task = asyncio.create_task(gate.turn(1))
    await asyncio.sleep(0)
    gate.answered(gate.monotonic(), READ, 1, 200)
    task.cancel()
    await asyncio.wait([task])
    assert gate.in_flight == 0


async def test_retry_after_is_kept_to_by_all_requests_to_the_endpoint():
    """S13, N9: an endpoint that asks for an hour gets an hour, from everybody; then the work goes on, and nobody is failed."""
    clock, said = YieldingClock(), []
    gate = gate_of(clock, say=lambda event, **facts: said.append((event, facts["seconds"])))
    begun_s = clock.monotonic()
    assert await refused(gate, asked_s=3600.0) is True
    reason, until = gate.waits()
    assert "3600 s (Retry-After)" in reason
    assert until == pytest.approx(clock.now() + 3600, abs=2)
    came = await asyncio.gather(*(entered(gate) for _ in range(4)))
    assert min(came) - begun_s >= 3600
    assert max(came) - begun_s < 3605
    assert said == [("pace.waits", 3600)]
    assert not gate.is_exhausted  # what it asked for is no time spent in vain
    gate.answered(clock.monotonic(), READ, 1, 200)
    assert gate.waits() == ("", 0.0)


async def test_without_asking_whether_others_go_through_one_object_would_hold_up_all():
    """S16: a Retry-After that one damaged object answers with is not the endpoint's. The control: taken for it, all would wait."""
    gate, fooled = gate_of(), gate_of()
    for each in (gate, fooled):
        answer(each)
    assert await refused(gate, asked_s=60.0, ask=others_answered) is False
    assert gate.enter(1)
    fooled._clock.seconds += 2  # nobody else was answered lately, and the answer to the question is a lie
    assert await refused(fooled, asked_s=60.0, ask=all_refused) is True
    assert not fooled.enter(1)


async def test_rot_among_others_never_slows_the_endpoint():
    """S16: one object in twenty answers 503 each time: the window stays as it was, and nobody waits."""
    gate = gate_of()
    before = gate.window.limit
    for _ in range(100):
        for _ in range(19):
            answer(gate)
        assert await refused(gate, ask=all_refused) is False
        gate._budget.left = 32.0
    assert gate.window.limit >= before
    assert gate.enter(1)


async def test_a_rotten_object_that_is_alone_is_told_from_an_endpoint_that_refuses():
    """S16: with nobody else under way the bucket is asked: it answers, so the refusal is the object's, and counts as an attempt."""
    gate = gate_of()
    assert await refused(gate, ask=others_answered) is False
    gate._clock.seconds += 5
    assert await refused(gate, ask=all_refused) is True


async def test_an_outage_is_no_storm():
    """N9: an endpoint that answers 503 for half a minute sees a few dozen requests of 32 that want to go on, not thousands."""
    clock = YieldingClock()
    gate = gate_of(clock, chance=lambda: 0.5)
    ends_s, sent = clock.monotonic() + 30, []

    async def go_on() -> None:
        while True:
            now_s = await entered(gate)
            sent.append(now_s)
            await asyncio.sleep(0)
            if now_s >= ends_s:
                gate.answered(now_s, READ, 1000, 200)
                return
            gate.gave_up()
            await refused(gate)

    await asyncio.gather(*(go_on() for _ in range(32)))
    during = [at for at in sent if at < ends_s]
    assert len(during) < 90
    assert len(sent) - len(during) == 32
    assert gate.window.limit >= 1
    assert gate._strikes == 0


async def test_without_holding_back_the_same_outage_would_be_a_storm(monkeypatch):
    """The control: with the hold taken out, the same 32 send many times as much."""
    clock = YieldingClock()
    gate = gate_of(clock)
    monkeypatch.setattr(gate, "_strike", lambda *_: None)
    ends_s, sent = clock.monotonic() + 30, 0
    while clock.monotonic() < ends_s:
        assert gate.enter(1)
        sent += 1
        gate.gave_up()
        await refused(gate)
        clock.seconds += 0.1  # what one of 32 would take, if it only waited for its own answer
    assert sent * 32 > 9000


async def test_second_tries_beyond_the_budget_wait():
    """N9: whatever the fault, 32 failures with nothing that goes well are the end of going on as before."""
    gate = gate_of()
    for _ in range(32):
        gate.faltered()
    assert gate.enter(1)
    gate.faltered()
    assert not gate.enter(1)
    assert gate.waits()[0] == "most requests fail"


async def test_an_endpoint_that_refuses_everything_for_minutes_is_given_up():
    """S13: patience with an endpoint that does not say until when has an end; what was done is kept, and the wave stops."""
    clock = YieldingClock()
    gate = gate_of(clock, overloaded_s=300.0)
    assert await refused(gate) is True
    clock.seconds += 299
    assert await refused(gate) is True
    clock.seconds += 2
    assert await refused(gate) is False
    assert gate.is_exhausted


async def test_a_paused_endpoint_is_asked_for_nothing_until_it_goes_on():
    """A pause lets what is under way end, and nobody begin; a change of the rate in between lifts nothing."""
    clock, said = YieldingClock(), []
    gate = gate_of(clock, say=lambda event, **facts: said.append(event))
    assert gate.enter(1)
    gate.pause(clock.now(), "mina")
    gate.answered(clock.monotonic(), READ, 1, 200)
    assert not gate.enter(1)
    gate.set_rates(Rates(1e9))
    waiting = asyncio.create_task(entered(gate))
    for _ in range(200):
        await asyncio.sleep(0)
    assert not waiting.done()
    assert gate.waits() == ("paused", 0.0)
    ordered_s = clock.monotonic()
    gate.resume()
    assert await waiting - ordered_s <= 3.0
    assert said == ["pace.paused", "pace.goes_on"]


async def test_a_rate_that_is_ordered_holds_from_then_on():
    """N9: 20 requests a second are 20 a second, however many want to go; taken away, nobody waits any more."""
    clock = YieldingClock()
    gate = gate_of(clock)
    gate.set_rates(Rates(requests_per_s=20.0))
    begun_s = clock.monotonic()
    for _ in range(101):
        await entered(gate)
        gate.gave_up()
    assert 4.5 < clock.monotonic() - begun_s < 5.5
    gate.set_rates(Rates(bytes_per_s=1_000_000.0))
    begun_s = clock.monotonic()
    for _ in range(11):
        await entered(gate, 500_000)
        gate.gave_up()
    assert 4.5 < clock.monotonic() - begun_s < 5.5
    gate.set_rates(Rates())
    begun_s = clock.monotonic()
    assert await entered(gate) == begun_s


async def test_a_gate_that_was_told_to_refuse_gives_no_turn_to_anybody():
    """Who waits and who comes later get the same words."""
    gate = gate_of(most=1)
    assert gate.enter(1)
    waiting = asyncio.create_task(gate.turn(1))
    await asyncio.sleep(0)
    gate.refuse_all(CostCapReached("spent"))
    with pytest.raises(CostCapReached, match="spent"):
        await waiting
    with pytest.raises(CostCapReached):
        await entered(gate)


async def test_a_gate_that_is_closed_leaves_nobody_waiting_in_the_background():
    """A stop ends the task that wakes others."""
    gate = gate_of()
    gate.pause(1.0, "mina")
    waiting = asyncio.create_task(gate.turn(1))
    await asyncio.sleep(0)
    waiting.cancel()
    await gate.close()
    assert gate._waker is None or gate._waker.done()
