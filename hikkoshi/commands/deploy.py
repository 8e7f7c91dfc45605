"""`hikkoshi deploy`: register the flows with Prefect. Prefect is imported in `flows` only, so that runs as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from hikkoshi.shell import ConfigOption, JsonOption, Shell, home, shell_of
from relocation.rules.errors import Refusal

ActivateOption = Annotated[bool, typer.Option("--activate", help="Turn the waves' schedules on as well.")]


def deploy(
    context: typer.Context, *, activate: ActivateOption = False, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """Register one Prefect deployment for each category and flow. Schedules stay off without --activate."""
    shell = shell_of(context, config, json)
    settings = shell.settings(credentials=False)
    said = run_deploy(shell, settings.file, activate=activate)
    server = environment_for(shell, settings.file)["PREFECT_API_URL"].removesuffix("/api")
    if shell.json:
        shell.print_json({"configuration": str(settings.file), "server": server, "activated": activate, "said": said.splitlines()})
    else:
        shell.out.print(said.rstrip(), soft_wrap=True)
        shell.out.print(f"Prefect's UI: {server}", soft_wrap=True)
    return 0


def run_deploy(shell: Shell, file: Path, *, activate: bool) -> str:
    """Run `python -m flows.deploy` for a configuration and return what it said. `Refusal` with its last words if it failed."""
    command = [sys.executable, "-m", "flows.deploy", "--config", str(file), *(("--activate",) if activate else ())]
    environment = environment_for(shell, file)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        words = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-12:])
        raise Refusal(f"the flows could not be registered at {environment['PREFECT_API_URL']} (status {done.returncode}):\n{words}")
    return done.stdout


def environment_for(shell: Shell, file: Path) -> Mapping[str, str]:
    """Return the environment of the Prefect to register with: the caller's own, else this machine's, if that is up.

    This machine's configuration goes to this machine's Prefect, whatever the environment names.
    """
    from hikkoshi import local

    state = local.status(home(shell.environ))
    server = state.server("prefect")
    running = server is not None and server.running
    if file != state.configuration and shell.environ.get("PREFECT_API_URL"):
        return shell.environ
    if running:
        return local.prefect_environment(state)
    if file == state.configuration:
        raise Refusal("this machine's Prefect does not run; start it with: hikkoshi local up")
    was = f" (it was at {server.url}, and does not run)" if server else ""
    raise Refusal(
        f"no Prefect server is named, and this machine's is not up{was}: set PREFECT_API_URL to yours (https://…/api), "
        "or start this machine's with: hikkoshi local up"
    )
