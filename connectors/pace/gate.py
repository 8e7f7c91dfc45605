"""The gate of one endpoint: every request to it, of whatever role, takes a turn here and gives it back.

Guarantees: never more requests under way than the window allows, none before the time that the endpoint asked for (Retry-After) is
over, none while paused, none faster than the rates in force; turns are given in the order in which they were asked for. A turn that
is free costs no await. Refuses every turn once it was told to (`refuse_all`): whoever waits gets that error.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable

from relocation.ports import Clock
from relocation.rules.errors import HikkoshiError
from relocation.rules.pace import CLASSES, REFUSED_SHARE, Meter, Rates, Refusals, RetryBudget, Traffic, Window, backoff_s

READ, WRITE, LIST, OTHER = 0, CLASSES, 2 * CLASSES, -1
"""What a request is to the window: a read or a write of an object, a page of a listing, or one whose time says nothing
(a HEAD, an upload's end)."""
STEP_S = 0.25
"""Whoever waits looks this often whether something was ordered meanwhile."""
LATELY_S = 1.0
WORTH_SAYING_S = 3.0
ASKED_S_MAX = 7 * 86_400.0
"""A Retry-After of more than a week is taken for a mistake of whoever wrote it."""
MOST = 256

Say = Callable[..., None]
"""Takes an event and its nouns, as the port `Progress` does in `note`."""


def silent(_event: str, **_facts: object) -> None:
    """Nobody listens."""


class Gate:
    """Turns at one endpoint, for all stores of this process. Lives on the loop that first uses it."""

    def __init__(
        self,
        endpoint: str,
        clock: Clock,
        *,
        most: int = MOST,
        overloaded_s: float = 300.0,
        say: Say = silent,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.endpoint = endpoint
        self.monotonic = clock.monotonic
        self.in_flight = 0
        self.paused_at = 0.0
        self.window = Window(most)
        self._limit = self.window.limit
        self._open = True  # nothing but the window is in force
        self._clock = clock
        self._say = say
        self._chance = chance
        self._overloaded_s = overloaded_s
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._waker: asyncio.Task[None] | None = None
        self._error: HikkoshiError | None = None
        self._bytes, self._requests = Meter(), Meter()
        self._refusals, self._budget = Refusals(), RetryBudget()
        self._good, self._good_s = 0, -LATELY_S
        self._strikes = 0
        self._held_s = 0.0
        self._why = ""
        self._refused_since_s: float | None = None
        self._asking = asyncio.Lock()
        self._answer, self._answer_s = False, -LATELY_S
        self.gets = self.puts = self.lists = self.bytes_out = self.bytes_in = 0

    # turns

    def enter(self, size: int) -> bool:
        """Take a turn for a request of so many bytes, if one is free; else `await turn(size)`."""
        if self._open and self.in_flight < self._limit and not self._waiting:
            self.in_flight += 1
            return True
        return self._closed_but_free(size)

    def _closed_but_free(self, size: int) -> bool:
        """Take a turn where rates are in force, and allow it."""
        now_s = self.monotonic()
        if self._waiting or self.in_flight >= self._limit or self._error is not None or self._wait_s(now_s) > 0:
            return False
        self._take(size, now_s)
        return True

    async def turn(self, size: int) -> None:
        """Wait for a turn. Raises what the gate was told to refuse with."""
        if self._error is not None:
            raise self._error
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, future))
        self._pump()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.gave_up()  # the turn came in the same moment
            raise

    def gave_up(self) -> None:
        """Give a turn back that came to no answer."""
        self.in_flight -= 1
        if self._waiting:
            self._pump()

    def answered(self, began_s: float, kind: int, size: int, status: int) -> None:
        """Give a turn back: the endpoint answered a request that was sent at `began_s` and moved `size` bytes, with this status."""
        now_s = self.monotonic()
        if status < 500 and status != 429:
            self._good += 1
            self._good_s = now_s
            if self._strikes and began_s >= self._held_s:
                self._recovered()
            if status < 300 and kind >= 0:
                self.window.answered(now_s, began_s, kind + size.bit_length(), self.in_flight)
                self._limit = self.window.limit
        self.in_flight -= 1
        if self._waiting:
            self._pump()

    # what speaks against going on as before

    def faltered(self) -> None:
        """Take in a fault that is going to be tried again. Beyond the retry budget the endpoint is left alone for a moment."""
        if not self._budget.spend(self._good):
            self._strike(self.monotonic(), None, "most requests fail")

    async def refused(self, *, asked_s: float | None, of_all: bool, ask: Callable[[], Awaitable[bool]]) -> bool:
        """Take in a 503 or 429; return whether the endpoint refuses everything, not just this object.

        `of_all`: this refusal concerns no single object. `ask` sends a request that does not either, and returns whether it was
        refused too: it is asked where few or no others go through. `asked_s` (Retry-After) then holds for all.
        """
        share = self._refusals.refused(self._good)
        now_s = self.monotonic()
        alone = now_s - self._good_s > LATELY_S
        everywhere = of_all or ((alone or share >= REFUSED_SHARE) and await self._asked(ask))
        if everywhere or share >= REFUSED_SHARE:
            self._strike(self.monotonic(), asked_s if everywhere else None, "it asks for less (503 or 429)")
        else:
            self.faltered()
        return everywhere and not self._for_too_long()

    def refuse_all(self, error: HikkoshiError) -> None:
        """From now on give no turn: whoever asks or waits gets `error`."""
        self._error, self._open = error, False
        self._pump()

    def _strike(self, now_s: float, asked_s: float | None, why: str) -> None:
        """Halve once a round trip, and let nobody through for a while: as long as was asked for, else with jitter, ever longer."""
        if self.window.refused(now_s):
            self._strikes += 1
        self._limit = self.window.limit
        for_s = backoff_s(self._strikes, self._chance())
        if asked_s:
            for_s = min(asked_s, ASKED_S_MAX) + min(for_s, 1.0)  # processes that were asked alike do not come back alike
        if now_s + for_s > self._held_s:
            self._held_s, self._why = now_s + for_s, why + (f", for {asked_s:.0f} s (Retry-After)" if asked_s else "")
        if asked_s:
            self._refused_since_s = self._held_s  # patience with what it says is not spent on what it asked for
        elif self._refused_since_s is None:
            self._refused_since_s = now_s
        self._open = False
        if for_s >= WORTH_SAYING_S:
            self._say("pace.waits", endpoint=self.endpoint, seconds=round(for_s), reason=self._why)

    def _recovered(self) -> None:
        self._strikes = 0
        self._refused_since_s = None
        self._look(self.monotonic())

    def _for_too_long(self) -> bool:
        return self._refused_since_s is not None and self.monotonic() - self._refused_since_s > self._overloaded_s

    @property
    def is_exhausted(self) -> bool:
        """Whether it has refused everything for longer than anybody waits."""
        return self._for_too_long()

    async def _asked(self, ask: Callable[[], Awaitable[bool]]) -> bool:
        async with self._asking:
            if self.monotonic() - self._answer_s > LATELY_S:
                self._answer = await ask()
                self._answer_s = self.monotonic()
            return self._answer

    # what people ordered

    def set_rates(self, rates: Rates) -> None:
        """Change the rates that this process keeps to, from now on."""
        now_s = self.monotonic()
        if (rates.bytes_per_s, rates.requests_per_s) != (self._bytes.rate_per_s, self._requests.rate_per_s):
            self._bytes.set(rates.bytes_per_s, now_s)
            self._requests.set(rates.requests_per_s, now_s)
            self._look(now_s)

    def pause(self, since: float, who: str) -> None:
        """Let nobody through until `resume`; what is under way ends. `since` is seconds since the epoch."""
        if not self.paused_at:
            self._say("pace.paused", endpoint=self.endpoint, by=who)
        self.paused_at, self._open = since, False

    def resume(self) -> None:
        """Go on."""
        if self.paused_at:
            self.paused_at = 0.0
            self._say("pace.goes_on", endpoint=self.endpoint)
            self._look(self.monotonic())

    def waits(self) -> tuple[str, float]:
        """Return why nobody gets through now (empty: they do), and until when (seconds since the epoch; 0: until told)."""
        if self.paused_at:
            return "paused", 0.0
        left_s = self._held_s - self.monotonic()
        return (self._why, self._clock.now() + left_s) if left_s > 0 else ("", 0.0)

    @property
    def good_s(self) -> float:
        """When it last answered well, on the monotonic clock."""
        return self._good_s

    def traffic(self) -> Traffic:
        """Return what was asked of the endpoint so far."""
        return Traffic(self.gets, self.puts, self.lists, self.bytes_out, self.bytes_in)

    async def close(self) -> None:
        """Stop waiting for anything."""
        if self._waker is not None:
            self._waker.cancel()
            await asyncio.wait([self._waker])

    # inside

    def _wait_s(self, now_s: float) -> float:
        if self.paused_at:
            return STEP_S
        return max(self._held_s - now_s, self._bytes.wait_s(now_s), self._requests.wait_s(now_s))

    def _take(self, size: int, now_s: float) -> None:
        self.in_flight += 1
        self._requests.take(1)
        self._bytes.take(size)
        self._look(now_s)

    def _look(self, now_s: float) -> None:
        """Say whether nothing but the window is in force, and wake whoever waits."""
        rates = self._bytes.rate_per_s or self._requests.rate_per_s
        self._open = not (rates or self.paused_at or self._error or self._held_s > now_s)

    def _pump(self) -> None:
        """Give turns as long as there are any."""
        waiting = self._waiting
        while waiting:
            size, future = waiting[0]
            if future.done():  # whoever waited was cancelled
                waiting.popleft()
                continue
            if self._error is not None:
                waiting.popleft()
                future.set_exception(self._error)
                continue
            if self.in_flight >= self._limit:
                return
            if not self._open:
                now_s = self.monotonic()
                if self._wait_s(now_s) > 0:
                    self._wake_later()
                    return
                self._look(now_s)
            waiting.popleft()
            if self._open:
                self.in_flight += 1
            else:
                self._take(size, self.monotonic())
            future.set_result(None)

    def _wake_later(self) -> None:
        if self._waker is None or self._waker.done():
            self._waker = asyncio.get_running_loop().create_task(self._wake())

    async def _wake(self) -> None:
        while self._waiting:
            wait_s = self._wait_s(self.monotonic())
            if wait_s <= 0:
                break
            await self._clock.sleep(min(max(wait_s, 0.001), STEP_S))
            while self._waiting and self._waiting[0][1].done():
                self._waiting.popleft()
        self._waker = None
        self._pump()
