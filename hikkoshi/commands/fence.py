"""`hikkoshi fence`: keep the application from writing to a category's source, let it again, or see what stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hikkoshi.exit_codes import ExitCode
from hikkoshi.shell import ConfigOption, Json, JsonOption, Shell, WaveOption, shell_of
from hikkoshi.stopping import run_until_stopped

if TYPE_CHECKING:
    from relocation.rules.fences import FenceRecord

What = Literal["raise", "lift", "status"]
Kind = Literal["iam", "bucket_policy", "quota"]
WhatArgument = Annotated[What, typer.Argument(metavar="raise|lift|status", help="What to do.", show_default=False)]
CategoryArgument = Annotated[str, typer.Argument(metavar="[CATEGORY]", help="A category; without one, all.", show_default=False)]
ByOption = Annotated[Kind | None, typer.Option("--by", help="This kind alone, whatever other categories it touches.")]


def fence(
    context: typer.Context,
    what: WhatArgument,
    category: CategoryArgument = "",
    *,
    wave: WaveOption = "",
    by: ByOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Raise or lift a write fence at the source, or see what stands."""
    shell = shell_of(context, config, json)
    if what == "raise" and not category:
        raise typer.BadParameter("a fence is raised around a category: name one")
    found = run_until_stopped(_done(shell, what, category, wave, by))
    if shell.json:
        shell.print_json({"fences": [_document(each, holds) for each, holds in found]})
    else:
        _show(shell, what, found)
    return ExitCode.DONE if all(holds == (what != "lift") for _, holds in found) else ExitCode.SOMETHING


async def _done(shell: Shell, what: What, category: str, wave: str, by: Kind | None) -> list[tuple[FenceRecord, bool]]:
    """Do it, and return each fence with whether writes are refused now."""
    from relocation.stages.fence import FenceRequest, holds, lift_fences, raise_fences

    settings = shell.settings()
    if category:
        settings.category_named(category)
    async with shell.context(settings) as stages:
        if what == "raise":
            return [(each, True) for each in await raise_fences(stages, FenceRequest(category, wave, by))]
        if what == "lift":
            return [(each, False) for each in await lift_fences(stages, category)]
        standing = [each for each in await stages.ledger.fences() if not category or category in each.categories]
        return [(each, await holds(stages, each)) for each in standing]


def _document(fence: FenceRecord, holds: bool) -> dict[str, Json]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(fence).items()} | {"holds": holds}


def _show(shell: Shell, what: What, found: list[tuple[FenceRecord, bool]]) -> None:
    from relocation.rules.fences import bars, lets_through
    from relocation.rules.keys import shown

    if not found:
        shell.out.print("no write fence stands")
    for each, holds in found:
        where = ", ".join(f"{each.endpoint}/{each.bucket}/{shown(prefix)}" for prefix in bars(each))
        state = "lifted" if what == "lift" else "holds" if holds else "DOES NOT HOLD"
        shell.out.print(f"{state}: {where}, by {each.kind}, touches {', '.join(each.categories)}; {each.who}, {each.at}, {each.id}")
    if what != "lift":
        for told in lets_through(each for each, _ in found):
            shell.out.print(f"! {told}")
