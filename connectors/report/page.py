"""A summary as one self-contained HTML page: for the eye first, for the auditor below.

Guarantees: one file that opens from `file://` and asks no host (its content policy forbids it); both languages by a switch;
everything that came from outside is escaped, keys are percent-encoded; it stays below a megabyte, whatever the lists hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypedDict

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from connectors.report import charts
from connectors.report.answers import changed
from connectors.report.compiled import BesidePythons
from connectors.report.document import OUTCOMES, PROOFS
from connectors.report.figures import duration, moment, number, objects, plain, rate, size
from connectors.report.flow import flow_of
from connectors.report.limits import (
    basis_of,
    losses_of,
    probed_in_tables,
    second_listing_of,
    since_of,
    unclaimed_of,
    unfinished_of,
    unknowns_of,
)
from connectors.report.lists import QUIET, listings
from connectors.report.parity import side_by_side
from connectors.report.titles import equation_name, place_of, seal_of, term_name, title_of
from connectors.report.verdict import counted, ended, expected, verdict_of
from connectors.report.words import HERE, Text, Words, as_text, say
from relocation.rules.records import Action, Outcome, Proof
from relocation.rules.summary import Bin, Count, Equation, Summary


class Options(TypedDict):
    """How the template is read: its bytecode depends on these too."""

    autoescape: bool
    trim_blocks: bool
    lstrip_blocks: bool


OPTIONS: Options = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure."""

    name: Text
    figure: Words
    below: Words
    style: str = ""


@dataclass(frozen=True, slots=True)
class BarRow:
    """One line of a table of bars."""

    style: str
    name: Text
    means: Text
    side: Text
    bar: Markup
    count: Count


@dataclass(frozen=True, slots=True)
class Balanced:
    """One equation, drawn."""

    equation: Equation
    name: Text
    pictures: tuple[Markup, ...]
    terms: tuple[tuple[str, Text, Count], ...]
    difference: Text


@dataclass(frozen=True, slots=True)
class Shape:
    """One histogram with its figures."""

    title: Text
    picture: Markup
    bars: tuple[Bin, ...]


def as_page(summary: Summary, *, waves: Sequence[Summary] = (), document_name: str = "report.json") -> str:
    """Return the page. `waves` are told one by one in a table; `document_name` is the file beside it that holds the full lists."""
    lists = listings(summary)
    return template("template.html").render(
        s=summary,
        waves=waves,
        document_name=document_name,
        title=title_of(summary),
        place=place_of(summary),
        verdict=verdict_of(summary),
        tiles=_tiles(summary),
        since=since_of(summary),
        flow=flow_of(summary),
        actions=_actions(summary),
        outcomes=[] if summary.kind == "plan" else _outcomes(summary),
        proofs=[] if summary.kind == "plan" else _proofs(summary),
        equations=[_balanced(equation) for equation in summary.equations],
        listings=lists,
        troubled=any(each.name not in QUIET for each in lists),
        shapes=_shapes(summary),
        basis=basis_of(summary.estimate) if summary.estimate else (),
        unclaimed=unclaimed_of(summary),
        unfinished=unfinished_of(summary),
        unknowns=unknowns_of(summary),
        second=second_listing_of(summary),
        losses=losses_of(summary),
        parity=side_by_side(summary.parity),
        probe_changes=[changed(each, summary.timezone) for each in summary.probe_changes],
        probed=probed_in_tables(summary),
        seal=seal_of(summary),
    )


@cache
def template(name: str) -> Template:
    """Return one of the templates beside this file, compiled."""
    environment = Environment(  # noqa: S701 — what comes from outside is escaped: it stands in the options
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, bytecode_cache=BesidePythons(HERE, repr(OPTIONS)), **OPTIONS
    )
    environment.globals |= {
        "say": say, "number": number, "size": size, "objects": objects, "duration": duration, "moment": moment, "plain": plain,
        "rate": rate, "verdict_of": verdict_of, "expected": expected,
    }  # fmt: skip
    return environment.get_template(name)


def _tiles(summary: Summary) -> tuple[Tile, ...]:
    listed = summary.counts.get("listed", Count())
    first = _tile("tile.listed", listed)
    refused = counted(summary, Action.REFUSE, Action.CONFLICT) + Count(len(summary.hidden))
    if summary.kind == "plan":
        move = counted(summary, Action.COPY, Action.REPLACE, Action.PROVE)
        there = counted(summary, Action.KEEP)
        return first, _tile("tile.move", move), _tile("tile.there", there), _tile("tile.stuck", refused, bad=True)
    verified = ended(summary, Outcome.VERIFIED)
    trouble = refused + ended(summary, Outcome.FAILED, Outcome.DRIFTED, Outcome.GONE, Outcome.CONFLICTED, Outcome.COPIED)
    speed = Tile(say("tile.time"), duration(summary.seconds), rate(summary.bytes_per_second))
    return first, _tile("tile.verified", verified), _tile("tile.trouble", trouble, bad=True), speed


def _tile(name: str, count: Count, *, bad: bool = False) -> Tile:
    volume = size(count.bytes) if count.bytes or not bad else "–"  # of what a listing hides the size is not known
    return Tile(say(name), number(count.objects), volume, "bad" if bad and count.objects else "")


def _actions(summary: Summary) -> list[BarRow]:
    listed = summary.counts.get("listed", Count()).objects
    return [_bar_row("action", action.value, summary.counts.get(action, Count()), listed) for action in Action]


def _outcomes(summary: Summary) -> list[BarRow]:
    whole = max(expected(summary), sum(count.objects for count in summary.outcomes.values()))
    return [_bar_row("outcome", name, summary.outcomes.get(name, Count()), whole) for name in OUTCOMES]


def _proofs(summary: Summary) -> list[BarRow]:
    whole = max(ended(summary, Outcome.VERIFIED).objects, *(summary.proofs.get(name, 0) for name in PROOFS))
    return [_bar_row("proof", proof.value, Count(summary.proofs.get(proof, 0)), whole) for proof in Proof]


def _bar_row(kind: str, name: str, count: Count, whole: int) -> BarRow:
    side = say(f"proof.{name}.side") if kind == "proof" else as_text("")
    bar = charts.bar(count.objects, whole, name)
    return BarRow(name, say(f"{kind}.{name}"), say(f"{kind}.{name}.means"), side, bar, count)


def _balanced(equation: Equation) -> Balanced:
    found = sum((count for _, count in equation.terms), Count())
    gap = Count(abs(equation.total.objects - found.objects), abs(equation.total.bytes - found.bytes))
    return Balanced(
        equation,
        equation_name(equation),
        (charts.balance(equation, "objects"), charts.balance(equation, "bytes")),
        tuple((charts.term_style(term), term_name(term), count) for term, count in equation.terms),
        say("equation.difference", objects=objects(gap.objects), bytes=gap.bytes),
    )


def _shapes(summary: Summary) -> list[Shape]:
    drawn = (("shape.sizes", summary.sizes), ("shape.ages", summary.ages))
    return [Shape(say(name), charts.histogram(bars, say(name)), bars) for name, bars in drawn if bars]
