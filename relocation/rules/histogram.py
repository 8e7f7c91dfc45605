"""Sizes and ages as bars: how big the objects are, and how old. Pure and incremental: a bar costs two numbers, an object none.

Guarantees: the bars add up to what was added, in objects and bytes; bars without an object between two with some are there too,
so that the axis is even; two histograms merge into the one that all objects together would have given, if need be with
wider bars. Refuses a negative size.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from relocation.rules.summary import Bin, Count

BARS_MAX = 24
UNKNOWN_AGE = "?"
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_EDGES = tuple(1024 * 4**power for power in range(19))  # 1 KiB to 64 TiB; S3 takes at most 50 TB
_UNITS = ("KiB", "MiB", "GiB", "TiB")


def _edge_label(edge: int) -> str:
    power = (edge.bit_length() - 1) // 10
    return f"≤ {edge >> (10 * power)} {_UNITS[power - 1]}"


_SIZE_LABELS = ("0 B", *(_edge_label(edge) for edge in _EDGES), "> 64 TiB")


class SizeHistogram:
    """Objects by size: empty ones, then bars whose upper edges are 1 KiB, 4 KiB, 16 KiB and so on."""

    def __init__(self) -> None:
        self._objects = [0] * len(_SIZE_LABELS)
        self._bytes = [0] * len(_SIZE_LABELS)

    def add(self, size: int) -> None:
        """Count one object of `size` bytes."""
        self.add_all((size,))

    def add_all(self, sizes: Iterable[int]) -> None:
        """Count objects of these sizes."""
        for size, objects in Counter(sizes).items():
            if size < 0:
                raise ValueError(f"an object can't hold {size} bytes")
            place = bisect_left(_EDGES, size) + 1 if size else 0
            self._objects[place] += objects
            self._bytes[place] += objects * size

    def add_bars(self, bars: Iterable[Bin]) -> None:
        """Count what another size histogram's `bars()` hold."""
        for bar in bars:
            place = _SIZE_LABELS.index(bar.label)
            self._objects[place] += bar.count.objects
            self._bytes[place] += bar.count.bytes

    def bars(self) -> tuple[Bin, ...]:
        """Return the bars from the first to the last that holds an object; none if nothing was added."""
        held = [place for place, objects in enumerate(self._objects) if objects]
        if not held:
            return ()
        return tuple(
            Bin(_SIZE_LABELS[place], Count(self._objects[place], self._bytes[place])) for place in range(held[0], held[-1] + 1)
        )


class AgeHistogram:
    """Objects by the month (UTC) in which they were last modified; by quarter or year where months would be over 24 bars."""

    def __init__(self) -> None:
        self._held: dict[str, list[int]] = {}

    def add(self, last_modified: str, size: int) -> None:
        """Count one object of `size` bytes; `last_modified` is ISO 8601 in UTC. What is no such time counts under `?`."""
        self.add_all(((last_modified, size),))

    def add_all(self, found: Iterable[tuple[str, int]]) -> None:
        """Count objects by their time and size."""
        for last_modified, size in found:
            held = self._held.get(last_modified[:7])
            if held is None:
                month = last_modified[:7]
                held = self._held.setdefault(month if _MONTH.fullmatch(month) else UNKNOWN_AGE, [0, 0])
            held[0] += 1
            held[1] += size

    def add_bars(self, bars: Iterable[Bin]) -> None:
        """Count what another age histogram's `bars()` hold."""
        for bar in bars:
            held = self._held.setdefault(bar.label, [0, 0])
            held[0] += bar.count.objects
            held[1] += bar.count.bytes

    def bars(self) -> tuple[Bin, ...]:
        """Return the bars, oldest first, the unknown ones last; at most 24 and the unknown one."""
        dated = {label: Count(*held) for label, held in self._held.items() if label != UNKNOWN_AGE}
        unknown = self._held.get(UNKNOWN_AGE)
        tail = (Bin(UNKNOWN_AGE, Count(*unknown)),) if unknown else ()
        return _dated_bars(dated) + tail


def _dated_bars(dated: dict[str, Count]) -> tuple[Bin, ...]:
    if not dated:
        return ()
    months = _fitting_months(dated)
    first = min(_start(label) for label in dated) // months
    last = max(_start(label) for label in dated) // months
    # Only years can still be too many; the oldest share a bar then.
    begin = max(first, last - BARS_MAX + 1)
    counts = [Count() for _ in range(begin, last + 1)]
    for label, count in dated.items():
        place = max(_start(label) // months, begin) - begin
        counts[place] += count
    folded = first < begin or any(label.startswith("≤") for label in dated)
    labels = [_age_label(number, months) for number in range(begin, last + 1)]
    if folded:
        labels[0] = f"≤ {labels[0]}"
    return tuple(Bin(label, count) for label, count in zip(labels, counts, strict=True))


def _fitting_months(dated: Iterable[str]) -> int:
    """Return how many months a bar spans: no less than any of the labels, and as few as 24 bars allow."""
    least = max(_span(label) for label in dated)
    starts = [_start(label) for label in dated]
    for months in (1, 3):
        if months >= least and max(starts) // months - min(starts) // months < BARS_MAX:
            return months
    return 12


def _span(label: str) -> int:
    return 3 if "Q" in label else 1 if "-" in label else 12


def _start(label: str) -> int:
    """Return the months since the year 0 at which a bar begins."""
    text = label.removeprefix("≤ ")
    year, _, rest = text.partition("-")
    if not rest:
        return int(year) * 12
    return int(year) * 12 + ((int(rest[1:]) - 1) * 3 if rest.startswith("Q") else int(rest) - 1)


def _age_label(number: int, months: int) -> str:
    year, rest = divmod(number * months, 12)
    if months == 1:
        return f"{year:04d}-{rest + 1:02d}"
    return f"{year:04d}-Q{rest // 3 + 1}" if months == 3 else f"{year:04d}"
