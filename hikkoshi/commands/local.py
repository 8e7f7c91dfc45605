"""`hikkoshi local`: the servers of this machine. Thin over `hikkoshi.local`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hikkoshi.shell import ConfigOption, Json, JsonOption, Shell, home, shell_of

if TYPE_CHECKING:
    from hikkoshi.local import LocalState

app = typer.Typer(no_args_is_help=True, help="Start, end and show the servers on this machine: two MinIO, Prefect and its worker.")
PrefectOption = Annotated[bool, typer.Option(help="Start Prefect and its worker too.")]


@app.command()
def up(context: typer.Context, *, prefect: PrefectOption = True, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Start what does not run yet, with buckets, users and config/local.yaml."""
    from hikkoshi import local

    shell = shell_of(context, config, json)
    shell.go_on = "hikkoshi local up goes on; hikkoshi local down ends what was started"
    state = local.up(home(shell.environ), shell.err.print, prefect=prefect)
    _show(shell, state)
    return 0


@app.command()
def down(context: typer.Context, *, config: ConfigOption = None, json: JsonOption = False) -> int:
    """End what `up` started, and nothing else. Data stay."""
    from hikkoshi import local

    shell = shell_of(context, config, json)
    local.down(home(shell.environ), shell.err.print)
    if shell.json:
        shell.print_json({"servers": []})
    return 0


@app.command()
def status(context: typer.Context, *, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Show which of them run, and where."""
    from hikkoshi import local

    shell = shell_of(context, config, json)
    state = local.status(home(shell.environ))
    _show(shell, state)
    return 0


def _show(shell: Shell, state: LocalState) -> None:
    if shell.json:
        servers: list[Json] = [
            {
                "name": each.name,
                "running": each.running,
                "url": each.url,
                "pid": each.process.pid if each.process else 0,
                "log": str(state.log(each.name)),
            }
            for each in state.servers
        ]
        shell.print_json({"configuration": str(state.configuration), "servers": servers})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for each in state.servers:
        running = Text("runs", "green") if each.running else Text("does not run", "dim")
        table.add_row(each.name, running, each.url, Text(f"process {each.process.pid}" if each.process else "", "dim"))
    if not state.servers:
        shell.out.print("nothing was started here; hikkoshi local up")
        return
    shell.out.print(table)
    if any(each.running for each in state.servers):
        shell.out.print(f"configuration: {state.configuration}", soft_wrap=True)
