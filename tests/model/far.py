"""A store that is far away, as its listing shows, in a time of its own: each answer takes a while, and nobody really waits."""

from __future__ import annotations

import asyncio
import random
import selectors
from bisect import bisect_right
from itertools import islice
from types import SimpleNamespace

from relocation.rules.objects import Listed, Page
from relocation.stages.context import Context
from relocation.stages.ranges import Ranges

ROUND_TRIP_S = 0.03


class Selector(selectors.DefaultSelector):
    """Waits for nothing: as soon as everybody sleeps, it is later."""

    now_s = 0.0

    def select(self, timeout=None):
        self.now_s += timeout or 0
        return super().select(0)


def timed(work) -> tuple[object, float]:
    """Run a coroutine in a time of its own; return what it returns, and how long it took there."""
    selector = Selector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now_s
    try:
        return loop.run_until_complete(work), selector.now_s
    finally:
        loop.close()


class LoopClock:
    """The time of the loop that runs."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FarStore:
    """Lists keys that nobody stored, page by page. `seed`: how long each answer takes, so that they overtake each other."""

    endpoint = "korea"

    def __init__(self, keys, *, page_keys: int = 3, seed: int = 0, round_trip_s: float = ROUND_TRIP_S) -> None:
        self.keys = sorted(keys)
        self.page_keys = page_keys
        self.round_trip_s = round_trip_s
        self.one_key_s = round_trip_s
        self.late_s: list[float] = []
        """How much longer the next answers take."""
        self.search_s = 0.0
        """How much longer it takes to begin where no key is."""
        self.pages = 0
        self.under_way = self.most_under_way = 0
        self._random = random.Random(seed)

    async def list_objects(self, bucket, *, prefix="", token="", start_after="", page_keys=1000, delimiter=""):
        assert (bucket, delimiter) == ("talk", "")
        self.under_way += page_keys > 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        takes_s = self.round_trip_s if page_keys > 1 else self.one_key_s
        takes_s += self.late_s.pop(0) if self.late_s else 0.0
        takes_s += self.search_s if start_after and start_after not in self.keys else 0.0
        await asyncio.sleep(takes_s * self._random.uniform(0.8, 1.2))
        self.under_way -= page_keys > 1
        self.pages += page_keys > 1
        return self.page(prefix, token or start_after, min(page_keys, self.page_keys))

    def page(self, prefix, after, most) -> Page:
        """Return what follows a key; the token is the last key shown."""
        mine = (key for key in islice(self.keys, bisect_right(self.keys, after), None) if key.startswith(prefix))
        shown = list(islice(mine, most + 1))
        items = tuple(Listed(key, len(key), "etag", "2026-06-01T00:00:00.000Z") for key in shown[:most])
        return Page(items, items[-1].key if len(shown) > most else "")


class Listing:
    """One prefix of a far store, listed; what each range showed is kept."""

    def __init__(self, store: FarStore, prefix: str = "", *, at_once: int = 16) -> None:
        transfer = SimpleNamespace(attempts_max=1)
        context = SimpleNamespace(clock=LoopClock(), settings=SimpleNamespace(transfer=transfer))
        context.tries = lambda: Context.tries(context)
        self.parts: list[list[str]] = []
        self.took_s = 0.0
        self.ranges = Ranges(context, store, "talk", prefix, self._part, lambda: at_once)

    def _part(self):
        keys: list[str] = []
        self.parts.append(keys)
        return lambda page, ordered: keys.extend(listed.key for listed in page)

    def shown(self, **most) -> list[str]:
        """List, and return every key as often as it was shown, range after range."""
        _, self.took_s = timed(self.ranges.run(**most))
        return [key for part in sorted(filter(None, self.parts)) for key in part]
