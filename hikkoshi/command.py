"""The command `hikkoshi`: how a call begins, and how it ends, in words and with an exit code.

Guarantees: an error that the program knows is said in words (what, where, what to do next) and never as a traceback; one that it
does not know is a bug, is called one, and leaves its traceback in a log. With `--json` an error is one JSON document too.
Imports next to nothing: what `main` sets holds for every import that comes after it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from connectors.garbage import collect_no_more, collect_seldom
from connectors.private_process import leave_nothing_behind


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what the command line says and end the process with the exit code."""
    leave_nothing_behind()
    load()
    signal.signal(signal.SIGTERM, _like_ctrl_c)
    code = call(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us went away; Python would complain about it once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    collect_no_more()
    sys.exit(code)


def call(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return the exit code; whatever happens is said."""
    import typer

    from hikkoshi import failing
    from hikkoshi.exit_codes import ExitCode
    from hikkoshi.shell import Shell
    from hikkoshi.stopping import Stopped
    from hikkoshi.subcommands import app

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


def load() -> None:
    """Import what every call needs, at the least cost: a third of what it took went to garbage collection and to plug-ins."""
    collect_seldom()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # looked for in every package there is; and the configuration is ours
    import hikkoshi.subcommands  # noqa: F401


def _like_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
