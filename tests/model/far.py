"""A store that is far away, as its listing shows, in a time of its own: each answer takes a while, and nobody really waits."""

from __future__ import annotations

import asyncio
import math
import random
import selectors
from bisect import bisect_right
from functools import partial
from itertools import islice
from types import SimpleNamespace

from relocation.rules.objects import Listed, ListedVersion, Page
from relocation.stages.context import Context
from relocation.stages.pages import ObjectsWalk
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

    worked_s = 0.0

    def worked(self) -> float:
        return self.worked_s

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
        self.own_work_s = 0.0
        """How long we are at work ourselves while an answer waits for us."""
        self.clock = LoopClock()
        self.pages = 0
        self.under_way = self.most_under_way = 0
        self._random = random.Random(seed)

    async def list_objects(self, bucket, *, prefix="", token="", start_after="", page_keys=1000, delimiter=""):
        assert (bucket, delimiter) == ("talk", "")
        await self._answered(start_after, page_keys)
        return self.page(prefix, token or start_after, min(page_keys, self.page_keys))

    async def _answered(self, start_after, page_keys) -> None:
        self.under_way += page_keys > 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        takes_s = self.round_trip_s if page_keys > 1 else self.one_key_s
        takes_s += self.late_s.pop(0) if self.late_s else 0.0
        takes_s += self.search_s if start_after and start_after not in self.keys else 0.0
        await asyncio.sleep(max(takes_s * self._random.uniform(0.8, 1.2), self.own_work_s))
        self.clock.worked_s += self.own_work_s
        self.under_way -= page_keys > 1
        self.pages += page_keys > 1

    def page(self, prefix, after, most) -> Page:
        """Return what follows a key."""
        mine = (key for key in islice(self.keys, bisect_right(self.keys, after), None) if key.startswith(prefix))
        return key_page(list(islice(mine, most + 1)), most)


def key_page(keys, most) -> Page:
    """Return a page of so many keys; the token is the last key shown."""
    items = tuple(Listed(key, len(key), "etag", "2026-06-01T00:00:00.000Z") for key in keys[:most])
    return Page(items, keys[most - 1] if len(keys) > most else "")


class FarVersions(FarStore):
    """Lists versions that nobody stored: so many of each key."""

    def __init__(self, histories, **more) -> None:
        super().__init__(histories, **more)
        self.rows = [(key, number) for key in self.keys for number in range(histories[key])]

    async def list_versions(self, bucket, *, prefix="", token="", start_after="", page_keys=1000, delimiter=""):
        assert (bucket, delimiter) == ("talk", "")
        await self._answered(start_after, page_keys)
        key, _, number = token.rpartition(" ")
        after = (key, int(number)) if token else (start_after, math.inf)
        return self.versions(prefix, after, min(page_keys, self.page_keys))

    def versions(self, prefix, after, most) -> Page:
        """Return what follows a version; the token is the last one shown."""
        mine = (row for row in islice(self.rows, bisect_right(self.rows, after), None) if row[0].startswith(prefix))
        return version_page(list(islice(mine, most + 1)), most)


def version_page(rows, most) -> Page:
    """Return a page of so many versions, each (key, number), 0 the latest."""
    items = [ListedVersion(key, str(number), not number, False, 1, "etag", "2026-06-01T00:00:00.000Z") for key, number in rows]
    return Page(tuple(items[:most]), "{} {}".format(*rows[most - 1]) if len(rows) > most else "")


class Listing:
    """One prefix of a far store, listed; what each range showed is kept."""

    def __init__(self, store: FarStore, prefix: str = "", *, at_once: int = 16, kind=ObjectsWalk) -> None:
        transfer = SimpleNamespace(attempts_max=1)
        context = SimpleNamespace(clock=store.clock, settings=SimpleNamespace(transfer=transfer))
        context.tries = lambda: Context.tries(context)
        self.parts: list[list] = []
        self.took_s = 0.0
        self.ranges = Ranges(context, partial(kind, context, store, "talk", prefix), self._part, lambda: at_once)

    def _part(self):
        lines: list = []
        self.parts.append(lines)
        return lambda page, ordered: lines.extend(page)

    def shown(self, **most) -> list[str]:
        """List, and return every key as often as it was shown, range after range."""
        return [listed.key for listed in self.lines(**most)]

    def lines(self, **most) -> list:
        """List, and return every line, range after range."""
        _, self.took_s = timed(self.ranges.run(**most))
        return [listed for part in sorted(filter(None, self.parts)) for listed in part]
