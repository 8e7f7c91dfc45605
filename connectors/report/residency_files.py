"""The residency report as two files side by side: `residency.html` and `residency.json`, each whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from connectors.report.publish import replaced
from connectors.report.residency import State, as_document, as_page
from relocation.rules.errors import Refusal


def write(state: State, folder: Path) -> Path:
    """Write both and return the page's path. A folder that can't be written is a `Refusal`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replaced(folder / "residency.html", as_page(state).encode())
        replaced(folder / "residency.json", json.dumps(as_document(state), ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise Refusal(
            f"the report can't be written to {folder}: {error.strerror}; make room, give the right there, or take another --out"
        ) from error
    return folder / "residency.html"
