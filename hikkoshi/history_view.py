"""What of each category's history stays at the source, as a table of `hikkoshi status`.

Guarantees: fits 80 columns; where nobody counted it, there is no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from connectors.report.figures import size
from relocation.rules.history_seen import HistorySeen
from relocation.rules.residency import Holding

if TYPE_CHECKING:
    from rich.table import Table


def table(held: Sequence[Holding], zone: tzinfo) -> Table:
    """Return a row for each category; each of them was listed."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim", pad_edge=False)
    drawn.add_column("not moved, stays", overflow="fold")
    for head in ("former versions", "bytes", "delete markers"):
        drawn.add_column(head, justify="right", overflow="fold")
    drawn.add_column(f"seen ({datetime.now(zone):%Z})", no_wrap=True)
    for each in held:
        seen_at = datetime.fromisoformat(min(wave.listed_by.at for wave in each.waves if wave.listed_by))
        last = f"{(seen_at if seen_at.tzinfo else seen_at.replace(tzinfo=UTC)).astimezone(zone):%m-%d %H:%M}"
        seen = each.history
        figures = (Text(figure, "yellow" if seen.stays else "dim") for figure in _figures(seen))
        drawn.add_row(each.category, *figures, Text(last, "dim"))
    return drawn


def _figures(seen: HistorySeen) -> tuple[str, str, str]:
    if seen.uncounted and not seen.stays:
        return ("not known", "–", "not known")
    if seen.moved:
        return ("moved too", "–", "moved too")
    least = "at least " if seen.uncounted else ""
    return (f"{least}{seen.former.objects:,}", size(seen.former.bytes), f"{least}{seen.markers:,}")
