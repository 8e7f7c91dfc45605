"""Which subcommands there are, under which heading, and the options that stand before all of them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hikkoshi.commands import catch_up, check, demo, deploy, fence, local, pace, plan, probe, report, residency, run, status, verify
from hikkoshi.shell import ConfigOption, JsonOption, shell_of

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)
BEFORE, MOVE, LOOK, OTHER = "Before", "Move", "Look", "This machine"
app.command(rich_help_panel=BEFORE)(check.check)
app.command(rich_help_panel=BEFORE)(probe.probe)
app.command(rich_help_panel=MOVE)(plan.plan)
app.command(rich_help_panel=MOVE)(run.run)
app.command(name="catch-up", rich_help_panel=MOVE)(catch_up.catch_up)
app.command(rich_help_panel=MOVE)(fence.fence)
app.command(rich_help_panel=MOVE)(verify.verify)
app.command(rich_help_panel=MOVE)(pace.pace)
app.command(rich_help_panel=LOOK)(status.status)
app.command(rich_help_panel=LOOK)(report.report)
app.command(rich_help_panel=LOOK)(residency.residency)
app.command(rich_help_panel=OTHER)(deploy.deploy)
app.add_typer(local.app, name="local", rich_help_panel=OTHER)
app.command(rich_help_panel=OTHER)(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"hikkoshi {version('hikkoshi')}\n")
        raise typer.Exit


@app.callback()
def hikkoshi(
    context: typer.Context,
    config: ConfigOption = None,
    json: JsonOption = False,
    version: Annotated[  # noqa: ARG001 — its callback has done it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Move object data from one country's S3-compatible store to another's, and prove that every byte arrived."""
    shell_of(context, config, json)
