"""`hikkoshi residency`: which country holds what today, as a page for those who answer for it. Asks the ledger alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hikkoshi.shell import ConfigOption, JsonOption, shell_of
from hikkoshi.stopping import run_until_stopped

OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Where to write it; else reports/residency in the state directory.", show_default=False
    ),
]


def residency(context: typer.Context, *, out: OutOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Write the residency report: which country holds what, what is left, what nobody knows.

    From what runs, verifications and dry runs recorded; no store is asked.
    """
    from connectors.report.residency import as_document
    from connectors.report.residency_files import write
    from connectors.residency import state_of

    shell = shell_of(context, config, json)
    settings = shell.settings(credentials=False)
    state = run_until_stopped(state_of(settings))
    page = write(state, out or settings.state_dir / "reports" / "residency")
    if shell.json:
        shell.print_json({**as_document(state), "report": str(page)})
    else:
        shell.out.print(str(page), soft_wrap=True)
    return 0
