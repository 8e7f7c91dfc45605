"""`hikkoshi run`: bring a wave home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hikkoshi.commands.waves import do_waves
from hikkoshi.shell import CategoryArgument, ConfigOption, JsonOption, WaveOption, shell_of

if TYPE_CHECKING:
    from relocation.rules.summary import Summary
    from relocation.stages.context import Context

UntilOption = Annotated[
    Literal["plan", "copy", "verify"], typer.Option("--until", help="Stop after this stage; the next run goes on from there.")
]

OnlyFailedOption = Annotated[bool, typer.Option("--only-failed", help="Take just what failed in the last run of the wave.")]


def run(
    context: typer.Context,
    category: CategoryArgument,
    *,
    wave: WaveOption = "",
    until: UntilOption = "verify",
    only_failed: OnlyFailedOption = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Plan, copy and verify. Goes on where an unfinished run was cut off."""
    shell = shell_of(context, config, json)
    options = (f" --wave {wave}" if wave else "") + (" --only-failed" if only_failed else "")
    shell.go_on = shell.named(f"run {category}{options}") + " goes on where it was"

    async def work(stages: Context, name: str) -> Summary:
        from hikkoshi.processes import lanes_of
        from relocation.stages.wave import WaveRequest, run_wave

        return await run_wave(stages, WaveRequest(category, name, until, only_failed), lanes_of(stages, shell.processes))

    return do_waves(shell, category, wave, work)
