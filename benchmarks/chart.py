"""The pictures of a benchmark: one SVG for the README, drawn by hand, without a network or a font of its own.

Bars: one panel for each load, one bar for each tool and mode, as long as its rate. Lines: rate over the number of objects, over how
many are at once, and over the milliseconds added. Colours follow the reader's light or dark scheme; every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.results import Case, Results

WIDTH = 860
LEFT, RIGHT = 210, 150
BAR, GAP = 16, 6
PANEL_HEIGHT, PANEL_WIDTH = 230, 260
STYLE = """
text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#24292f}
.title{font-size:14px;font-weight:600}.small{font-size:11px;fill:#57606a}.end{text-anchor:end}.middle{text-anchor:middle}
.ours{fill:#0b6e99;stroke:#0b6e99}.rclone{fill:#a3762b;stroke:#a3762b}.juicefs{fill:#6f7a3a;stroke:#6f7a3a}.mc{fill:#8a5a83;stroke:#8a5a83}
.verify{fill-opacity:.5;stroke-dasharray:4 3}line{stroke:#d0d7de}polyline{fill:none;stroke-width:2}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#8d96a0}line{stroke:#3d444d}
.ours{fill:#4db3dd;stroke:#4db3dd}.rclone{fill:#d9a957;stroke:#d9a957}.juicefs{fill:#a8b45f;stroke:#a8b45f}.mc{fill:#c08fb9;stroke:#c08fb9}
.verify{fill-opacity:.5}}
"""
MODE_WORDS = {"copy": "copy", "verify": "copy + verification"}


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: a value for each mark of the axis, None where it was not measured."""

    tool: str
    mode: str
    values: tuple[float | None, ...]


def bars(results: Results, titles: dict[str, str]) -> str:
    """Return the picture of the comparison; the panels in the order of `titles` (load → words)."""
    shapes, top = [], 8.0
    for load, title in titles.items():
        cases = [case for case in results.chosen() if case.load == load]
        cases.sort(key=lambda case: (case.mode, list(results.versions).index(case.tool)))
        rates = {case: results.rate(case) or 0.0 for case in cases}
        if not cases:
            continue
        shapes.append(text(0, top + 14, title, "title"))
        top += 26
        most = max(rates.values())
        for case, rate in rates.items():
            length = max(1.0, (WIDTH - LEFT - RIGHT) * rate / most)
            shapes.append(text(LEFT - 8, top + 12, f"{case.tool}, {MODE_WORDS[case.mode]}", "end"))
            shapes.append(f'<rect class="{case.tool} {case.mode}" x="{LEFT}" y="{top:.0f}" width="{length:.1f}" height="{BAR}"/>')
            shapes.append(text(LEFT + length + 8, top + 12, rate_words(results, case, rate), ""))
            top += BAR + GAP
        top += 14
    return picture(top, "Rate of each tool, whole process; longer is faster", shapes)


def curves(panels: Sequence[tuple[str, Sequence[str], Sequence[Curve]]]) -> str:
    """Return line panels side by side: (title, marks of the axis, curves)."""
    shapes = []
    for place, (title, marks, lines) in enumerate(panels):
        shapes += _panel(title, marks, lines, left=place * (PANEL_WIDTH + 30) + 10)
    tools = dict.fromkeys((line.tool, line.mode) for _, _, lines in panels for line in lines)
    for place, (tool, mode) in enumerate(tools):
        x, y = 10 + 200 * (place % 4), PANEL_HEIGHT + 34 + 18 * (place // 4)
        shapes.append(f'<polyline class="{tool} {mode}" style="fill:none" points="{x},{y - 4} {x + 22},{y - 4}"/>')
        shapes.append(text(x + 28, y, f"{tool}, {MODE_WORDS[mode]}", "small"))
    height = PANEL_HEIGHT + 44 + 18 * (len(tools) // 4)
    return picture(height, "Objects a second as loads, lanes and distance grow", shapes)


def rate_words(results: Results, case: Case, rate: float) -> str:
    """Return a rate in the unit that fits its load: objects, or megabytes, a second."""
    load = results.loads[case.load]
    if load.bytes / max(load.objects, 1) < 64 * 1024:
        return f"{rate:,.0f} objects/s"
    return f"{rate * load.bytes / load.objects / 1e6:,.0f} MB/s"


def _panel(title: str, marks: Sequence[str], lines: Sequence[Curve], *, left: float) -> list[str]:
    most = max((value for line in lines for value in line.values if value is not None), default=1.0)
    floor, height = PANEL_HEIGHT, PANEL_HEIGHT - 50
    step = PANEL_WIDTH / max(len(marks) - 1, 1)
    shapes = [text(left, 16, title, "title"), text(left, 36, f"{most:,.0f} objects/s", "small")]
    shapes += [f'<line x1="{left}" y1="{y}" x2="{left + PANEL_WIDTH}" y2="{y}"/>' for y in (floor - height, floor)]
    for place, mark in enumerate(marks):  # the first and the last mark stay within the panel
        anchor = "" if not place else " end" if place == len(marks) - 1 else " middle"
        shapes.append(text(left + place * step, floor + 14, mark, "small" + anchor))
    for line in lines:
        points = [
            f"{left + place * step:.1f},{floor - height * value / most:.1f}"
            for place, value in enumerate(line.values)
            if value is not None
        ]
        shapes.append(f'<polyline class="{line.tool} {line.mode}" style="fill:none" points="{" ".join(points)}"/>')
    return shapes


def text(x: float, y: float, words: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(words)}</text>'


def picture(height: float, title: str, shapes: Iterable[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *shapes, "</svg>", ""])
