"""Where a stretch of a listing may be cut in parts: points between two keys, by the letters that keys are made of. Pure.

Keys are in the order of their UTF-8 bytes, which is that of their code points, so that Python's order of `str` is the listing's. A
point is any text, whether or not a key of that name exists. Where it lies decides how evenly work is shared, and nothing else.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from string import digits

DEPTH_LETTERS = 16
"""So many letters after what two keys have in common tell where a third lies between them."""
POINT_BYTES_MAX = 1024
"""No key is longer, and no store has to take a longer one."""
EXPECTED_LETTERS = 32
"""So many letters are expected, evenly, among those of writing systems that have thousands."""
_LAST = 0x10FFFF
_LAST_KEY, _NO_KEY = chr(_LAST) * 300, chr(_LAST) * 301
_SURROGATES = range(0xD800, 0xE000)


def after_all(beginning: str) -> str | None:
    """Return a text after every key that begins so, and hardly after any other; None: there is none."""
    kept = beginning.rstrip(chr(_LAST))
    if not kept:
        return None
    code = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if code in _SURROGATES else code)


def common(one: str, two: str) -> str:
    """Return how both begin."""
    for at, (left, right) in enumerate(zip(one, two, strict=False)):
        if left != right:
            return one[:at]
    return min(one, two, key=len)


def ladder(low: str, high: str | None, count: int, near: int) -> list[str]:
    """Return up to `count` points, each behind all that begins as `low` does: with its first letter, with its first two, and so on.

    A million keys may have their first forty letters in common. These are the points that show it, all asked for at once: half of
    them close to where keys begin to differ (`near`: so many letters those around `low` have in common), the others evenly.
    """
    shared = 0 if high is None else len(common(low, high))
    depths = {*range(near, max(near - (count + 1) // 2, 0), -1)}
    left = min(depths, default=1) - 1 - shared
    steps = min(count - len(depths), left)
    depths |= {shared + left * step // steps for step in range(1, steps + 1)}
    return _good((after_all(low[:depth]) for depth in depths if depth), low, high)


def leaps(low: str, at: int, high: str | None) -> list[str]:
    """Return points with ever later letters in one place, each twice as far: for letters that nobody has seen yet."""
    codes = (ord(low[at]) + 2**power for power in range(21)) if at < len(low) else ()
    return _good((low[:at] + chr(code) for code in codes if code <= _LAST and code not in _SURROGATES), low, high)


def _good(points: Iterable[str | None], low: str, high: str | None) -> list[str]:
    inside = {point for point in points if point is not None and low < point and (high is None or point < high)}
    return sorted(point for point in inside if len(point.encode()) <= POINT_BYTES_MAX)


class Chart:
    """What is known of all keys: behind each of some points, which key comes first. Where keys come and go, it ages."""

    def __init__(self) -> None:
        self._points: list[str] = []
        self._keys: list[str] = []
        self.last = ""
        """The last of all keys that were shown."""

    @property
    def points(self) -> int:
        """So many points are known."""
        return len(self._points)

    def learn(self, point: str, key: str | None) -> None:
        """Take in the first key behind a point; None: there is none."""
        at = bisect_left(self._points, point)
        if self._points[at : at + 1] != [point]:
            self._points.insert(at, point)
            self._keys.insert(at, "")
        self._keys[at] = _NO_KEY if key is None else key
        self.last = max(self.last, key or "")

    def knows(self, point: str) -> bool:
        """Whether it is known already what comes first behind a point."""
        at = bisect_right(self._points, point) - 1
        return at >= 0 and point < self._keys[at]

    def end(self, until: str | None) -> str | None:
        """Return a point behind which there is nothing up to and with `until` (None: to the end of all); None: it is not known."""
        at = bisect_right(self._keys, until or _LAST_KEY)
        found = self._points[at] if at < len(self._points) else until
        return found if found is None or until is None else min(found, until)

    def between(self, low: str, until: str | None) -> dict[str, str]:
        """Return points behind `low` and before `until` with the key that comes first behind each, each key once."""
        known = range(bisect_right(self._points, low), bisect_right(self._keys, until or _LAST_KEY))
        by_key = {self._keys[at]: self._points[at] for at in known if until is None or self._points[at] < until}
        return {point: key for key, point in by_key.items()}


class Letters:
    """The letters of the keys seen so far: as digits are to numbers, so are these to keys.

    Where digits were seen, digits are expected, and so on: of each place it is known what kinds of letters stand there.
    """

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}
        self._kinds: dict[int, set[str]] = {}
        self._order: dict[int, list[str]] = {}

    def learn(self, keys: Iterable[str]) -> None:
        """Take in what some keys are made of."""
        for key in keys:
            for at, letter in enumerate(key):
                kind = _kind(letter)
                known = self._known.setdefault(kind, set(digits) if kind == "digit" else set())
                kinds = self._kinds.setdefault(at, set())
                if kind not in kinds or not (letter in known or (kind == "beyond" and min(known) < letter < max(known))):
                    known.add(letter)
                    kinds.add(kind)
                    self._order.clear()

    def between(self, low: str, high: str | None, count: int) -> list[str]:
        """Return up to `count` points after `low` and before `high` (None: the end of all keys), evenly spread, in order."""
        head = "" if high is None else common(low, high)
        first, last = self._numbers(low, high, len(head))
        numbers = (first + (last - first) * step // (count + 1) for step in range(1, count + 1))
        return _good((head + self._text(number, len(head)) for number in numbers), low, high)

    def share(self, low: str, at: str, high: str | None) -> float:
        """Return how much of the way from `low` to `high` lies behind, from 0 to 1, as far as letters tell."""
        cut = 0 if high is None else len(common(low, high))
        first, last = self._numbers(low, high, cut)
        now = self._number(at, cut)
        return min(max((now - first) / (last - first), 0.0), 1.0) if last > first else 1.0

    def _letters(self, at: int) -> list[str]:
        """Return what letters are expected in one place, in order; where nothing was seen yet, all that are known."""
        order = self._order.get(at)
        if order is None:
            kinds = self._kinds.get(at, self._known)
            order = sorted(set().union(*(self._known[kind] for kind in kinds)))
            if "beyond" in kinds:  # there are thousands: where they begin and end is known, and they are expected evenly between
                first, last = ord(min(self._known["beyond"])), ord(order[-1])
                codes = range(first, last, max((last - first) // EXPECTED_LETTERS, 1))
                order = sorted({*order, *(chr(code) for code in codes if code not in _SURROGATES)})
            self._order[at] = order
        return order

    def _numbers(self, low: str, high: str | None, cut: int) -> tuple[int, int]:
        last = (
            math.prod(len(self._letters(cut + at)) + 2 for at in range(DEPTH_LETTERS)) if high is None else self._number(high, cut)
        )
        return self._number(low, cut), last

    def _number(self, key: str, cut: int) -> int:
        number = 0
        for at in range(cut, cut + DEPTH_LETTERS):
            order = self._letters(at)
            number *= len(order) + 2  # the end of a key is a digit too, the least; so is what lies behind all letters
            if at < len(key):
                number += bisect_left(order, key[at]) + 1
        return number

    def _text(self, number: int, cut: int) -> str:
        found = []
        for at in reversed(range(cut, cut + DEPTH_LETTERS)):
            order = self._letters(at)
            number, digit = divmod(number, len(order) + 2)
            found.append(order[min(digit, len(order)) - 1] if digit and order else "")
        text = ""
        for letter in reversed(found):
            if not letter:
                break
            text += letter
        return text


def _kind(letter: str) -> str:
    if not letter.isascii():
        return "beyond"
    if letter.isdigit():
        return "digit"
    if letter.isalpha():
        return "lower" if letter.islower() else "upper"
    return "other"
