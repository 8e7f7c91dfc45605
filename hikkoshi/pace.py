"""How a stage is getting on: counted, and said in words. Pure but for the clock that it is handed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from relocation.rules.amounts import amount

WINDOW_S = 8.0
"""The rate is that of the last seconds, so that it shows what happens now."""
SURE_AFTER = 0.02
"""Which share has to be done before a time left is named: before that it would be a guess."""


@dataclass(slots=True)
class Pace:
    """One stage under way: what was expected (0: unknown) and what is done."""

    name: str
    begun_s: float
    objects_total: int = 0
    bytes_total: int = 0
    objects: int = 0
    bytes: int = 0
    errors: int = 0
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def rate(self, now_s: float) -> float:
        """Return bytes a second over the last seconds, and take a sample."""
        self._samples.append((now_s, self.bytes))
        while len(self._samples) > 2 and self._samples[1][0] <= now_s - WINDOW_S:
            self._samples.popleft()
        since_s, before = self._samples[0] if len(self._samples) > 1 else (self.begun_s, 0)
        return (self.bytes - before) / (now_s - since_s) if now_s > since_s else 0.0

    @property
    def share(self) -> float:
        """Return how much is done, from 0 to 1: the mean over objects and bytes, since small objects cost by number."""
        parts = [(self.objects, self.objects_total), (self.bytes, self.bytes_total)]
        shares = [min(done / total, 1.0) for done, total in parts if total]
        return sum(shares) / len(shares) if shares else 0.0

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds left, None where nothing can be said yet."""
        if self.share < SURE_AFTER:
            return None
        return (now_s - self.begun_s) * (1 - self.share) / self.share


def size(count: float) -> str:
    """Return bytes for the eye: `312.4 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} PiB"


def duration(seconds: float) -> str:
    """Return a time in its two largest units: `3 min 20 s`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min" if whole < 86400 else f"{whole // 86400} d {whole % 86400 // 3600} h"


def objects(count: int) -> str:
    """Return `1 object`, `2,146 objects`."""
    return amount(count, "object")


def figures(pace: Pace, now_s: float) -> list[str]:
    """Return the parts of a line on a stage: objects, bytes, rate, what was proved, errors."""
    parts = [f"{pace.objects:,} of {objects(pace.objects_total)}"] if pace.objects_total else _listed(pace)
    if pace.bytes_total:
        parts += [share_of(pace.bytes, pace.bytes_total), f"{size(pace.rate(now_s))}/s"]
    if pace.name == "verify":
        parts.append(f"{pace.objects - pace.errors:,} proved")
    if pace.errors or pace.name == "copy":
        parts.append(amount(pace.errors, "error"))
    return parts


def _listed(pace: Pace) -> list[str]:
    """Return what a stage counts that does not know beforehand how much there will be: lines of listings."""
    return [f"{objects(pace.objects)} listed"] if pace.objects else []


def share_of(done: int, total: int) -> str:
    """Return two sizes in one unit where they have one: `8.3 of 12.3 MiB`."""
    some, all_ = size(done), size(total)
    return f"{some.split()[0]} of {all_}" if some.split()[1] == all_.split()[1] else f"{some} of {all_}"


def time_left(pace: Pace, now_s: float) -> str:
    """Return how long it will still take, in words; nothing where that can't be said."""
    left_s = pace.left_s(now_s)
    return f"{duration(left_s)} left" if left_s is not None and pace.share < 1 else ""


def closing(pace: Pace, now_s: float) -> str:
    """Return the line on a stage that has ended."""
    parts = [objects(pace.objects)] if pace.objects_total else _listed(pace)
    if pace.bytes:
        parts.append(size(pace.bytes))
    if pace.errors:
        parts.append(amount(pace.errors, "error"))
    took_s = now_s - pace.begun_s
    parts.append(f"in {duration(took_s)}" if took_s >= 0.05 else "at once")
    return ", ".join(parts)
