"""`hikkoshi plan`: the dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from hikkoshi.commands.waves import do_waves
from hikkoshi.shell import CategoryArgument, ConfigOption, JsonOption, WaveOption, shell_of

if TYPE_CHECKING:
    from relocation.rules.summary import Summary
    from relocation.stages.context import Context


def plan(
    context: typer.Context,
    category: CategoryArgument,
    *,
    wave: WaveOption = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Say what a run would do: a dry run.

    Writes nothing to your data: neither source nor target buckets. Its plan,
    inventories and report name keys, which are personal data; they go to the
    evidence bucket and stay locked there for vault.retention_days.
    """
    shell = shell_of(context, config, json)

    async def work(stages: Context, name: str) -> Summary:
        from relocation.stages.wave import WaveRequest, dry_run

        return await dry_run(stages, WaveRequest(category, name))

    return do_waves(shell, category, wave, work, kind="plan")
