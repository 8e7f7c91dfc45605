"""How source and target bucket are set up, side by side, ready to print: one table a pair of buckets, a row an aspect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.report.figures import plain
from connectors.report.words import Text, say, translated
from relocation.rules.summary import Parity

PAIRS_MAX = 50


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One pair of buckets. Each row: aspect, at the source, at the target, what it means; `style` is the verdict's."""

    source: str
    target: str
    rows: tuple[tuple[str, Text, Text, Text, Text], ...]


def side_by_side(lines: Iterable[Parity]) -> tuple[SideBySide, ...]:
    """Return a table for each pair of buckets, of the first fifty pairs."""
    pairs: dict[tuple[str, str], list[Parity]] = {}
    for line in lines:
        pairs.setdefault((line.source, line.target), []).append(line)
    return tuple(
        SideBySide(plain(source), plain(target), tuple(_row(line) for line in several))
        for (source, target), several in list(pairs.items())[:PAIRS_MAX]
    )


def _row(line: Parity) -> tuple[str, Text, Text, Text, Text]:
    meaning = translated(plain(line.meaning)) if line.meaning else say("parity.same")
    cells = translated(plain(line.at_source)), translated(plain(line.at_target))
    return line.verdict, say(f"aspect.{line.aspect}"), *cells, meaning
