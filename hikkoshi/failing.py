"""How a call that did not succeed says so: on standard error in words, and with `--json` as the one document too."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from hikkoshi.exit_codes import AGAIN, BUG, ExitCode, ending_of
from hikkoshi.shell import Json, Shell
from relocation.rules.errors import ConfigurationError, HikkoshiError


def ended(shell: Shell, error: Exception) -> int:
    """Say what ended a call, and return the exit code that it has."""
    match error:
        case HikkoshiError():
            return known(shell, error)
        case BrokenPipeError():  # whoever read us went away; there is nobody to tell
            return ExitCode.STOPPED
        case OSError() if error.filename:
            return machine(shell, error)
        case _:
            return usage(shell, error) if is_usage(error) else unknown(shell, error)


def known(shell: Shell, error: HikkoshiError) -> int:
    """Say an error of the tree: what, where, what to do next."""
    ending = ending_of(error)
    problems = error.problems if isinstance(error, ConfigurationError) else ()
    _say(shell, ending.title, str(error), ending.next)
    _document(shell, ending.code, type(error).__name__, str(error), title=ending.title, next_=ending.next, problems=problems)
    return ending.code


def machine(shell: Shell, error: OSError) -> int:
    """Say that this machine refused a file or folder."""
    message = f"{error.filename}: {error.strerror}"
    next_ = f"see its rights and the space on its drive; then {AGAIN}"
    _say(shell, "this machine refuses a file", message, next_)
    _document(shell, ExitCode.STOPPED, type(error).__name__, message, title="this machine refuses a file", next_=next_)
    return ExitCode.STOPPED


def stopped(shell: Shell) -> int:
    """Say that somebody stopped us, and how to go on."""
    next_ = shell.go_on or "the same command begins anew"
    _say(shell, "stopped", "what was done stays, and whatever was held is given back", next_)
    _document(shell, ExitCode.INTERRUPTED, "Stopped", "stopped by a signal", title="stopped", next_=next_)
    return ExitCode.INTERRUPTED


def is_usage(error: Exception) -> bool:
    """Say whether the command line was wrong: typer's own errors, whichever library they come from in this version of it."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def usage(shell: Shell, error: Exception) -> int:
    """Say what is wrong with the command line, as typer does."""
    from typer import rich_utils

    rich_utils.rich_format_error(error)  # type: ignore[arg-type]
    message = str(error.format_message())  # type: ignore[attr-defined]
    if message:  # a call without any subcommand has shown the help, and nothing is wrong with it
        _document(shell, ExitCode.USAGE, "UsageError", message, title="the command line is wrong", next_="hikkoshi --help")
    return ExitCode.USAGE


def unknown(shell: Shell, error: Exception) -> int:
    """Say that this is a bug, and leave the traceback where it can be found."""
    message = f"{type(error).__name__}: {error}"
    log = _log(shell, error)
    if log is None:
        traceback.print_exception(error, file=sys.stderr)
    _say(shell, BUG.title, message + (f"\nthe log: {log}" if log else ""), BUG.next)
    _document(shell, BUG.code, type(error).__name__, message, title=BUG.title, next_=BUG.next, log=str(log or ""))
    return BUG.code


def _log(shell: Shell, error: Exception) -> Path | None:
    """Write the traceback below the state directory; None where that can't be."""
    if shell.state_dir is None:
        return None
    log = shell.state_dir / "log" / f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S}.txt"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch(mode=0o600)
        log.write_text("".join(traceback.format_exception(error)), "utf-8")
    except OSError:
        return None
    return log


def _say(shell: Shell, title: str, message: str, next_: str) -> None:
    from rich.text import Text

    shell.err.print(Text.assemble(("✗ ", "bold red"), (title, "bold")), soft_wrap=True)
    for line in message.splitlines():
        shell.err.print(Text(f"  {''.join(each if each.isprintable() else '?' for each in line)}"), soft_wrap=True)
    if next_:
        shell.err.print(Text(f"  → {next_}", style="cyan"), soft_wrap=True)


def _document(
    shell: Shell, code: ExitCode, kind: str, message: str, *, title: str, next_: str, problems: tuple[str, ...] = (), log: str = ""
) -> None:
    if not shell.json:
        return
    error: dict[str, Json] = {"kind": kind, "title": title, "message": message, "next": next_}
    if problems:
        error["problems"] = list(problems)
    if log:
        error["log"] = log
    document: dict[str, Json] = {"error": error, "exit_code": int(code)}
    shell.print_json(document | {"waves": shell.done} if shell.done else document)
