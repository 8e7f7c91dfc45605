"""Inventory × inventory × facts → one action for each object of a wave, sealed by a Merkle root over canonical rows.

Guarantees: names that the target can't hold are refused here, by name, before the first byte moves; the same stores, facts and
configuration give the same root, whoever plans and when. Writes nothing but the plan's own files in the vault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from relocation.ports import Row
from relocation.rules import parts
from relocation.rules.errors import StateMismatch
from relocation.rules.evidence import MerkleTree, canonical, sha256_of
from relocation.rules.excluded import held_back, not_held
from relocation.rules.keys import is_canary
from relocation.rules.names import Names
from relocation.rules.plan import Known, Target, decide, known, left_over
from relocation.rules.records import Action, Fact, InventoryRow, PlanRow, RunRecord
from relocation.rules.summary import Count
from relocation.settings import Category, Move, Wave
from relocation.stages.answers import answers_of
from relocation.stages.context import Context
from relocation.stages.fidelity import refuse_unkept, seen_by
from relocation.stages.inventory import NOTHING_SEEN, Seen, in_the_way, inventory, of_wave
from relocation.stages.list_versions import NOTHING_BEHIND, Behind, count_behind
from relocation.stages.routes import route_of

RUNS_MAX = 1_000_000
MAY_BE_REFUSED = (Action.COPY, Action.REPLACE)


@dataclass(frozen=True, slots=True)
class ShardFile:
    """One shard of a plan: a file of rows in the vault, with how much of it the target has already (Keep)."""

    name: str
    sha256: str
    objects: int
    bytes: int
    keep_objects: int = 0
    keep_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SealedPlan:
    """A plan as the vault holds it. `left_over` is the file of rows without a source object (Remove), empty if none."""

    migration: str
    category: str
    wave: str
    run_id: str
    root: str
    config_sha256: str
    rules_sha256: str
    source_objects: int
    source_bytes: int
    shards: tuple[ShardFile, ...]
    left_over: ShardFile | None
    inventories: tuple[ShardFile, ...]
    actions: tuple[tuple[str, int, int], ...]
    """Each action that any row of the shards has, with how many objects and bytes."""
    only_failed_of: str = ""
    """The run whose failures these rows are; empty: the whole wave."""
    behind_versions: int = 0
    """Former versions that stay at the source; below 0: they could not be counted, `behind_why` in words."""
    behind_bytes: int = 0
    behind_markers: int = 0
    behind_why: str = ""
    selection_sha256: str = ""
    """Over what decides which objects the wave holds: plans of one selection can be held against each other."""
    second_listing: str = ""
    """SHA-256 of what further enumerations of the source came to; empty: there were none."""

    def expects(self, actions: Sequence[Action]) -> Count:
        """Return how much there is to do for these actions."""
        return sum((Count(objects, size) for action, objects, size in self.actions if action in actions), Count())

    @property
    def listed(self) -> Count:
        """What the source's listing showed of this wave."""
        return Count(self.source_objects, self.source_bytes)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan before it is sealed: its rows, and both sides of the wave as listed."""

    rows: tuple[PlanRow, ...]
    left_over: tuple[PlanRow, ...]
    source: tuple[InventoryRow, ...]
    target: tuple[InventoryRow, ...]
    standing: Known
    behind: Behind = NOTHING_BEHIND


async def draw(context: Context, category_name: str, wave: Wave) -> Drawn:
    """List both sides and decide on every object of the wave. Reads only."""
    route, erased = await route_of(context, category_name, wave.name)
    category = context.settings.category_named(category_name)
    source_all = await inventory(context, category, "source", wave=wave)
    target_all = await inventory(context, category, "target")
    standing = known(await facts_of(context, category_name), await context.ledger.open_intents(category_name))
    found = {(row.bucket, row.key): row for row in target_all}
    source = of_wave(source_all, category, wave, "source")
    target = of_wave(target_all, category, wave, "target", seen=_seen(category, source_all, standing))
    wanted = [(row, target_of(category, row)) for row in source]
    rows = [decide(row, place, found.get(place), standing, route=route) for row, place in wanted]
    all_targets = {target_of(category, row) for row in source_all}
    rows = await refuse_unheld(context, category, rows, (*all_targets, *found))
    rows = await refuse_unkept(context, category, rows, source)
    extra = (left_over(row, standing, route=route, erased=erased) for row in target if (row.bucket, row.key) not in all_targets)
    return Drawn(
        rows=tuple(sorted(rows, key=lambda row: (row.move, row.source_key))),
        left_over=tuple(not_held((row for row in extra if row is not None), category.policy.held_back)),
        source=tuple(source),
        target=tuple(target),
        standing=standing,
        behind=await count_behind(context, category, wave),
    )


def _seen(category: Category, source: Iterable[InventoryRow], standing: Known) -> Seen:
    """Return what the source shows of each target's object, or showed when it was copied; nothing where keys tell the wave."""
    if category.partition().by_key:
        return NOTHING_SEEN
    return seen_by_facts(standing.facts.values()) | {target_of(category, row): (row.size, row.last_modified) for row in source}


def seen_by_facts(facts: Iterable[Fact]) -> dict[Target, tuple[int, str]]:
    """Return what the source's listing showed of each object when it was copied."""
    return {(fact.target_bucket, fact.target_key): (fact.size, fact.source_last_modified) for fact in facts}


def target_of(category: Category, row: InventoryRow) -> Target:
    """Return where a source object goes: the target's bucket and prefix, and what follows the source's prefix."""
    move = category.moves[row.move]
    return (move.target.bucket, move.target.prefix + row.key[len(move.source.prefix) :])


async def refuse_unheld(context: Context, category: Category, rows: list[PlanRow], there: Iterable[Target]) -> list[PlanRow]:
    """Turn into Refuse what the target would rename, hide, merge or not take, and what the policy does not allow."""
    keys: dict[str, set[str]] = {}
    for bucket, key in there:
        keys.setdefault(bucket, set()).add(key)
    for move in category.moves:
        keys.setdefault(move.target.bucket, set()).update(await in_the_way(context, move.target))
    rules = [await _rules_of(context, category, move, keys[move.target.bucket]) for move in category.moves]
    return [rules[row.move](row) for row in rows]


async def _rules_of(context: Context, category: Category, move: Move, beside: set[str]) -> Callable[[PlanRow], PlanRow]:
    """Return what checks one row of a move: refused with its reason, or with the ETag that the target will give it."""
    source, target = await answers_of(context, move)
    listed = category.policy.held_back
    names, relies_on = Names(target), seen_by(category.policy, source, target)
    together = names.refuses_together(beside)
    must_keep = category.policy.keep_etag == "require"

    def check(row: PlanRow) -> PlanRow:
        keeps = relies_on.foretells(row.source_etag, row.size, whole_bytes_max=parts.PART_BYTES_MAX)
        row = held_back(row._replace(foretold_etag=row.source_etag if keeps else ""), listed)
        if row.action == Action.PROVE and must_keep and not row.ours and row.found_etag != row.source_etag:
            return row._replace(action=Action.CONFLICT, reason="what the target holds has another ETag (keep_etag: require)")
        if row.action not in MAY_BE_REFUSED:
            return row
        reason = _reserved(row) or names.refuses(row.target_key, row.size) or together.get(row.target_key, "")
        if not reason and row.size > parts.PARTS_MAX * parts.PART_BYTES_MAX:
            reason = (
                f"{row.size} bytes do not fit in {parts.PARTS_MAX} parts of {parts.PART_BYTES_MAX} bytes, the most that S3 takes"
            )
        if not reason and not keeps and must_keep and row.source_etag:
            reason = f"the target can't give it the same ETag ({row.source_etag}), and the policy says keep_etag: require"
        return row._replace(action=Action.REFUSE, reason=reason) if reason else row

    return check


def _reserved(row: PlanRow) -> str:
    return "its target key lies below the prefix that the probe reserves" if is_canary(row.target_key) else ""


async def facts_of(context: Context, category: str) -> list[Fact]:
    """Return every fact of a category so far: the sealed segments from the vault, and the tails of open shards.

    In the order of their runs, and of the stages of each, whatever the clock said: the last one has the last word.
    """
    facts: list[Fact] = []
    for segment in await context.ledger.segments(category=category):
        if segment.objects:
            facts += context.tables.decode(await context.vault.get(segment.name, sha256=segment.sha256), Fact)
    facts += await context.ledger.open_tails(category)
    runs = reversed(await context.ledger.list_runs(category=category, limit=RUNS_MAX))
    order = {run.id: number for number, run in enumerate(runs)}
    return sorted(facts, key=lambda fact: (order.get(fact.run_id, -1), fact.stage != "copy"))


async def seal(
    context: Context,
    run_id: str,
    category: str,
    wave: Wave,
    drawn: Drawn,
    *,
    only_failed_of: str = "",
    selection_sha256: str = "",
    second_listing: str = "",
) -> SealedPlan:
    """Write a drawn plan into the vault, shard by shard, with both inventories, and return it with its root."""
    folder = f"runs/{run_id}"
    tree = MerkleTree()
    tree.add(_header(context, category, wave) | ({"only_failed_of": only_failed_of} if only_failed_of else {}))
    for row in (*drawn.rows, *drawn.left_over):
        tree.add(row)
    shards = [
        await _file(context, f"{folder}/plan/{number:05}.parquet", rows, PlanRow)
        for number, rows in enumerate(_shards(drawn.rows, context))
    ]
    left_over_file = await _file(context, f"{folder}/plan/left-over.parquet", drawn.left_over, PlanRow) if drawn.left_over else None
    plan = SealedPlan(
        migration=context.settings.migration,
        category=category,
        wave=wave.name,
        run_id=run_id,
        root=tree.root(),
        config_sha256=context.settings.config_sha256(),
        rules_sha256=context.rules_sha256,
        source_objects=len(drawn.source),
        source_bytes=sum(row.size for row in drawn.source),
        shards=tuple(shards),
        left_over=left_over_file,
        inventories=(
            await _file(context, f"{folder}/inventory-source.parquet", drawn.source, InventoryRow),
            await _file(context, f"{folder}/inventory-target.parquet", drawn.target, InventoryRow),
        ),
        actions=_actions(drawn.rows),
        only_failed_of=only_failed_of,
        behind_versions=drawn.behind.versions,
        behind_bytes=drawn.behind.bytes,
        behind_markers=drawn.behind.markers,
        behind_why=drawn.behind.why,
        selection_sha256=selection_sha256,
        second_listing=second_listing,
    )
    await context.vault.put(document_of(run_id), canonical(asdict(plan)), content_type="application/json")
    return plan


def _actions(rows: Iterable[PlanRow]) -> tuple[tuple[str, int, int], ...]:
    sums: dict[str, Count] = {}
    for row in rows:
        sums[row.action] = sums.get(row.action, Count()) + Count(1, row.size)
    return tuple((action, count.objects, count.bytes) for action, count in sorted(sums.items()))


def document_sha256(plan: SealedPlan) -> str:
    """Return the SHA-256 of a plan's document, as the vault holds it."""
    return sha256_of(asdict(plan))


def document_of(run_id: str) -> str:
    """Return the vault name of a run's sealed plan."""
    return f"runs/{run_id}/plan.json"


def _header(context: Context, category: str, wave: Wave) -> dict[str, str]:
    return {
        "migration": context.settings.migration,
        "category": category,
        "wave": wave.name,
        "config_sha256": context.settings.config_sha256(),
        "rules_sha256": context.rules_sha256,
    }


def _shards(rows: Sequence[PlanRow], context: Context) -> Iterator[tuple[PlanRow, ...]]:
    """Cut the rows into shards of bounded objects and bytes, never between two versions of one key; no rows, no shard."""
    limits = context.settings.transfer
    shard: list[PlanRow] = []
    shard_bytes = 0
    for row in rows:
        full = shard and (len(shard) >= limits.shard_objects or shard_bytes + row.size > limits.shard_bytes)
        if full and (row.move, row.source_key) != (shard[-1].move, shard[-1].source_key):
            yield tuple(shard)
            shard, shard_bytes = [], 0
        shard.append(row)
        shard_bytes += row.size
    if shard:
        yield tuple(shard)


async def _file(context: Context, name: str, rows: Sequence[Row], kind: type[Row]) -> ShardFile:
    data = context.tables.encode(rows, kind)
    keep = [row.size for row in rows if isinstance(row, PlanRow) and row.action == Action.KEEP]
    size = sum(row.size for row in rows if isinstance(row, (PlanRow, InventoryRow)))
    return ShardFile(name, await context.vault.put(name, data), len(rows), size, len(keep), sum(keep))


async def load_plan(context: Context, run: RunRecord) -> SealedPlan:
    """Read a run's sealed plan back from the vault, held against the hash that the ledger has of it (StateMismatch)."""
    fields = json.loads(await context.vault.get(document_of(run.id), sha256=run.document))
    if fields["migration"] != context.settings.migration:
        raise StateMismatch(f"plan {run.id} belongs to migration {fields['migration']}, not to {context.settings.migration}")
    left = fields["left_over"]
    return SealedPlan(
        **{
            **fields,
            "shards": tuple(ShardFile(**shard) for shard in fields["shards"]),
            "left_over": ShardFile(**left) if left else None,
            "inventories": tuple(ShardFile(**file) for file in fields["inventories"]),
            "actions": tuple((action, objects, size) for action, objects, size in fields.get("actions", ())),
        }
    )


async def rows_of(context: Context, file: ShardFile | None) -> list[PlanRow]:
    """Read one shard's rows from the vault, held against the plan's hash of them."""
    if file is None:
        return []
    return context.tables.decode(await context.vault.get(file.name, sha256=file.sha256), PlanRow)
