"""What a soak shows: a table of what must hold, and a chart (SVG) of the runner's memory over time, with every blow on it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1024 * 1024
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 320, 60, 40, 30
COLOURS = {"worker": "#c0392b", "korea": "#2471a3", "japan": "#8e44ad", "all": "#000000", "pause": "#b9770e"}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that must hold, whether it does, and what was found; `of_share` says that it is a share of the load's bytes."""

    what: str
    holds: bool
    found: str
    of_share: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """The runner's memory at one second of the soak."""

    at_s: float
    rss_bytes: int


def table(rows: Sequence[Row]) -> str:
    """Return the table as text."""
    width = max(len(row.what) for row in rows)
    return "\n".join(f"{'holds ' if row.holds else 'BROKEN'}  {row.what:<{width}}  {row.found}" for row in rows)


def chart(samples: Sequence[Sample], blows: Sequence[tuple[float, str]], *, title: str, limit_bytes: int) -> str:
    """Return the chart as an SVG document: memory in MiB over seconds, a line at the limit, a mark for each blow."""
    end_s = max((sample.at_s for sample in samples), default=1.0) or 1.0
    top = max(limit_bytes, *(sample.rss_bytes for sample in samples)) * 1.1

    def x(at_s: float) -> float:
        return LEFT + (WIDTH - LEFT - 20) * at_s / end_s

    def y(bytes_: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * bytes_ / top

    pieces = [_text(LEFT, 18, title, anchor="start")]
    for share in range(5):
        value = top * share / 4.4
        pieces += [_line(LEFT, y(value), WIDTH - 20, y(value), "#e5e5e5"), _text(LEFT - 6, y(value) + 4, f"{value / MIB:.0f}")]
        pieces.append(_text(x(end_s * share / 4), HEIGHT - 16, f"{end_s * share / 4:.0f} s", anchor="middle"))
    for at_s, victim in blows:
        pieces.append(_line(x(at_s), TOP, x(at_s), HEIGHT - BOTTOM, COLOURS[victim], dash="2 3"))
    pieces.append(_line(LEFT, y(limit_bytes), WIDTH - 20, y(limit_bytes), "#c0392b"))
    pieces.append(_text(WIDTH - 22, y(limit_bytes) - 5, f"limit {limit_bytes / MIB:.0f} MiB"))
    points = " ".join(f"{x(each.at_s):.1f},{y(each.rss_bytes):.1f}" for each in samples if each.rss_bytes)
    pieces.append(f'<polyline fill="none" stroke="#1e8449" stroke-width="1.5" points="{points}"/>')
    for number, (victim, colour) in enumerate(COLOURS.items()):
        pieces.append(_text(WIDTH - 330 + 66 * number, 18, victim, anchor="start", colour=colour))
    body = "\n".join(pieces)
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dash: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-dasharray="{dash}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "end", colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{html.escape(words)}</text>'
