"""What was left at the source, day by day, against the deadline: one picture, as steps, for nothing is known between two runs.

Guarantees: a day before the first run is empty, not full; the pace that was seen goes on as a dashed line, and only where there is
one; each line has words in both languages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from markupsafe import Markup

from connectors.report.figures import number, objects
from connectors.report.svg import WIDTH, label, picture, rect
from connectors.report.words import Text, say
from relocation.rules.deadlines import DayEnd, Forecast

LEFT, RIGHT, TOP, HEIGHT = 8, 8, 46, 140
TICKS_MAX = 5


def timeline(days: Sequence[DayEnd], told: Forecast, *, deadline: date, today: date, title: Text) -> Markup:
    """Return the picture. `days` are those on which a run ended, oldest first, at least one."""
    first = min(days[0].day, today, deadline)
    last = max(deadline, today, told.home_by or today)
    most = max(*(each.left.objects for each in days), 1)
    across = (WIDTH - LEFT - RIGHT) / max((last - first).days, 1)

    def x(day: date) -> float:
        return LEFT + (day - first).days * across

    def y(objects: int) -> float:
        return TOP + HEIGHT * (1 - objects / most)

    shapes = [rect(LEFT, TOP + HEIGHT, WIDTH - LEFT - RIGHT, 1, "axis"), *_ticks(first, last, x)]
    shapes.append(_area([(x(each.day), y(each.left.objects)) for each in days], x(today)))
    now = days[-1].left.objects
    if told.home_by and now:
        shapes.append(_line("pace", x(today), y(now), x(told.home_by), y(0)))
    shapes += [_line("day", x(today), TOP, x(today), TOP + HEIGHT), _line("due", x(deadline), TOP - 6, x(deadline), TOP + HEIGHT)]
    shapes += _names(x(deadline), x(today), deadline)
    shapes.append(label(LEFT, 14, objects(most), "tick"))
    described = "; ".join(f"{each.day}: {number(each.left.objects)}" for each in days[-31:])
    return picture(TOP + HEIGHT + 24, title, say("timeline.described", days=described, deadline=str(deadline)), shapes, "timeline")


def _area(corners: Sequence[tuple[float, float]], end: float) -> Markup:
    """Return steps: what a run saw stands until the next one."""
    path = [f"M{corners[0][0]:.1f} {TOP + HEIGHT}"]
    for at, high in corners:
        path.append(f"H{at:.1f}V{high:.1f}")
    path.append(f"H{max(end, corners[-1][0] + 2):.1f}V{TOP + HEIGHT}Z")
    return Markup('<path class="fill-objects" d="{}"/>').format("".join(path))


def _line(style: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<path class="line-{}" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(style, x1, y1, x2, y2)


def _names(due: float, today: float, deadline: date) -> list[Markup]:
    """Return the words above both lines: the deadline's at its side with more room, today's where it does not meet them."""
    at_end = due > WIDTH / 2
    name = label(
        due - 5 if at_end else due + 5,
        TOP - 10,
        say("timeline.deadline", day=str(deadline)),
        "tick due end" if at_end else "tick due",
    )
    begin, end = (due - 130, due) if at_end else (due, due + 130)
    if begin - 40 < today < end + 40:
        return [name]
    style = "tick muted end" if today > WIDTH - 60 else "tick muted"
    return [name, label(today - 5 if today > WIDTH - 60 else today + 5, TOP - 10, say("timeline.today"), style)]


def _ticks(first: date, last: date, x: Callable[[date], float]) -> Iterator[Markup]:
    """Yield some days along the axis, the first and the last among them."""
    span = (last - first).days
    steps = min(TICKS_MAX, span) or 1
    for step in range(steps + 1):
        day = date.fromordinal(first.toordinal() + round(span * step / steps))
        at = x(day)
        style = "" if step == 0 else "end" if step == steps else "middle"
        yield label(at, TOP + HEIGHT + 18, day.isoformat(), f"tick muted {style}".strip())
        if not span:
            return
