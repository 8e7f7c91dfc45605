"""Plan the whole history of every object of a wave: a row for each version and each delete marker, the oldest of a key first.

Guarantees: what of a key can't be brought over in its order is a conflict or refused from there on, never written out of order.
Refuses a target that keeps no versions, a source that does not list them, and markers that nobody has the right to write.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from relocation.rules.errors import Refusal
from relocation.rules.excluded import not_held
from relocation.rules.plan import Target
from relocation.rules.records import Action, Fact, InventoryRow, PlanRow
from relocation.rules.versions import Version, all_or_none_after, decide_history, is_marker, removed, standing_versions
from relocation.settings import Category, Wave
from relocation.stages.context import Context
from relocation.stages.draw import Drawn, Piece
from relocation.stages.fidelity import refuse_unkept
from relocation.stages.inventory import WaveOf, target_of
from relocation.stages.list_versions import list_histories, refuse_unversioned
from relocation.stages.routes import route_of
from relocation.stages.standing import facts_of
from relocation.stages.unheld import checks_of


def moves_versions(context: Context, category_name: str) -> bool:
    """Tell whether a category's policy has all versions moved."""
    return context.settings.category_named(category_name).policy.versions == "all"


async def draw_versions(context: Context, category_name: str, wave: Wave) -> Drawn:
    """List the versions of both sides and decide on every one of the wave's. Reads only."""
    category = context.settings.category_named(category_name)
    route, erased = await route_of(context, category_name, wave.name)
    if route != "source":
        raise Refusal(
            f"{category_name}/{wave.name} is cut over (its route is {route}), and its policy moves all versions: what was "
            "deleted at the target since can't be told version by version; nothing was planned"
        )
    for move in category.moves:
        await refuse_unversioned(context, move)
    source_all = await list_histories(context, category, "source")
    target_all = await list_histories(context, category, "target")
    standing = standing_versions(await facts_of(context, category_name))
    rows: list[PlanRow] = []
    gone: list[PlanRow] = []
    source: list[InventoryRow] = []
    wanted: set[Target] = set()
    of_wave = WaveOf(category, wave)
    for history in sorted(source_all.values(), key=lambda history: (history[0].move, history[0].key)):
        target = target_of(category, history[0])
        wanted.add(target)
        if not of_wave.has(history[0]):
            continue
        decided, left = decide_history(history, target, target_all.get(target, ()), standing)
        rows += decided
        gone += left
        source += history
    rows = await _refused(context, category, rows, source, {*wanted, *target_all})
    there = [row for history in target_all.values() for row in history if of_wave.has_at_target(row, None, None)]
    gone += (row for row in (removed(found, standing) for found in there if (found.bucket, found.key) not in wanted) if row)
    if erased:
        gone.clear()
    _refuse_without_remover(context, category, rows)
    context.progress.advance(objects=len(source))
    left_over = sorted(not_held(gone, category.policy.held_back), key=lambda row: (row.target_bucket, row.target_key))
    return Drawn(len(source), source, _one(Piece(rows, left_over, source, there)))


async def _one(piece: Piece) -> AsyncGenerator[Piece, None]:
    yield piece


async def listed_versions(context: Context, category_name: str, wave: Wave) -> tuple[list[InventoryRow], dict[Version, Fact]]:
    """Return the target's histories of a wave as they are listed now, and what all facts say of them."""
    category = context.settings.category_named(category_name)
    histories = await list_histories(context, category, "target")
    of_wave = WaveOf(category, wave)
    rows = [row for history in histories.values() for row in history if of_wave.has_at_target(row, None, None)]
    return rows, standing_versions(await facts_of(context, category_name))


async def _refused(
    context: Context, category: Category, rows: list[PlanRow], source: list[InventoryRow], there: set[Target]
) -> list[PlanRow]:
    """Turn into Refuse what the target can't hold, or not as the policy says, and what follows it in the same key's history."""
    places = sorted(there)
    checks = await checks_of(context, category, lambda: (places,))
    rows = [checks[row.move](row) for row in rows]
    versions = [number for number, row in enumerate(rows) if not is_marker(row)]
    kept = await refuse_unkept(context, category, [rows[number] for number in versions], [source[number] for number in versions])
    for number, row in zip(versions, kept, strict=True):
        rows[number] = row
    return all_or_none_after(rows)


def _refuse_without_remover(context: Context, category: Category, rows: list[PlanRow]) -> None:
    """Refuse markers that nobody may write: a Refusal names the endpoint whose configuration has no remover."""
    for move in {row.move for row in rows if is_marker(row) and row.action == Action.COPY}:
        context.stores.of(category.moves[move].target.endpoint, "remover")
