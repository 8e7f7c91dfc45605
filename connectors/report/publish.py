"""Where a report goes: a folder below the state directory, page and document side by side, and a copy of both in the vault."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from connectors.report.document import as_json
from connectors.report.page import as_page
from relocation.ports import Vault
from relocation.rules.errors import NoSpace, Refusal
from relocation.rules.summary import Summary
from relocation.transfer.crew import first_error


class ReportFiles:
    """Writes `reports/CATEGORY/WAVE/RUN-KIND/report.html` and `report.json` below `folder`; the vault's copy is the evidence."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    async def publish(self, summary: Summary) -> Summary:
        """Write the report and return the summary with the page's path in `report`."""
        place = self._folder / "reports" / summary.category / (summary.wave or "all-waves") / f"{summary.run_id}-{named(summary)}"
        summary = replace(summary, report=str(place / "report.html"))
        page = as_page(summary).encode()
        document = json.dumps(as_json(summary, rows_max=None), ensure_ascii=False, indent=1).encode()
        folder = f"runs/{summary.run_id}/report-{named(summary)}-{hashlib.sha256(document).hexdigest()[:16]}"
        with first_error():
            async with asyncio.TaskGroup() as group:  # neither needs the other: they name each other by the run
                group.create_task(self._vault.put(f"{folder}.json", document, content_type="application/json"))
                group.create_task(self._vault.put(f"{folder}.html", page, content_type="text/html; charset=utf-8"))
        with _explained(place, folder):
            place.mkdir(parents=True, exist_ok=True)
            replaced(place / "report.html", page)
            replaced(place / "report.json", document)
        return summary


def named(summary: Summary) -> str:
    """Return what was asked for: `plan`, `run`, `verify`; for a run that was to stop early, after which stage too."""
    whole = summary.kind != "run" or summary.stage == "verify"
    return summary.kind if whole else f"{summary.kind}-until-{summary.stage}"


@contextmanager
def _explained(place: Path, in_vault: str) -> Iterator[None]:
    """Turn a refusal of this machine's drive into one of ours: the report is in the vault, and only its copy here is missing."""
    try:
        yield
    except OSError as error:
        kind = NoSpace if error.errno in (errno.ENOSPC, errno.EDQUOT) else Refusal
        raise kind(
            f"the report can't be written to {place}: {error.strerror}. All its facts are recorded, and the report itself is in "
            f"the vault ({in_vault}.html); make room or give the right there (or change `state_dir`), run again"
        ) from error


def replaced(file: Path, data: bytes) -> None:
    """Write a file whole or not at all, readable by its owner alone."""
    draft = file.with_suffix(f"{file.suffix}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_bytes(data)
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
