"""Try again, but only what may succeed: `Transient` faults, jittered, bounded. Everything else passes through at once.

Tenacity is entered only after a first failure: its wrapper costs more than a small request. An endpoint that can't be reached is
waited for longer (`unreachable_s`) than a request that keeps failing, since a restart takes seconds; what it took to reach it again
counts as no attempt, since a server that has just come up may still ask for a moment. Nor does a 503 that an endpoint says to all:
its gate makes everybody wait, as long as it asks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from relocation.ports import Clock
from relocation.rules.errors import CutShort, SlowDown, Transient, Unreachable

T = TypeVar("T")
RETRY_AFTER_S_MAX = 60.0
_backoff = wait_random_exponential(multiplier=0.2, max=8.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on: `attempts_max` tries of a request, or `unreachable_s` of an endpoint that does not answer at all."""

    attempts_max: int
    unreachable_s: float


class Tries:
    """The attempts spent on one object. `count` is the most that any one step of it took."""

    __slots__ = ("_clock", "_patience", "count")

    def __init__(self, patience: Patience, clock: Clock) -> None:
        self._patience = patience
        self._clock = clock
        self.count = 1

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Await `call()`, again after a `Transient`, and return its result; raise the last error when patience ends."""
        try:
            return await call()
        except Transient as error:
            return await self._again(call, error)

    async def _again(self, call: Callable[[], Awaitable[T]], first: Transient) -> T:
        failed: list[Transient] = [first]

        async def once() -> T:
            if failed:
                raise failed.pop()
            return await call()

        ends = _Ends(self, self._patience, self._clock)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Transient), stop=ends, wait=_wait, sleep=self._clock.sleep, reraise=True
        )
        result: T = await retrying(once)
        return result


class _Ends:
    """When to give one request up: after so many answers that were none, or when its endpoint was gone for too long."""

    def __init__(self, tries: Tries, patience: Patience, clock: Clock) -> None:
        self._tries = tries
        self._patience = patience
        self._clock = clock
        self._answered = 0
        self._gone_since: float | None = None

    def __call__(self, state: RetryCallState) -> bool:
        stops = self._stops(state)
        self._tries.count = max(self._tries.count, state.attempt_number + (not stops))  # the next try counts, whatever it comes to
        return stops

    def _stops(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Unreachable) and not isinstance(error, CutShort):
            now = self._clock.monotonic()
            self._gone_since = now if self._gone_since is None else self._gone_since
            return now - self._gone_since >= self._patience.unreachable_s
        self._gone_since = None
        if isinstance(error, SlowDown) and error.everywhere:
            return False  # no fault of this object's; the endpoint's gate holds everybody back, and says when that is too long
        self._answered += 1
        return self._answered >= self._patience.attempts_max


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, Transient) and error.retry_after_s else 0.0
    if isinstance(error, SlowDown) and error.everywhere:
        asked = 0.0  # the endpoint's gate keeps to it, for all
    return max(min(asked, RETRY_AFTER_S_MAX), _backoff(state))
