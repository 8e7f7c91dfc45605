"""The stages' own thread: what stops a flow stops its work, in good order, and nothing goes on afterwards."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from flows.apart import _Apart, apart


class Blow(BaseException):
    """What Prefect's signal handler raises is no Exception either."""


async def test_work_is_done_in_a_thread_and_on_a_loop_of_its_own():
    """Whatever Prefect raises in the main thread can't land in the middle of a transfer."""

    async def where() -> tuple[int, int]:
        return threading.get_ident(), id(asyncio.get_running_loop())

    thread, loop = await apart(where)
    assert thread != threading.get_ident()
    assert loop != id(asyncio.get_running_loop())


async def test_what_the_work_raises_is_raised():
    """An error of the stages reaches the flow as it is."""

    async def fail() -> None:
        raise LookupError("as it is")

    with pytest.raises(LookupError, match="as it is"):
        await apart(fail)


async def test_the_work_sees_the_flows_context():
    """Context variables (the flow run's, the logger's) are those of the flow."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("of the flow")

    async def look() -> str:
        return variable.get()

    assert await apart(look) == "of the flow"


async def test_a_cancelled_flow_ends_after_its_work():
    """The work is cancelled, may clean up, and has ended when the flow's call ends."""
    told: list[str] = []
    begun = threading.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            told.append("cleaned up")

    flow = asyncio.create_task(apart(work))
    await asyncio.to_thread(begun.wait, 10)
    flow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flow
    assert told == ["cleaned up"]
    assert not [each for each in threading.enumerate() if each.name == "hikkoshi-stages"]


async def test_without_a_stop_the_work_would_go_on_after_its_flow(monkeypatch):
    """C2, control: a thread that nobody stops works on when its flow has ended."""
    begun, done, may_go_on = threading.Event(), threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        await asyncio.to_thread(may_go_on.wait, 10)
        done.set()

    monkeypatch.setattr(_Apart, "stop", lambda _thread: None)
    flow = asyncio.create_task(apart(work))
    await asyncio.to_thread(begun.wait, 10)
    flow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flow
    assert not done.is_set()
    may_go_on.set()
    assert await asyncio.to_thread(done.wait, 10)


def test_work_that_is_stopped_before_it_began_does_nothing():
    """There is no moment in which work begins although its flow has been stopped."""
    told: list[str] = []

    async def work() -> None:
        told.append("worked")

    thread = _Apart(work)
    thread._stopped.set()
    thread.start()
    with pytest.raises(asyncio.CancelledError):
        thread.result.result(10)
    assert told == []


async def test_a_blow_from_outside_stops_the_work_too():
    """Prefect's termination is a BaseException thrown into the waiting flow: the work ends all the same."""
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            ended.set()

    call = apart(work)
    call.send(None)
    assert begun.wait(10)
    with pytest.raises(Blow):
        call.throw(Blow())
    assert ended.is_set()
