"""List one prefix whole, in as many ranges at once as the distance asks for: near, one; far away, many. No flag chooses.

Guarantees: every key exactly once, each range in order. Ranges meet: the first key that a range shows beyond its end must be the
first that the next one shows; so whatever order a store lists in, nothing lies between two ranges. Each range ends by protocol, or
nothing is listed. `Apart` where a store's answers can't be put together like that: then one range must do.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import Generic

from relocation.rules.errors import BadRequest, ProtocolError
from relocation.rules.keys import shown
from relocation.rules.objects import Listed, ListedVersion
from relocation.rules.ranges import Chart, Letters, after_all, common, ladder, leaps
from relocation.stages.context import Context
from relocation.stages.pages import Apart, Shown, Walk, without_canaries
from relocation.transfer.crew import first_error

FAR_S = 0.015
"""A round trip that takes less is no distance."""
FAR_SHARE = 0.5
"""A page costs waiting, not the server's work, where one key alone takes this much of its time."""
DEAR_POINT = 3.0
"""A store that takes so much longer to begin anywhere than to go on from a page's last key is listed from its beginning on."""
PAGE_WORK_S = 0.001
"""What a page costs us: so many ranges are listed at once that somebody's page is always there."""
RANGES_MAX = 32
MEASURED_AT_PAGES = (1, 4, 16, 64, 256, 1024, 4096)
MEASURED_POINTS = 4
SURVEY_ROUNDS = 6
POINTS_MIN = 6
"""So many points are asked for at once at least: one key each, which costs next to nothing."""
POINTS_ENOUGH = 2
"""Whoever found so many, or one for each hand, need not look further."""
PINNED_LETTERS = 3
"""Where what is left ends is known well enough if it ends so close above where the last page's keys began to differ."""
FRUITLESS_PAGES = 2
"""A range that could not be cut is left alone for so many pages, then for twice as many."""
MEETINGS = 3
"""So often it is asked where two ranges meet, while a writer is at work just there."""
_KEY: Callable[[Listed | ListedVersion], str] = itemgetter(0)
Take = Callable[[Sequence[Shown], bool], None]
"""Is handed one range's objects, page by page, canaries left out, and whether all of it came in order so far."""


@dataclass(slots=True, eq=False)
class _Range(Generic[Shown]):
    """What follows `after`, up to and with `until` (None: to the end)."""

    walk: Walk[Shown]
    take: Take[Shown]
    after: str
    until: str | None = None
    letters: Letters = field(default_factory=Letters)
    """What its own keys are made of: others may be written in another way."""
    alike: int = 0
    """So many letters the keys of its last page have in common."""
    first: str | None = None
    last: str = ""
    beyond: str | None = None
    """The first key behind `until`; None: the listing ended."""
    pages: int = 0
    since: tuple[str, int] = ("", 0)
    """Where it was, after how many pages, when its end was last set."""
    patience_pages: int = 1
    fruitless: int = 0
    under_survey: bool = False
    over: bool = False

    @property
    def at(self) -> str:
        return self.last or self.after


@dataclass(slots=True, eq=False)
class Ranges(Generic[Shown]):
    """One prefix. `new_walk` is asked for each range's `Walk` (`after`: where it is to begin), `new_take` for its `Take`, `at_once`
    for how many requests the endpoint takes now."""

    context: Context
    new_walk: Callable[..., Walk[Shown]]
    new_take: Callable[[], Take[Shown]]
    at_once: Callable[[], int]
    wanted: int = 1
    """So many ranges at once are worth it, as measured."""
    requests: int = 0
    """Probes so far."""
    _all: list[_Range[Shown]] = field(default_factory=list)
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _chart: Chart = field(default_factory=Chart)
    _busy: int = 0
    _most: int = RANGES_MAX
    _asking: Walk[Shown] = field(init=False)
    """Asks what there is, and lists nothing."""

    def __post_init__(self) -> None:
        self._asking = self.new_walk()

    async def run(self, ranges_max: int = RANGES_MAX) -> int:
        """List everything, in so many ranges at once at most, and return how many it were in all."""
        self._most = ranges_max
        with first_error():
            async with self._group:
                if (end := after_all(self._asking.prefix)) is not None:
                    self._chart.learn(end, None)
                self._begin("", None)
        ranges = sorted(self._all, key=lambda each: each.after)
        for one, following in pairwise(ranges):
            if one.beyond != following.first:
                await self._meet(one, following)
        if self._chart.last > ranges[-1].at:  # a key was shown to us that is in no range
            self._refuse_behind(ranges[-1], await self._probe(ranges[-1].at))
        return len(ranges)

    def _begin(self, after: str, until: str | None) -> _Range[Shown]:
        walk = self.new_walk(after=after)
        walk.by_key = bool(self._all)
        new = _Range[Shown](walk, self.new_take(), after, until, since=(after or self._asking.prefix, 0))
        self._all.append(new)
        self._busy += 1
        self._group.create_task(self._walk(new))
        return new

    async def _walk(self, mine: _Range[Shown]) -> None:
        async with aclosing(mine.walk.pages()) as pages:
            async for items in pages:
                self._taken(mine, items)
                if mine.over:
                    break
                if self.wanted == 1 and mine.walk.more:
                    await self._decide(mine)
                self._share()
        mine.over = True
        self._busy -= 1
        self._share()

    def _taken(self, mine: _Range[Shown], items: Sequence[Shown]) -> None:
        """Hand on what of a page is this range's."""
        if mine.first is None:
            mine.first = items[0].key
        if len(self._all) > 1 and not mine.walk.ordered:
            raise Apart(f"{mine.walk.name} is not in the order of its keys' bytes")
        if mine.until is not None and items[-1].key > mine.until:
            cut = bisect_right(items, mine.until, key=_KEY)
            mine.beyond, mine.over, items = items[cut].key, True, items[:cut]
        mine.over = mine.over or not mine.walk.more
        mine.pages += 1
        if items:
            keys = [each.key for each in (items[0], items[len(items) // 2], items[-1])]
            mine.last, mine.alike = keys[-1], len(common(keys[0], keys[-1]))
            mine.letters.learn(keys)
            mine.take(without_canaries(items, ordered=mine.walk.ordered), mine.walk.ordered)

    # how far away

    async def _decide(self, mine: _Range[Shown]) -> None:
        """Go on in one range, a page ahead, or in many; asked now and then, while no page is under way that would be in the way."""
        if mine.pages in MEASURED_AT_PAGES:
            await self._measure(mine)
        mine.walk.ahead = self.wanted == 1 and mine.pages + 1 not in MEASURED_AT_PAGES
        mine.walk.by_key = self.wanted > 1

    async def _measure(self, mine: _Range[Shown]) -> None:
        """Find out whether pages cost waiting; then the rest is listed in ranges. A store that is near, or dear to begin anywhere,
        is so for good."""
        far_s = max(FAR_S, mine.walk.page_s * FAR_SHARE)
        if self._most == 1 or not mine.walk.ordered or mine.walk.page_s < far_s:
            return
        took_s, waited_s = await self._timed([mine.at])
        if took_s < FAR_S:
            self._most = 1
        if waited_s < far_s:
            return
        points = self._candidates(mine, MEASURED_POINTS)[-MEASURED_POINTS:]
        async with asyncio.TaskGroup() as group:
            elsewhere = group.create_task(self._timed(points))
            _, again_s = await self._timed([mine.at])  # a busy machine is late now and then
        if again_s < far_s:
            return
        dear_s = again_s * DEAR_POINT
        if elsewhere.result()[1] > dear_s and (await self._timed(points[:1]))[1] > dear_s:  # late once is chance
            self._most = 1
        self.wanted = min(self._most, math.ceil(again_s / PAGE_WORK_S))

    async def _timed(self, points: Sequence[str]) -> tuple[float, float]:
        """Return how long it took to have the first key behind each point, asked at once, and how much of that we did nothing."""
        clock = self.context.clock
        begun_s, worked_s = clock.monotonic(), clock.worked()
        await self._look(points)
        took_s = clock.monotonic() - begun_s
        return took_s, took_s - (clock.worked() - worked_s)

    async def _probe(self, point: str) -> str | None:
        self.requests += 1
        return await self._asking.first_behind(point)

    # sharing the work

    def _share(self) -> None:
        """Let whoever is free take from the ranges that have most before them."""
        free = min(self.wanted, self.at_once()) - self._busy
        if self.wanted == 1 or free <= 0:
            return
        open_ = [each for each in self._all if not each.over]
        worth = sorted(((self._left(each), each) for each in open_), key=itemgetter(0), reverse=True)
        victims = [each for left_pages, each in worth if left_pages >= 3][: max(free // POINTS_MIN, 1)]
        for victim in victims:
            hands = max(free // len(victims), 1)
            if not self._parted(victim, hands):
                victim.under_survey = True
                self._busy += hands
                self._group.create_task(self._cut(victim, hands))

    def _left(self, one: _Range[Shown]) -> float:
        """Return about how many pages are left of a range; 0 where it is not to be cut now."""
        if one.under_survey or one.pages < one.patience_pages:
            return 0.0
        start, before = one.since
        end = self._chart.end(one.until)
        if end is None or len(self._all) == 1:
            return math.inf  # nobody has looked yet how much there is
        if one.pages == before:
            return 0.0
        done = one.letters.share(start, one.at, end)
        return (one.pages - before) * (1 - done) / done if done else math.inf

    async def _cut(self, victim: _Range[Shown], hands: int) -> None:
        """Find out where what is left of a range can be cut, and cut it."""
        try:
            await self._survey(victim, hands)
        finally:
            self._busy -= hands
            victim.under_survey = False
        if victim.over or not self._parted(victim, hands):
            victim.fruitless += 1
            victim.patience_pages = victim.pages + FRUITLESS_PAGES * 2**victim.fruitless
        self._share()

    def _parted(self, victim: _Range[Shown], hands: int) -> bool:
        """Cut what is left of a range for so many hands, where it is known how; each part becomes a range."""
        known = self._chart.between(victim.at, victim.until)
        points = list(known)
        if len(points) > hands:
            end = self._chart.end(victim.until)
            shares = [victim.letters.share(victim.at, point, end) for point in points]
            even = [(step + 1) / (hands + 1) for step in range(hands)]
            points = sorted({min(zip(shares, points, strict=True), key=lambda each: abs(each[0] - due))[1] for due in even})
        if points:
            ends = [*points[1:], victim.until]
            victim.until, victim.fruitless = points[0], 0
            victim.since = (victim.at, victim.pages)
            for after, until in zip(points, ends, strict=True):
                new = self._begin(after, until)
                new.since = (known[after], 0)
                new.letters.learn(key for point, key in known.items() if after <= point and (until is None or point < until))
        return bool(points)

    async def _survey(self, victim: _Range[Shown], hands: int) -> None:
        """Look for points where what is left of a range can be cut."""
        for _ in range(SURVEY_ROUNDS):
            points = [point for point in self._candidates(victim, max(hands, POINTS_MIN)) if not self._chart.knows(point)]
            before = self._chart.points
            await self._look(points)
            found = self._chart.between(victim.at, victim.until)
            victim.letters.learn(found.values())
            if victim.over or self._chart.points == before or len(found) >= min(hands, POINTS_ENOUGH):
                break

    def _candidates(self, victim: _Range[Shown], count: int) -> list[str]:
        """Return points that may tell more of what is left of a range: where it ends, and what lies between."""
        low, high = victim.at, self._chart.end(victim.until)
        branch = len(common(low, high or ""))
        points = set(ladder(low, high, count, victim.alike)) if branch < victim.alike - PINNED_LETTERS else set()
        points.update(victim.letters.between(low, high, count // 2 if points else count))
        if not points or (branch < len(low) and not low[branch].isascii()):
            points.update(leaps(low, branch, high))
        return sorted(point for point in points if point.startswith(self._asking.prefix))

    async def _look(self, points: Sequence[str]) -> None:
        """Find out what comes first behind each point."""
        with first_error():
            async with asyncio.TaskGroup() as group:
                for point in points:
                    group.create_task(self._learn(point))

    async def _learn(self, point: str) -> None:
        with suppress(BadRequest):  # the store takes no such point
            self._chart.learn(point, await self._probe(point))

    # putting it together

    async def _meet(self, one: _Range[Shown], following: _Range[Shown]) -> None:
        """Two ranges do not meet as they were listed: a writer was at work between them, or the listing can't be trusted.

        Where the one ended, and the first key that there is now behind its last is the first of the other, that was put meanwhile.
        """
        name = self._asking.name
        first = await self._probe(following.after)
        if one.beyond is None and await self._probe(one.at) != first:
            self._refuse_behind(one, first)
        for _ in range(MEETINGS):
            if one.beyond is None or await self._fill(one, following, first):
                return
            first = await self._probe(following.after)
        raise Apart(f"{name} shows other keys after {shown(one.at)} than after {shown(following.after)}")

    def _refuse_behind(self, one: _Range[Shown], first: str | None) -> None:
        """Refuse a listing that ended where there is more."""
        if first is not None:
            name = self._asking.name
            raise ProtocolError(f"{name} ended at {shown(one.at)}, and shows {shown(first)} behind it: not a listing to be trusted")

    async def _fill(self, one: _Range[Shown], following: _Range[Shown], first: str | None) -> bool:
        """List what lies between two ranges now. False: from the last key on, another one follows than after the end itself."""
        take = None
        walk = self.new_walk(after=one.at)
        walk.by_key = True
        async with aclosing(walk.pages()) as pages:
            async for items in pages:
                between = items[bisect_right(items, following.after, key=_KEY) :]
                if between and take is None:
                    if between[0].key != first:
                        return False
                    take = self.new_take()
                stop = len(between) if following.first is None else bisect_left(between, following.first, key=_KEY)
                if take is not None:
                    take(without_canaries(between[:stop]), walk.ordered)
                if stop < len(between) or not walk.ordered:
                    break
        return walk.ordered and (take is not None or first is None)
