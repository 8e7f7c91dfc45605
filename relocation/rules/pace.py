"""How fast to go: the laws by which an endpoint's pace follows what it answers, what it asks for and what people ordered. Pure.

Guarantees: a window is never above its most and never below 1; it halves at most once a round trip; what is metered never exceeds
its rate for longer than a burst of `BURST_S`. Times are seconds of a monotonic clock unless said otherwise. Sources: L. Brakmo,
L. Peterson, "TCP Vegas" (1995), for the queue that a round trip shows; RFC 5681 for halving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

QUEUE = 12.0
"""How many requests may wait at an endpoint beyond those that it works on: enough to keep it busy, too few to slow the rest."""
TOLERANCE = 1.5
"""A round trip that takes this many times the best is no queue yet: it is jitter."""
START = 8
REMEMBER_S = 15.0
"""A best round trip counts for one to two of these: routes change, and a best that was met in a queue is none."""
DRAIN_TRIPS = 2
CLASSES = 48
"""Size classes: powers of two of bytes; those of reads first, then of writes, then of listings."""
KINDS = 3
BURST_S = 0.05
NEVER = float("inf")


class Window:
    """How many requests an endpoint is sent at once, from the round trips of those before.

    It grows while they take about as long as the best of their size class, and holds where about `QUEUE` of them wait. Now and
    then it goes down to half for two round trips, so that the best is seen anew.
    """

    __slots__ = ("_best", "_count", "_drains", "_epoch_s", "_forget_s", "_halved_s", "_peak", "_share", "_threshold", "_trip_s",
                 "_wanted", "_young", "limit", "most")  # fmt: skip

    def __init__(self, most: int, *, start: int = START) -> None:
        self.most = max(most, 1)
        self.limit = min(max(start, 1), self.most)
        self._wanted = float(self.limit)
        self._best = [NEVER] * (KINDS * CLASSES)
        self._young = [NEVER] * (KINDS * CLASSES)
        self._share, self._count, self._peak = 0.0, 0, 0
        self._epoch_s = -NEVER
        self._forget_s = 0.0
        self._halved_s, self._trip_s = -NEVER, 0.0
        self._threshold = 0.0
        self._drains = 0

    def answered(self, now_s: float, began_s: float, size_class: int, in_flight: int) -> None:
        """Take in one good answer: when it was asked for, its class, and how many were under way, itself included."""
        took_s = now_s - began_s or 1e-9
        best_s = self._best[size_class]
        if took_s < self._young[size_class]:
            self._young[size_class] = took_s
            if took_s < best_s:
                self._best[size_class] = best_s = took_s
        share = TOLERANCE * best_s / took_s
        self._share += min(1.0, share)
        self._count += 1
        self._peak = max(self._peak, in_flight)
        if began_s >= self._epoch_s and self._count * 2 >= self._peak:  # one that began in this epoch is back: a round trip
            self._trip_s = took_s
            self._adapt(now_s)

    def refused(self, now_s: float) -> bool:
        """Halve, unless that was done within this round trip; return whether it was done now."""
        if now_s - self._halved_s <= max(self._trip_s, 0.01) * 1.5:
            return False
        self._halved_s = now_s
        self._threshold = max(self._threshold, self._wanted) if self._wanted < self._threshold else self._wanted
        self._wanted = max(1.0, self._wanted / 2)
        self._begin(now_s, drains=0)
        return True

    def _adapt(self, now_s: float) -> None:
        share = self._share / self._count
        wanted = self._peak * share + QUEUE
        if self._drains:
            self._begin(now_s, drains=self._drains - 1)
            return
        if wanted < self._wanted:
            self._wanted += (wanted - self._wanted) * 0.25
        elif self._peak >= 0.8 * self.limit:  # else it is not the window that holds the work back
            step = 1.0 if self._wanted < self._threshold else wanted - self._wanted
            self._wanted = min(self._wanted + step, wanted, self.most)
            if self._wanted >= self._threshold:
                self._threshold = 0.0
        drains = 0
        if now_s >= self._forget_s:
            drains = DRAIN_TRIPS if self._forget_s else 0
            self._forget_s = now_s + REMEMBER_S
            self._best, self._young = self._young, [NEVER] * (KINDS * CLASSES)
        self._begin(now_s, drains=drains)

    def _begin(self, now_s: float, *, drains: int) -> None:
        self._epoch_s, self._share, self._count, self._peak = now_s, 0.0, 0, 0
        self._drains = drains
        self._wanted = min(max(self._wanted, 1.0), float(self.most))
        self.limit = max(1, int(self._wanted / 2 if drains else self._wanted))


REFUSED_SHARE = 0.25
MEMORY = 16


class Refusals:
    """Whether a 503 is the endpoint's or one object's: by how many of the last answers were refusals.

    Bit-rot answers like overload on some stores (503 SlowDownRead). While others go through, one says nothing of the endpoint.
    """

    __slots__ = ("_good", "share")

    def __init__(self) -> None:
        self._good = 0
        self.share = 0.0

    def refused(self, good: int) -> float:
        """Take in one refusal; `good` counts the good answers since the beginning. Return the share of refusals lately."""
        self.share *= (1 - 1 / MEMORY) ** (good - self._good)
        self.share += (1 - self.share) / MEMORY
        self._good = good
        return self.share


RETRIES_MAX = 32.0
RETRY_SHARE = 0.2


class RetryBudget:
    """How many of an endpoint's requests may be second tries: a fifth of those that went well, and 32 at once."""

    __slots__ = ("_good", "left")

    def __init__(self) -> None:
        self._good = 0
        self.left = RETRIES_MAX

    def spend(self, good: int) -> bool:
        """Take in one failure, which will be tried again; `good` counts the good answers. Return whether the budget had it."""
        self.left = min(RETRIES_MAX, self.left + RETRY_SHARE * (good - self._good))
        self._good = good
        if self.left < 1:
            return False
        self.left -= 1
        return True


BACKOFF_S, BACKOFF_S_MAX = 0.2, 8.0


def backoff_s(strikes: int, chance: float) -> float:
    """Return how long to leave an endpoint alone after so many strikes in a row: full jitter, `chance` from 0 to 1."""
    return chance * min(BACKOFF_S_MAX, BACKOFF_S * 2.0 ** min(strikes, 10))


class Meter:
    """A rate that is kept: what was taken runs off at `rate_per_s`; the next may go when no more than a burst is left."""

    __slots__ = ("_at_s", "level", "rate_per_s")

    def __init__(self) -> None:
        self.rate_per_s = 0.0
        self.level = 0.0
        self._at_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return how long the next has to wait; 0 without a rate."""
        if not self.rate_per_s:
            return 0.0
        self.level = max(0.0, self.level - self.rate_per_s * max(now_s - self._at_s, 0.0))
        self._at_s = now_s
        return max(0.0, self.level / self.rate_per_s - BURST_S)

    def set(self, rate_per_s: float, now_s: float) -> None:
        """Change the rate from now on; what was taken before and has not run off is kept, as that much at the new rate."""
        self.wait_s(now_s)
        if not self.rate_per_s:
            self.level = 0.0
        self.rate_per_s, self._at_s = rate_per_s, now_s

    def take(self, amount: float) -> None:
        """Count what goes now."""
        if self.rate_per_s:
            self.level += amount


@dataclass(frozen=True, slots=True)
class Rates:
    """What an endpoint may be asked for: bytes and requests a second; 0 is no limit."""

    bytes_per_s: float = 0.0
    requests_per_s: float = 0.0

    def shared_by(self, processes: int) -> Rates:
        """Return what one of so many processes may take."""
        return Rates(self.bytes_per_s / max(processes, 1), self.requests_per_s / max(processes, 1))


@dataclass(frozen=True, slots=True)
class Limit:
    """Rates that hold at certain hours: from `first` to before `end`, minutes of the day in `timezone`; equal: the whole day."""

    rates: Rates
    first: int
    end: int
    timezone: str

    def holds(self, at: float) -> bool:
        """Return whether it holds at a moment (seconds since the epoch). A window may go over midnight."""
        there = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(self.timezone))
        minute = there.hour * 60 + there.minute
        if self.first < self.end:
            return self.first <= minute < self.end
        return self.first == self.end or minute >= self.first or minute < self.end


@dataclass(frozen=True, slots=True)
class PaceOrder:
    """What an operator ordered for an endpoint. A rate None: as configured. `paused_at`: seconds since the epoch, 0: not paused."""

    endpoint: str
    bytes_per_s: float | None = None
    requests_per_s: float | None = None
    paused_at: float = 0.0
    who: str = ""
    at: float = 0.0


def rates_now(limits: Sequence[Limit], order: PaceOrder | None, at: float) -> Rates:
    """Return what holds at a moment (seconds since the epoch): what was ordered, else the tightest of the limits that hold."""
    holding = [limit.rates for limit in limits if limit.holds(at)]
    bytes_per_s = min((rates.bytes_per_s for rates in holding if rates.bytes_per_s), default=0.0)
    requests_per_s = min((rates.requests_per_s for rates in holding if rates.requests_per_s), default=0.0)
    if order is not None and order.bytes_per_s is not None:
        bytes_per_s = order.bytes_per_s
    if order is not None and order.requests_per_s is not None:
        requests_per_s = order.requests_per_s
    return Rates(bytes_per_s, requests_per_s)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was asked of an endpoint: requests by price, and bytes either way."""

    gets: int = 0
    puts: int = 0
    lists: int = 0
    bytes_out: int = 0
    bytes_in: int = 0

    def __add__(self, more: Traffic) -> Traffic:
        return Traffic(
            self.gets + more.gets,
            self.puts + more.puts,
            self.lists + more.lists,
            self.bytes_out + more.bytes_out,
            self.bytes_in + more.bytes_in,
        )

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(
            self.gets - earlier.gets,
            self.puts - earlier.puts,
            self.lists - earlier.lists,
            self.bytes_out - earlier.bytes_out,
            self.bytes_in - earlier.bytes_in,
        )


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of one endpoint, in one currency; GB is 1,000,000,000 bytes."""

    get_per_1000: Decimal = Decimal(0)
    put_per_1000: Decimal = Decimal(0)
    list_per_1000: Decimal = Decimal(0)
    egress_per_gb: Decimal = Decimal(0)
    ingress_per_gb: Decimal = Decimal(0)

    def cost(self, traffic: Traffic) -> Decimal:
        """Return what this traffic costs."""
        requests = self.get_per_1000 * traffic.gets + self.put_per_1000 * traffic.puts + self.list_per_1000 * traffic.lists
        return requests / 1000 + (self.egress_per_gb * traffic.bytes_out + self.ingress_per_gb * traffic.bytes_in) / 10**9
