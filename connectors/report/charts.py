"""The pictures: SVG in the page itself, coloured by its style sheet, with words in both languages.

Guarantees: each picture has a title and a description for those who don't see it; every text in it is escaped; nothing is loaded.
What is too small to be seen is drawn at the least visible width, and the figures stand in a table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from connectors.report.figures import number, size
from connectors.report.svg import WIDTH, label, picture, rect
from connectors.report.words import Text, Words, as_text, say
from relocation.rules.records import Action, Outcome
from relocation.rules.summary import Bin, Count, Equation

LEAST_WIDTH = 2.0
BAND_GAP = 6
BAND_LEAST = 26.0
BANDS_HEIGHT = 150.0
BOX_WIDTH = 158
BOX_LEAST = 124.0
HISTOGRAM_HEIGHT = 150
WIDE_BARS = 16


@dataclass(frozen=True, slots=True)
class Band:
    """One stream of the flow picture. `arrives`: it ends at the target; `moves`: it has an arrow's head."""

    style: str
    words: Text
    count: Count
    arrives: bool
    moves: bool = True


@dataclass(frozen=True, slots=True)
class Side:
    """One end of the flow picture."""

    country: Text
    role: Text
    lines: tuple[Words, ...]


def bar(part: float, whole: float, style: str) -> Markup:
    """Return one horizontal bar for a table cell, as long as its share."""
    length = 0.0 if part <= 0 or whole <= 0 else max(0.8, 100 * part / whole)
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/><rect class="fill-{}" width="{:.2f}" height="8"/></svg>'
    ).format(style, length)


def flow(source: Side, target: Side, bands: Sequence[Band]) -> Markup:
    """Return the picture from where to where: what arrives on top, what stays behind below."""
    ordered = [band for band in bands if band.arrives] + [band for band in bands if not band.arrives]
    total = sum(band.count.objects for band in ordered) or 1
    top, drawn, arriving = 2.0, [], 0.0
    for band in ordered:
        height = max(BAND_LEAST, BANDS_HEIGHT * band.count.objects / total)
        drawn.append(_band(band, top, height))
        top += height + BAND_GAP
        arriving = top if band.arrives else arriving
    left = max(BOX_LEAST, top - BAND_GAP)
    right = max(BOX_LEAST, arriving - BAND_GAP)
    if not ordered:
        drawn.append(label(WIDTH / 2, BOX_LEAST / 2 + 5, say("flow.nothing"), "middle muted"))
    boxes = [_box(source, 0, left, "source"), _box(target, WIDTH - BOX_WIDTH, right, "target")]
    title = Text(f"{source.country.en} → {target.country.en}", f"{source.country.ja} → {target.country.ja}")
    parts = "; ".join(f"{band.words.en} {band.count.objects}" for band in ordered)
    japanese = "、".join(f"{band.words.ja} {band.count.objects} 件" for band in ordered)
    return picture(max(left, right) + 4, title, Text(parts, japanese), [*boxes, *drawn], "flow")


def balance(equation: Equation, measure: str) -> Markup:
    """Return one equation as two bars of one scale: the total, and its parts end to end. `measure` is `objects` or `bytes`."""
    total = _measured(equation.total, measure)
    parts = [(name, _measured(count, measure)) for name, count in equation.terms]
    found = sum(amount for _, amount in parts)
    scale = 430 / max(total, found, 1)
    shapes = [
        label(0, 17, say("equation.total"), "small"),
        label(0, 41, say("equation.sum"), "small"),
        rect(130, 4, max(total * scale, LEAST_WIDTH if total else 0), 18, "total"),
        label(572, 18, _amount(total, measure), "figure"),
        label(572, 42, _amount(found, measure), "figure" if found == total else "figure wrong"),
    ]
    x = 130.0
    for name, amount in parts:
        length = amount * scale
        if amount:
            shapes.append(rect(x, 28, max(length, LEAST_WIDTH), 18, term_style(name)))
        x += length
    if found != total:
        begin, end = sorted((130 + found * scale, 130 + total * scale))
        shapes.append(rect(begin, 0, max(end - begin, LEAST_WIDTH), 50, "gap"))
    sign = "=" if found == total else "≠"
    sums = " + ".join(number(amount) for _, amount in parts) or "0"
    description = f"{number(total)} {sign} {sums}"
    return picture(50, say(f"shape.{measure}"), as_text(description), shapes, "balance")


def histogram(bars: Sequence[Bin], title: Text) -> Markup:
    """Return objects and bytes side by side for each bar, each series to its own highest."""
    most = Count(max(each.count.objects for each in bars), max(each.count.bytes for each in bars))
    step = (WIDTH - 8) / max(len(bars), 8)
    begin = (WIDTH - step * len(bars)) / 2
    wide = min(step * 0.36, 26.0)
    shapes = [rect(0, HISTOGRAM_HEIGHT + 18, WIDTH, 1, "axis")]
    style = "tick" if len(bars) <= WIDE_BARS else "tick narrow"
    numbers = []  # above all bars, where a neighbour is higher
    last_unit = ""
    for place, each in enumerate(bars):
        middle = begin + step * (place + 0.5)
        shapes.append(_column(middle - wide - 0.5, wide, each.count.objects, most.objects, "objects"))
        shapes.append(_column(middle + 0.5, wide, each.count.bytes, most.bytes, "bytes"))
        if each.count.objects:
            top = HISTOGRAM_HEIGHT + 13 - _height(each.count.objects / most.objects)
            numbers.append(label(middle - wide / 2 - 0.5, top, _short(each.count.objects), "middle halo " + style))
        first, unit = _split(each.label)
        shapes.append(label(middle, HISTOGRAM_HEIGHT + 34, first, "middle " + style))
        if unit != last_unit:
            shapes.append(label(middle, HISTOGRAM_HEIGHT + 48, unit, "middle muted " + style))
        last_unit = unit
    described = "; ".join(f"{each.label}: {number(each.count.objects)}, {size(each.count.bytes)}" for each in bars)
    return picture(HISTOGRAM_HEIGHT + 54, title, as_text(described), [*shapes, *numbers], "histogram")


def term_style(name: str) -> str:
    """Return the colour's name for a term of an equation; the closed set of the style sheet, else `other`."""
    return name if name in STYLES else "other"


STYLES = frozenset({*Action, *Outcome, "ours", "foreign"})


def _band(band: Band, top: float, height: float) -> Markup:
    begin, end = BOX_WIDTH, WIDTH - BOX_WIDTH
    middle = top + height / 2
    if not band.arrives:
        end = begin + 250
        shape = rect(begin, top, end - begin, height, band.style)
        stop = Markup('<path class="stop" d="M{0} {1:.1f}l10 10m0 -10l-10 10"/>').format(end + 9, middle - 5)
    else:
        head = min(14.0, height / 2) if band.moves else 0.0
        shape = Markup('<path class="fill-{}" d="M{} {:.1f}H{:.1f}L{} {:.1f}L{:.1f} {:.1f}H{}Z"/>').format(
            band.style, begin, top, end - head, end, middle, end - head, top + height, begin
        )
        if not band.moves:
            shape = rect(begin, top, end - begin, height, band.style)
        stop = Markup()
    amount = f"{number(band.count.objects)} · {size(band.count.bytes)}"
    words = Text(f"{band.words.en} {amount}", f"{band.words.ja} {amount}")
    return shape + label((begin + end) / 2, middle + 4.5, words, f"middle on-{band.style}") + stop


def _box(side: Side, x: float, height: float, style: str) -> Markup:
    lines = [label(x + 14, 30, side.country, "country"), label(x + 14, 48, side.role, "small muted")]
    lines += [label(x + 14, 76 + 19 * place, words, "small") for place, words in enumerate(side.lines)]
    frame = Markup('<rect class="box {}" x="{}" y="2" width="{}" height="{:.1f}" rx="3"/>')
    return frame.format(style, x + 1, BOX_WIDTH - 2, height - 2) + Markup().join(lines)


def _column(x: float, wide: float, amount: int, most: int, style: str) -> Markup:
    if not amount:
        return Markup()
    height = _height(amount / most)
    return rect(x, HISTOGRAM_HEIGHT + 18 - height, wide, height, style)


def _height(share: float) -> float:
    return max(1.5, HISTOGRAM_HEIGHT * share)


def _measured(count: Count, measure: str) -> int:
    return count.objects if measure == "objects" else count.bytes


def _amount(amount: int, measure: str) -> Words:
    return number(amount) if measure == "objects" else f"{number(amount)} B"


def _short(count: int) -> str:
    for limit, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if count >= limit:
            return f"{count / (1000 if unit == 'k' else limit):.3g}{unit}"
    return number(count)


def _split(label: str) -> tuple[str, str]:
    """Return a bar's label in two lines: `≤ 64` over `KiB`, `03` over `2021`."""
    if " " in label and not label[-1].isdigit():
        first, _, unit = label.rpartition(" ")
        return first, unit
    year, _, rest = label.partition("-")
    return (rest, year) if rest else (label, "")
