"""Memory as bytes in flight: never more than the budget, first come first served, nothing lost to a cancelled wait (I9)."""

from __future__ import annotations

import asyncio
import gc
import random
import tracemalloc
import weakref

import pytest

from relocation.transfer.budget import Budget

MIB = 1024 * 1024


async def test_buffers_on_loan_never_exceed_the_budget():
    """Whatever is asked for, in whatever order, what is out fits the budget, and everybody is served."""
    budget, random_, most = Budget(8 * MIB), random.Random(5), 0

    async def borrow(size: int) -> None:
        nonlocal most
        lease = await budget.lease(size)
        most = max(most, budget.out_bytes)
        assert len(lease.view) == size
        await asyncio.sleep(0)
        lease.release()

    await asyncio.gather(*(borrow(random_.randrange(0, 5 * MIB)) for _ in range(300)))
    assert 0 < most <= 8 * MIB
    assert budget.out_bytes == 0


async def test_who_asked_first_is_served_first():
    """A large object is not starved by small ones that would still fit."""
    budget, served = Budget(4 * MIB), []
    first = await budget.lease(3 * MIB)

    async def borrow(name: str, size: int) -> None:
        lease = await budget.lease(size)
        served.append(name)
        lease.release()

    waiting = [asyncio.ensure_future(borrow("large", 4 * MIB))]
    await asyncio.sleep(0)
    waiting.append(asyncio.ensure_future(borrow("small", 10)))
    await asyncio.sleep(0)
    first.release()
    await asyncio.gather(*waiting)
    assert served == ["large", "small"]


async def test_a_cancelled_wait_gives_its_room_back():
    """Whoever stops waiting, before or after being served, takes nothing with them."""
    budget = Budget(2 * MIB)
    first = await budget.lease(2 * MIB)
    waiting = [asyncio.ensure_future(budget.lease(MIB)) for _ in range(3)]
    await asyncio.sleep(0)
    first.release()  # serves two of them
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert budget.out_bytes == 0
    (await budget.lease(2 * MIB)).release()


async def test_a_lease_beyond_the_budget_is_refused():
    """A buffer that can never be had is an error at once, not a wait for ever."""
    with pytest.raises(ValueError, match="never fit"):
        await Budget(MIB).lease(MIB + 1)


async def test_who_waited_is_given_the_buffer_that_came_back():
    """A body costs no allocation once warm, also while the budget is full; a fresh buffer costs as much as filling it."""
    budget = Budget(16 * MIB)
    lease = await budget.lease(12 * MIB)
    lease.view[:4] = b"warm"
    waiting = asyncio.create_task(budget.lease(12 * MIB))
    await asyncio.sleep(0)
    lease.release()
    again = await waiting
    assert again.view[:4] == b"warm"  # a fresh one would be all zeros
    again.release()


async def test_a_budget_that_is_closed_keeps_no_buffer():
    """I9: a process that runs one wave after another does not hold the buffers of those before until garbage is looked for."""
    tracemalloc.start()
    try:
        budget = Budget(16 * MIB)
        (await budget.lease(12 * MIB)).release()
        assert tracemalloc.get_traced_memory()[0] > 12 * MIB
        budget.close()
        assert tracemalloc.get_traced_memory()[0] < MIB
    finally:
        tracemalloc.stop()


async def test_a_buffer_that_somebody_still_holds_is_never_lent_again():
    """A connection that was cut off may still send from a buffer: its room comes back, the buffer does not."""
    budget = Budget(MIB)
    lease = await budget.lease(100)
    held = memoryview(lease.view)
    buffer = held.obj
    lease.release()
    again = await budget.lease(100)
    assert again.view.obj is not buffer
    assert budget.out_bytes == 64 * 1024
    held.release()
    again.release()


async def test_buffers_that_errors_hold_on_to_do_not_pile_up():
    """I9: what a broken connection still holds is in no budget; a traceback's cycle keeps it until garbage is looked for."""

    class Error:
        pass

    budget = Budget(16 * MIB)
    held = []
    gc.disable()
    try:
        for _ in range(20):
            lease = await budget.lease(MIB)
            error = Error()
            error.itself, error.view = error, lease.view[:]
            held.append(weakref.ref(error))
            del error
            lease.release()
            assert sum(each() is not None for each in held) * MIB <= 16 * MIB // 8
    finally:
        gc.enable()


async def test_small_buffers_pass_large_ones_that_wait_within_their_reserve():
    """A large buffer that waits does not hold small ones up; they never take more than the reserve before it."""
    budget = Budget(16 * MIB)
    first = await budget.lease(10 * MIB)
    large = asyncio.ensure_future(budget.lease(8 * MIB))
    await asyncio.sleep(0)
    small = [await budget.lease(MIB) for _ in range(2)]
    third = asyncio.ensure_future(budget.lease(MIB))
    await asyncio.sleep(0)
    assert not large.done()
    assert not third.done()  # it would eat into what the large one waits for
    first.release()
    (await large).release()
    (await third).release()
    for lease in small:
        lease.release()
    assert budget.out_bytes == 0


async def test_large_buffers_never_fill_the_reserve():
    """However many large buffers are wanted, a small one finds room at once."""
    budget = Budget(16 * MIB)
    held = [await budget.lease(7 * MIB) for _ in range(2)]
    waiting = asyncio.ensure_future(budget.lease(2 * MIB))
    await asyncio.sleep(0)
    assert not waiting.done()
    async with asyncio.timeout(1):
        (await budget.lease(1000)).release()
    held[0].release()
    (await waiting).release()
    held[1].release()


async def test_a_buffer_that_needs_the_whole_budget_is_served_after_all():
    """Small buffers do not pass one that needs everything: it would else never be served."""
    budget = Budget(16 * MIB)
    small = await budget.lease(1000)
    all_of_it = asyncio.ensure_future(budget.lease(16 * MIB))
    await asyncio.sleep(0)
    late = asyncio.ensure_future(budget.lease(1000))
    await asyncio.sleep(0)
    assert not late.done()
    small.release()
    (await all_of_it).release()
    (await late).release()
    assert budget.out_bytes == 0
