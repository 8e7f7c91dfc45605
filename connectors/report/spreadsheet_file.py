"""`report.csv` beside a report's page, whole or not at all, made from the document and the losses that lie there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from connectors.report.document import Json
from connectors.report.losses import LOSSES, read_losses
from connectors.report.spreadsheet import ENCODING, Row, lost_in, rows_of, write
from relocation.rules.errors import Refusal


def write_beside(page: Path) -> Path:
    """Write the lists of a report as CSV beside its page; return where. What can't be read or written is a `Refusal`."""
    table = page.with_name("report.csv")
    draft = table.with_suffix(f".csv.{os.getpid()}")
    try:
        document = json.loads(page.with_name("report.json").read_text(encoding="utf-8"))
        draft.touch(mode=0o600)
        with draft.open("w", encoding=ENCODING, newline="") as file:
            write(file, rows_of(document))
            write(file, _lost(page.with_name(LOSSES), document), head=False)
        draft.replace(table)
    except (OSError, ValueError) as error:
        draft.unlink(missing_ok=True)
        raise Refusal(
            f"the lists of {page} can't be written as CSV beside it: {error}; run the wave again, or make room there"
        ) from error
    return table


def _lost(losses: Path, document: dict[str, Json]) -> Iterator[Row]:
    """Return the losses by object: all of them, where they lie beside the page; else those that the document names."""
    return read_losses(losses) if losses.exists() else lost_in(document)
