"""What is tried again, and when it is given up: transient faults alone, bounded in tries, or in time where nobody answers."""

from __future__ import annotations

import pytest

from relocation.rules.errors import CutShort, Drift, NoSpace, SlowDown, Transient, Unreachable
from relocation.transfer import retry
from relocation.transfer.retry import Patience, Tries
from tests.unit.ledger_cases import StillClock


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    """Wait four seconds between any two tries, in place of a jittered while."""
    monkeypatch.setattr(retry, "_backoff", lambda _state: 4.0)


async def tried(*answers: Exception | None, attempts_max: int = 3, unreachable_s: float = 30.0, then: Exception | None = None):
    """Run a call that fails with these errors in turn, then with `then` for ever; return how often it was called and its end."""
    calls = []

    async def call() -> str:
        error = answers[len(calls)] if len(calls) < len(answers) else then
        calls.append(error)
        if error is not None:
            raise error
        return "done"

    clock = StillClock()
    began = clock.monotonic()
    try:
        end: object = await Tries(Patience(attempts_max, unreachable_s), clock).run(call)
    except (Transient, Drift, NoSpace) as error:
        end = error
    return len(calls), end, clock.monotonic() - began


@pytest.mark.parametrize("error", [SlowDown("503"), CutShort("cut"), Transient("500")])
async def test_a_request_that_keeps_failing_is_given_up_after_so_many_tries(error):
    """An endpoint that answers, but never with what was asked for, is asked `attempts_max` times."""
    calls, end, _ = await tried(then=error)
    assert (calls, end) == (3, error)


async def test_an_endpoint_that_is_gone_is_waited_for_by_time_not_by_tries():
    """A restart takes seconds: `unreachable_s` counts from when it was first missed."""
    error = Unreachable("refused")
    assert await tried(then=error) == (9, error, 32.0)


async def test_what_it_took_to_reach_an_endpoint_again_is_no_attempt():
    """A server that has just come up and asks for a moment is given the tries of a request that never failed before."""
    gone = [Unreachable("refused")] * 8
    calls, end, _ = await tried(*gone, SlowDown("not initialised yet"), SlowDown("not yet"), None)
    assert (calls, end) == (11, "done")


async def test_patience_with_an_endpoint_begins_anew_after_it_has_answered():
    """Gone, back, gone again: each time it is waited for."""
    gone = [Unreachable("refused")] * 5
    _, end, seconds = await tried(*gone, SlowDown("503"), *gone, None, unreachable_s=20.0)
    assert (end, seconds) == ("done", 44.0)


@pytest.mark.parametrize("error", [Drift("changed"), NoSpace("full")])
async def test_what_no_second_try_can_mend_passes_through_at_once(error):
    """Drift and refusals are not tried again, neither at first nor later."""
    assert (await tried(error))[:2] == (1, error)
    assert (await tried(SlowDown("503"), error))[:2] == (2, error)
