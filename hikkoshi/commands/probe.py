"""`hikkoshi probe`: ask buckets what they really do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hikkoshi.shell import ConfigOption, Json, JsonOption, Shell, shell_of
from hikkoshi.stopping import run_until_stopped

if TYPE_CHECKING:
    from relocation.rules.records import Answers
    from relocation.settings import Migration

EndpointOption = Annotated[str, typer.Argument(metavar="[ENDPOINT]", help="One endpoint; without it all.", show_default=False)]


def probe(context: typer.Context, endpoint: EndpointOption = "", *, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Ask each bucket of each move, and the vault, what it does. Writes canaries, and takes them away again."""
    shell = shell_of(context, config, json)
    settings = shell.settings()
    answered = run_until_stopped(_probe_all(shell, settings, endpoint))
    if shell.json:
        documents: list[Json] = [
            {"endpoint": each.endpoint, "bucket": each.bucket, "at": each.at, "url": each.url, "answers": dict(each.answers)}
            for each in answered
        ]
        shell.print_json({"migration": settings.migration, "probes": documents})
        return 0
    from hikkoshi.answers_view import show_answers

    shell.out.print()
    show_answers(shell.out, [(each, 0.0) for each in answered])
    return 0


async def _probe_all(shell: Shell, settings: Migration, endpoint: str) -> list[Answers]:
    from hikkoshi.checking import places_of
    from relocation.rules.objects import Place
    from relocation.stages.probe import probe as ask
    from relocation.stages.probe import refuse_same_bucket

    if endpoint:
        settings.endpoint_named(endpoint)
    async with shell.context(settings) as stages:
        answered = [
            await ask(stages, place, side=side) for place, side in places_of(settings).items() if endpoint in {"", place.endpoint}
        ]
        moves = dict.fromkeys(
            (Place(move.source.endpoint, move.source.bucket), Place(move.target.endpoint, move.target.bucket))
            for category in settings.categories.values()
            for move in category.moves
            if endpoint in {"", move.source.endpoint, move.target.endpoint}
        )
        for source, target in moves:
            await refuse_same_bucket(stages, source, target)
    return answered
