"""`hikkoshi verify`: read everything back, whoever copied it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from hikkoshi.commands.waves import do_waves
from hikkoshi.shell import CategoryArgument, ConfigOption, JsonOption, WaveOption, shell_of

if TYPE_CHECKING:
    from relocation.rules.summary import Summary
    from relocation.stages.context import Context


def verify(
    context: typer.Context,
    category: CategoryArgument,
    *,
    wave: WaveOption = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Read every object back and hash it again.

    Writes nothing to your data: neither source nor target buckets. Its plan,
    inventories, facts and report name keys, which are personal data; they go
    to the evidence bucket and stay locked there for vault.retention_days.
    """
    shell = shell_of(context, config, json)

    async def work(stages: Context, name: str) -> Summary:
        from hikkoshi.processes import lanes_of
        from relocation.stages.wave import WaveRequest, verify_wave

        return await verify_wave(stages, WaveRequest(category, name), lanes_of(stages, shell.processes))

    return do_waves(shell, category, wave, work, kind="verify")
