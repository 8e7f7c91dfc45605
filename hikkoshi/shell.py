"""What every command is handed: its two options, the environment, where words go, and how work is run.

Guarantees: with `--json` standard output holds one JSON document and nothing else; everything for people goes to standard error
then. Keys and other text from outside never move the cursor: rich's markup is off for them, and control characters are shown.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # imported when a command runs: --help answers in half a second
    from rich.console import Console

    from connectors.begins import Begins
    from relocation.settings import Migration
    from relocation.stages.context import Context

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The migration's file; else HIKKOSHI_CONFIG, else config/local.yaml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else there.")]
CategoryArgument = Annotated[str, typer.Argument(metavar="CATEGORY", help="A category of the configuration.", show_default=False)]
WaveOption = Annotated[
    str, typer.Option("--wave", metavar="W", help="One wave; without it all waves in file order.", show_default=False)
]
HOME = "HIKKOSHI_HOME"


@dataclass
class Shell:
    """One call of the command. `go_on` says how to go on if this is stopped; `done` the documents so far."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    json: bool = False
    config: Path | None = None
    go_on: str = ""
    done: list[Json] = field(default_factory=list)
    state_dir: Path | None = None
    processes: int = 1
    heading: Callable[[str], None] = lambda _text: None

    def with_options(self, config: Path | None, json_: bool) -> Shell:
        """Take both options as a subcommand got them; one that was given before the subcommand stays."""
        self.config = config or self.config
        self.json = json_ or self.json
        return self

    @cached_property
    def out(self) -> Console:
        """Return where results go: standard output; with `--json` standard error, for the document has the other alone."""
        from rich.console import Console

        return Console(stderr=self.json, highlight=False, markup=False, emoji=False)

    @cached_property
    def err(self) -> Console:
        """Return where progress and errors go: standard error."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, markup=False, emoji=False)

    def print_json(self, document: Json) -> None:
        """Print the one document."""
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
        sys.stdout.flush()

    def settings(self, *, credentials: bool = True) -> Migration:
        """Read the configuration; with `credentials` what it refers to must be there too. Raises `ConfigurationError`."""
        from connectors.assemble import settings_from
        from connectors.configuration import find, read

        file = find(self.config, self.environ, Path.cwd())
        settings = settings_from(file, self.environ) if credentials else read(file, self.environ)
        self.state_dir = settings.state_dir
        return settings

    def named(self, command: str) -> str:
        """Return a command as it has to be typed to mean the same configuration."""
        import shlex

        return f"hikkoshi {command}" + (f" --config {shlex.quote(str(self.config))}" if self.config else "")

    @asynccontextmanager
    async def context(self, settings: Migration, begins: Begins | None = None) -> AsyncIterator[Context]:
        """Open everything that stages are handed, with a display of their progress; what keeps it from `begins` is recorded."""
        from connectors.assemble import assembled
        from hikkoshi.processes import count_of, share_of
        from hikkoshi.progress import watching

        with watching(sys.stderr, lambda: self.err) as progress:
            self.heading = progress.heading
            self.processes = count_of(settings)
            async with assembled(share_of(settings, self.processes), self.environ, progress, begins=begins) as context:
                yield context


def shell_of(context: typer.Context, config: Path | None, json_: bool) -> Shell:
    """Return the shell of this call with a subcommand's options."""
    return context.ensure_object(Shell).with_options(config, json_)


def home(environ: Mapping[str, str]) -> Path:
    """Return the folder whose servers `local` and `demo` start: HIKKOSHI_HOME, else that of the checkout this program runs from."""
    return Path(environ[HOME]).absolute() if environ.get(HOME) else Path(__file__).resolve().parents[1]
