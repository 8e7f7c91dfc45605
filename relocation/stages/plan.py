"""A drawn plan on its way into the vault, piece by piece, sealed by a Merkle root over canonical rows; and back from there.

Guarantees: the same rows give the same root, whoever plans and when. Writes nothing but the plan's own files in the vault.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from itertools import accumulate, islice, takewhile

from relocation.rules.errors import StateMismatch
from relocation.rules.evidence import MerkleTree, canonical, sha256_of
from relocation.rules.records import Action, InventoryRow, PlanRow, RunRecord
from relocation.rules.summary import Count
from relocation.settings import Wave
from relocation.stages.context import Context
from relocation.stages.draw import Drawn, Piece

FILE_ROWS = 50_000
"""So many lines of an inventory, or rows that are left over, go into one file."""


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
    """A plan as the vault holds it. `left_over` holds rows without a source object (Remove); `inventories` the
    source's files, then the target's."""

    migration: str
    category: str
    wave: str
    run_id: str
    root: str
    config_sha256: str
    rules_sha256: str
    source_objects: int
    source_bytes: int
    target_objects: int
    shards: tuple[ShardFile, ...]
    left_over: tuple[ShardFile, ...]
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
    changed: str = ""
    """The feed of changes whose keys alone were asked for, and how many; empty: both sides were listed."""
    second_listing: str = ""
    """SHA-256 of what further enumerations of the source came to; empty: there were none."""
    category_objects: int = -1
    """What the source showed of all waves together, which no change of waves alters; below 0: not all was listed."""
    sources_sha256: str = ""
    """Over where those lie: such figures of one place can be held against each other."""

    @property
    def looked_only_at(self) -> str:
        """Return what alone of the wave is in this plan, in words; empty: all of it."""
        if self.only_failed_of:
            return f"what failed in run {self.only_failed_of}"
        return f"the keys that a feed of changes names ({self.changed})" if self.changed else ""

    def expects(self, actions: Sequence[Action]) -> Count:
        """Return how much there is to do for these actions."""
        return sum((Count(objects, size) for action, objects, size in self.actions if action in actions), Count())

    @property
    def removals(self) -> Count:
        """How much of ours is at the target without an object at the source."""
        return sum((Count(file.objects, file.bytes) for file in self.left_over), Count())

    @property
    def listed(self) -> Count:
        """What the source's listing showed of this wave."""
        return Count(self.source_objects, self.source_bytes)


async def seal(
    context: Context,
    run_id: str,
    category: str,
    wave: Wave,
    drawn: Drawn,
    *,
    only_failed_of: str = "",
    selection_sha256: str = "",
    sources_sha256: str = "",
    second_listing: str = "",
) -> SealedPlan:
    """Write a drawn plan into the vault as its pieces come, with both inventories, and return it with its root."""
    desk = _Desk(context, f"runs/{run_id}")
    narrowed = {"only_failed_of": only_failed_of, "changed": drawn.changed}
    desk.tree.add(_header(context, category, wave) | {name: of for name, of in narrowed.items() if of})
    async with aclosing(drawn.pieces) as pieces:
        async for piece in pieces:
            await desk.take(piece)
    try:
        await desk.finish()
    finally:
        desk.left_over.close()
    plan = SealedPlan(
        migration=context.settings.migration,
        category=category,
        wave=wave.name,
        run_id=run_id,
        root=desk.tree.root(),
        config_sha256=context.settings.config_sha256(),
        rules_sha256=context.rules_sha256,
        source_objects=desk.source.count.objects,
        source_bytes=desk.source.count.bytes,
        target_objects=desk.target.count.objects,
        shards=tuple(desk.shards),
        left_over=tuple(desk.removals),
        inventories=(*desk.source.files, *desk.target.files),
        actions=tuple((action, count.objects, count.bytes) for action, count in sorted(desk.actions.items())),
        only_failed_of=only_failed_of,
        changed=drawn.changed,
        behind_versions=drawn.behind.versions,
        behind_bytes=drawn.behind.bytes,
        behind_markers=drawn.behind.markers,
        behind_why=drawn.behind.why,
        selection_sha256=selection_sha256,
        second_listing=second_listing,
        category_objects=drawn.category_objects,
        sources_sha256=sources_sha256,
    )
    await context.vault.put(document_of(run_id), canonical(asdict(plan)), content_type="application/json")
    return plan


class _Desk:
    """A plan being written: what came is in the vault, but for the last shard and the last piece of each inventory."""

    def __init__(self, context: Context, folder: str) -> None:
        self._context = context
        self._folder = folder
        self.tree = MerkleTree()
        self.shards: list[ShardFile] = []
        self.actions: dict[str, Count] = {}
        self.source = _Inventory(context, f"{folder}/inventory-source")
        self.target = _Inventory(context, f"{folder}/inventory-target")
        self.left_over = context.scratch.rows(PlanRow, lambda row: (row.target_bucket, row.target_key))
        self.removals: list[ShardFile] = []
        self._shard: list[PlanRow] = []
        self._shard_bytes = 0

    async def take(self, piece: Piece) -> None:
        """Write down one piece. What is left over waits: it comes after all else."""
        await self.source.take(piece.source)
        await self.target.take(piece.target)
        self.left_over.add(piece.left_over)
        rows = piece.rows
        self.tree.extend(rows)
        for action in {row.action for row in rows}:
            found = [row.size for row in rows if row.action == action]
            self.actions[action] = self.actions.get(action, Count()) + Count(len(found), sum(found))
        limits = self._context.settings.transfer
        while rows:
            last = self._shard[-1] if self._shard else None
            room = Count(limits.shard_objects - len(self._shard), limits.shard_bytes - self._shard_bytes)
            end = fitting(rows, room, after=last)
            self._shard += rows[:end]
            self._shard_bytes += sum([row.size for row in rows[:end]])
            rows = rows[end:]
            if rows:
                await self._put_shard()

    async def finish(self) -> None:
        if self._shard:
            await self._put_shard()
        await self.source.finish()
        await self.target.finish()
        rows = iter(self.left_over)
        while some := list(islice(rows, FILE_ROWS)):
            self.tree.extend(some)
            name = f"{self._folder}/plan/left-over-{len(self.removals):05}.parquet"
            self.removals.append(await _file(self._context, name, some, PlanRow))

    async def _put_shard(self) -> None:
        name = f"{self._folder}/plan/{len(self.shards):05}.parquet"
        self.shards.append(await _file(self._context, name, self._shard, PlanRow))
        self._shard, self._shard_bytes = [], 0


class _Inventory:
    """One side as listed, on its way into the vault, file by file."""

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._name = name
        self._rows: list[InventoryRow] = []
        self.files: list[ShardFile] = []

    @property
    def count(self) -> Count:
        return sum((Count(file.objects, file.bytes) for file in self.files), Count())

    async def take(self, rows: Sequence[InventoryRow]) -> None:
        self._rows += rows
        if len(self._rows) >= FILE_ROWS:
            await self.finish()

    async def finish(self) -> None:
        """Write what there is; an empty side has one empty file."""
        if self._rows or not self.files:
            name = f"{self._name}-{len(self.files):05}.parquet"
            self.files.append(await _file(self._context, name, self._rows, InventoryRow))
            self._rows = []


def fitting(rows: Sequence[PlanRow], room: Count, *, after: PlanRow | None) -> int:
    """Return how many of these rows the shard at hand, which ends with the row `after` (None: it is empty), still takes.

    It is bounded in objects and bytes, never ends between two versions of one key, and is never empty.
    """
    sizes = accumulate(row.size for row in rows[: max(room.objects, 0)])
    end = sum(1 for _ in takewhile(room.bytes.__ge__, sizes))
    if after is None and not end:
        end = 1
    last = rows[end - 1] if end else after
    while last is not None and end < len(rows) and (rows[end].move, rows[end].source_key) == (last.move, last.source_key):
        end += 1
    return end


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


async def _file(
    context: Context, name: str, rows: Sequence[PlanRow | InventoryRow], kind: type[PlanRow | InventoryRow]
) -> ShardFile:
    data = context.tables.encode(rows, kind)
    keep = [row.size for row in rows if isinstance(row, PlanRow) and row.action == Action.KEEP] if kind is PlanRow else []
    size = sum([row.size for row in rows])
    return ShardFile(name, await context.vault.put(name, data), len(rows), size, len(keep), sum(keep))


async def load_plan(context: Context, run: RunRecord) -> SealedPlan:
    """Read a run's sealed plan back from the vault, held against the hash that the ledger has of it (StateMismatch)."""
    fields = json.loads(await context.vault.get(document_of(run.id), sha256=run.document))
    if fields["migration"] != context.settings.migration:
        raise StateMismatch(f"plan {run.id} belongs to migration {fields['migration']}, not to {context.settings.migration}")
    return SealedPlan(
        **{
            **fields,
            "shards": tuple(ShardFile(**shard) for shard in fields["shards"]),
            "left_over": tuple(ShardFile(**file) for file in fields["left_over"]),
            "inventories": tuple(ShardFile(**file) for file in fields["inventories"]),
            "actions": tuple((action, objects, size) for action, objects, size in fields.get("actions", ())),
        }
    )


def sources_of(plan: SealedPlan) -> list[ShardFile]:
    """Return the files of what the source showed of the wave."""
    return [file for file in plan.inventories if file.name.rpartition("/")[2].startswith("inventory-source")]


async def rows_of(context: Context, file: ShardFile) -> list[PlanRow]:
    """Read one shard's rows from the vault, held against the plan's hash of them."""
    return context.tables.decode(await context.vault.get(file.name, sha256=file.sha256), PlanRow)
