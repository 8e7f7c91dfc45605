"""`hikkoshi catch-up`: bring level, pass after pass, what changed at the source since."""

from __future__ import annotations

from functools import partial
from pathlib import Path
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

FenceOption = Annotated[
    bool, typer.Option("--fence", help="Make one more pass, the last, while a write fence bars the application; lift it then.")
]
ChangedOption = Annotated[
    Path | None,
    typer.Option(
        "--changed",
        metavar="FILE",
        help="Begin with the keys that this file names, asked for one by one: keys or events, one a line. The last pass is whole.",
        show_default=False,
    ),
]
OnlyOption = Annotated[bool, typer.Option("--changed-only", help="Make the pass of --changed alone; a whole one is still due.")]


def catch_up(
    context: typer.Context,
    category: CategoryArgument,
    *,
    wave: WaveOption = "",
    passes_max: PassesOption = 10,
    until: UntilOption = 0,
    fence: FenceOption = False,
    changed: ChangedOption = None,
    changed_only: OnlyOption = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Bring level what changed since, deletions, tags and metadata too."""
    if changed_only and (changed is None or fence):
        raise typer.BadParameter(
            "--changed-only goes with --changed FILE, and without --fence: behind a fence the last pass is whole"
        )
    shell = shell_of(context, config, json)
    shell.go_on = (
        shell.named(f"catch-up {category}{f' --wave {wave}' if wave else ''}") + " begins with a new plan; nothing is lost"
    )

    async def work(stages: Context, name: str) -> Summary:
        from hikkoshi.processes import lanes_of
        from relocation.stages.catch_up import CatchUpRequest, catch_up
        from relocation.stages.fence import FenceRequest, fenced

        request = CatchUpRequest(category, name, passes_max, until, changed, changed_only)
        behind = partial(fenced, stages, FenceRequest(category, name)) if fence else None
        return await catch_up(stages, request, lanes_of(stages, shell.processes), fenced=behind)

    return do_waves(shell, category, wave, work, kind="catch_up")
