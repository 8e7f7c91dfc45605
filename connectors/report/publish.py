"""Where a report goes: a folder below the state directory, page and document side by side, and a copy of both in the vault."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from connectors.report.document import as_json
from connectors.report.losses import LOSSES, LossFile
from connectors.report.page import as_page
from relocation.ports import Vault
from relocation.rules.errors import NoSpace, Refusal
from relocation.rules.records import RunRecord
from relocation.rules.summary import Named, Summary
from relocation.transfer.crew import first_error


class ReportFiles:
    """Writes `reports/CATEGORY/WAVE/RUN-KIND/report.html` and `report.json` below `folder`; the vault's copy is the evidence."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    async def publish(self, summary: Summary) -> Summary:
        """Write the report and return the summary with the page's path in `report`."""
        place = self._place(summary.category, summary.wave, f"{summary.run_id}-{named(summary)}")
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

    @contextmanager
    def losses(self, run: RunRecord) -> Iterator[Callable[[Sequence[Named]], None]]:
        """Open `losses.csv` beside the report of a run."""
        file = LossFile(self._place(run.category, run.wave, f"{run.id}-{named(run)}") / LOSSES)
        try:
            yield file.add
            file.finish()
        except BaseException:
            file.forget()
            raise

    def _place(self, category: str, wave: str | None, name: str) -> Path:
        return self._folder / "reports" / category / (wave or "all-waves") / name


def named(run: Summary | RunRecord) -> str:
    """Return what was asked for: `plan`, `run`, `verify`; for a run that was to stop early, after which stage too."""
    whole = run.kind != "run" or run.stage == "verify"
    return run.kind if whole else f"{run.kind}-until-{run.stage}"


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
