"""The multipart uploads that somebody began and nobody completed or aborted, as a table of `hikkoshi status`.

Guarantees: fits 80 columns; a store that is not believed is never said to have none, nor is a category where nobody looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from connectors.report.figures import plain
from relocation.rules.uploads_seen import UploadsSeen

if TYPE_CHECKING:
    from rich.table import Table

NOBODYS = "in no category"
DAY = len("2021-06-01")


def table(seen: Sequence[UploadsSeen], categories: Sequence[str], zone: tzinfo) -> Table:
    """Return a row for each category, and one for what none claims."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim", pad_edge=False)
    drawn.add_column("unfinished uploads", overflow="fold")
    for head in ("at the source", "at the target"):
        drawn.add_column(head, justify="right")
    for head in ("oldest begun", f"seen ({datetime.now(zone):%Z})"):
        drawn.add_column(head, no_wrap=True)
    for name in (*categories, ""):
        of_name = [each for each in seen if each.category == name]
        if of_name:
            oldest = min((each.found.oldest for each in of_name if each.found.oldest), default="")
            seen_at = datetime.fromisoformat(min(each.said.at for each in of_name))
            last = f"{(seen_at if seen_at.tzinfo else seen_at.replace(tzinfo=UTC)).astimezone(zone):%m-%d %H:%M}"
            source, target = ([each for each in of_name if (each.found.side == "target") == here] for here in (False, True))
            figures = (_figure(source), _figure(target) if name else "–")
            drawn.add_row(name or NOBODYS, *figures, plain(oldest[:DAY]) or "–", Text(last, "dim"))
        elif name:
            drawn.add_row(name, *(Text("not known", "dim") for _ in range(2)), "–", Text("not looked", "dim"))
    return drawn


def _figure(seen: Sequence[UploadsSeen]) -> str:
    uploads, ours = sum(each.found.uploads for each in seen), sum(each.found.ours for each in seen)
    doubted = any(each.found.doubt for each in seen)
    if not uploads:
        return "not known" if doubted else "0"
    return f"{'at least ' if doubted else ''}{uploads:,}{f' ({ours:,} ours)' if ours else ''}"
