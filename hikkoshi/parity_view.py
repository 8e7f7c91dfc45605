"""How source and target bucket are set up, in a terminal: one line where they are the same, a row for each difference."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connectors.report.parity import side_by_side
from connectors.report.words import Text as Words
from relocation.rules.summary import Parity

STYLES = {"differs": "dim", "attention": "yellow", "refused": "bold red", "unknown": "yellow"}


def show_parity(console: Console, lines: Sequence[Parity]) -> None:
    """Print what differs of each pair of buckets, and what it means; nothing where nothing was compared."""
    for pair in side_by_side(lines):
        rows = [row for row in pair.rows if row[0] != "same"]
        same = f"{len(pair.rows) - len(rows)} of {len(pair.rows)} settings of the bucket are the same"
        console.print(Text.assemble((f" {pair.source} → {pair.target}", "bold"), f"  {same}"), soft_wrap=True)
        if rows:
            console.print(Padding(_table(rows), (1, 1, 1, 3)))


def _table(rows: Sequence[tuple[str, Words, Words, Words, Words]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim", pad_edge=False)
    for head in ("setting", "source", "target", "what it means"):
        table.add_column(head, overflow="fold")
    for verdict, *cells in rows:
        table.add_row(*(Text(cell.en, STYLES[verdict]) for cell in cells))
    return table
