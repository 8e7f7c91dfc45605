"""`hikkoshi catch-up`: bring level, pass after pass, what changed at the source since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hikkoshi.commands.waves import do_waves
from hikkoshi.shell import CategoryArgument, ConfigOption, JsonOption, WaveOption, shell_of

if TYPE_CHECKING:
    from relocation.rules.summary import Summary
    from relocation.stages.context import Context

PassesOption = Annotated[int, typer.Option("--passes-max", metavar="N", min=1, help="Make no more passes than this.")]
UntilOption = Annotated[
    int,
    typer.Option(
        "--until", metavar="OBJECTS", min=0, help="The pass that finds no more than so many differing objects is the last."
    ),
]


def catch_up(
    context: typer.Context,
    category: CategoryArgument,
    *,
    wave: WaveOption = "",
    passes_max: PassesOption = 10,
    until: UntilOption = 0,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Bring level what changed since, deletions, tags and metadata too."""
    shell = shell_of(context, config, json)
    shell.go_on = (
        shell.named(f"catch-up {category}{f' --wave {wave}' if wave else ''}") + " begins with a new plan; nothing is lost"
    )

    async def work(stages: Context, name: str) -> Summary:
        from hikkoshi.processes import lanes_of
        from relocation.stages.catch_up import CatchUpRequest, catch_up

        return await catch_up(stages, CatchUpRequest(category, name, passes_max, until), lanes_of(stages, shell.processes))

    return do_waves(shell, category, wave, work, kind="catch_up")
