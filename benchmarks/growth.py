"""How figures grow with the number of keys: a panel each, both axes from nought, so that what is linear is a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.chart import picture, text

WIDTH, HEIGHT = 240, 180
TOP, GAP = 44, 50


@dataclass(frozen=True, slots=True)
class Figure:
    """One panel: its title, its unit, and a value for each number of keys."""

    title: str
    unit: str
    values: Sequence[float]


def growth(title: str, keys: Sequence[int], figures: Sequence[Figure]) -> str:
    """Return the panels side by side as one SVG."""
    shapes = []
    for number, figure in enumerate(figures):
        shapes += _panel(figure, keys, left=10 + number * (WIDTH + GAP))
    return picture(TOP + HEIGHT + 30, title, shapes)


def _panel(figure: Figure, keys: Sequence[int], *, left: float) -> list[str]:
    floor, most, last = TOP + HEIGHT, max(*figure.values, 1e-9), max(keys)
    points = [(left + WIDTH * key / last, floor - HEIGHT * value / most) for key, value in zip(keys, figure.values, strict=True)]
    shapes = [text(left, 16, figure.title, "title")]
    shapes += [f'<line x1="{left}" y1="{y}" x2="{left + WIDTH}" y2="{y}"/>' for y in (TOP, floor)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    shapes.append(f'<polyline class="ours" style="fill:none" points="{line}"/>')
    for (x, y), key, value in zip(points, keys, figure.values, strict=True):
        shapes.append(f'<circle class="ours" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        style = "small end" if x - left > WIDTH / 2 else "small"  # so that no words leave the panel
        shapes.append(text(x, y - 8, f"{value:,.0f} {figure.unit}", style))
        shapes.append(text(x, floor + 16, words_of(key), style))
    return shapes


def words_of(keys: int) -> str:
    """Return a number of keys as people write it: 3M, 200k."""
    return f"{keys / 1e6:g}M" if keys >= 1_000_000 else f"{keys / 1e3:g}k"
