"""The command `hikkoshi`: which subcommands there are, and how a call ends, in words and with an exit code.

Guarantees: an error that the program knows is said in words (what, where, what to do next) and never as a traceback; one that it
does not know is a bug, is called one, and leaves its traceback in a log. With `--json` an error is one JSON document too.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from connectors.private_process import leave_nothing_behind
from hikkoshi import failing
from hikkoshi.commands import check, demo, deploy, local, pace, plan, probe, report, run, status, verify
from hikkoshi.exit_codes import ExitCode
from hikkoshi.shell import ConfigOption, JsonOption, Shell, shell_of
from hikkoshi.stopping import Stopped

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)
BEFORE, MOVE, LOOK, OTHER = "Before", "Move", "Look", "This machine"
app.command(rich_help_panel=BEFORE)(check.check)
app.command(rich_help_panel=BEFORE)(probe.probe)
app.command(rich_help_panel=MOVE)(plan.plan)
app.command(rich_help_panel=MOVE)(run.run)
app.command(rich_help_panel=MOVE)(verify.verify)
app.command(rich_help_panel=MOVE)(pace.pace)
app.command(rich_help_panel=LOOK)(status.status)
app.command(rich_help_panel=LOOK)(report.report)
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


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what the command line says and end the process with the exit code."""
    leave_nothing_behind()
    signal.signal(signal.SIGTERM, _like_ctrl_c)
    code = call(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us went away; Python would complain about it once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def call(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return the exit code; whatever happens is said."""
    shell = Shell(json="--json" in arguments)  # said once more by the options; a wrong command line is answered in JSON too
    command = typer.main.get_command(app)
    try:
        result = command.main(list(arguments), prog_name="hikkoshi", standalone_mode=False, obj=shell)
    except (Stopped, KeyboardInterrupt, typer.Abort):
        return failing.stopped(shell)
    except Exception as error:  # noqa: BLE001 — the end of the line: a bug is named as one, with its traceback in the log
        return failing.ended(shell, error)
    if result == ExitCode.INTERRUPTED:  # typer makes that of Ctrl-C outside of a run
        return failing.stopped(shell)
    return int(result or 0)


def _like_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
