"""Where all versions are moved, keys are decided on and judged one by one: as if all lay before us at once, and holding few."""

from __future__ import annotations

import gc
import os
import random

import pytest

from relocation.rules.plan import STAGES
from relocation.rules.records import Fact, InventoryRow, PlanRow
from relocation.rules.tally import Part, Tally
from relocation.rules.versions import decide_history, removed, standing_versions
from relocation.settings import Policy, Wave
from relocation.stages import draw
from relocation.stages.inventory import target_of
from relocation.stages.list_versions import _row, pages_of
from relocation.stages.plan import load_plan
from relocation.stages.run_parts import parts_of, with_versions_listed
from relocation.stages.versions import draw_versions
from relocation.stages.wave import WaveRequest, run_wave
from tests.model.world import QuickTables, World, facts_of

SEED = int(os.environ.get("HIKKOSHI_SEED", "20261123"))
WAVE = Wave(name="all")
BODIES = (b"", b"1", b"1", b"22", None)
KEYS = [f"{folder}{name}" for folder in ("", "a/", "a-", "b/") for name in ("k", "k2", "写真")]


async def made(folder, *, waves=(WAVE,)) -> World:
    world = World.made(folder)
    category = world.settings.categories["talk"].model_copy(update={"policy": Policy(versions="all"), "waves": waves})
    world.settings = world.settings.model_copy(update={"categories": {"talk": category}})
    world.korea.buckets["talk"].versioning = "Enabled"
    await world.probe()
    return world


async def write(world: World, key: str, body: bytes | None, side: str = "korea") -> None:
    if body is None:
        await world.store(side).delete("talk", key)
    else:
        await world.store(side).put("talk", key, body)


async def people_at_work(world: World, random_: random.Random) -> None:
    """Write versions and markers at the source, some at the target, and let old ones expire on either side."""
    for _ in range(15):
        await write(world, random_.choice(KEYS), random_.choice(BODIES))
    for side, times in (("korea", 3), ("japan", 2)):
        kept = world.korea.buckets["talk"].keys if side == "korea" else world.japan.buckets["talk"].keys
        for key in random_.sample(sorted(set(KEYS) & set(kept)), min(times, len(kept))):
            for version in kept[key][: random_.randint(1, 3)]:
                await world.store(side).delete("talk", key, version_id=version.version_id)
    await write(world, random_.choice([*KEYS, "foreign", "鳥"]), random_.choice(BODIES), "japan")


async def listed_whole(context, side: str) -> dict[tuple[str, str], list[InventoryRow]]:
    """Return every history of a side, the oldest version first, as one listing shows them."""
    found: dict[tuple[str, str], list[InventoryRow]] = {}
    async for page in pages_of(context, context.stores.of(side, "reader"), "talk", ""):
        for version in page:
            found.setdefault(("talk", version.key), []).insert(0, _row(0, "talk", version))
    return dict(sorted(found.items()))


async def decided_whole(context) -> tuple[list[PlanRow], list[PlanRow]]:
    """Decide on all keys with both sides and all facts at hand."""
    source, target = await listed_whole(context, "korea"), await listed_whole(context, "japan")
    known = standing_versions(await facts_of(context, "talk"))
    category = context.settings.category_named("talk")
    rows: list[PlanRow] = []
    gone: list[PlanRow] = []
    for history in source.values():
        place = target_of(category, history[0])
        decided, left = decide_history(history, place, target.get(place, ()), known)
        rows += decided
        gone += left
    extra = [found for place, history in target.items() if place not in source for found in history]
    gone += [row for row in (removed(found, known) for found in extra) if row is not None]
    return rows, sorted(gone, key=lambda row: (row.target_bucket, row.target_key))


async def judged_whole(context, run, sealed) -> Tally:
    """Count a run as one part, with the whole target and all facts at hand."""
    parts = [part async for part in parts_of(context, run, sealed)]
    facts = [fact for part in parts for fact in part.facts]
    everything = Part(
        [row for part in parts for row in part.rows],
        [row for part in parts for row in part.left_over],
        sorted(facts, key=lambda fact: STAGES.index(fact.stage)),
        listed=[row for history in (await listed_whole(context, "japan")).values() for row in history],
        standing_versions=standing_versions(await facts_of(context, "talk")),
    )
    tally = Tally(by_version=True)
    tally.add(everything)
    return tally


def figures(tally: Tally) -> dict[str, object]:
    named = {f"named {action}": sorted(names, key=repr) for action, names in tally.named.items() if names}
    ended = {f"ended {outcome}": sorted(names, key=repr) for outcome, names in tally.ended.items()}
    sums = {
        name: getattr(tally, name) for name in ("actions", "outcomes", "proofs", "histories", "target", "kept", "brought", "losses")
    }
    return {**named, **ended, **sums, "foreign": sorted(tally.foreign, key=repr), "mismatched": tally.mismatched}


@pytest.mark.parametrize("case", range(4))
async def test_key_by_key_the_same_is_decided_and_judged_as_all_at_once(tmp_path, cut_small, case):
    """D12, I1: rows, what is left over, figures and names are the same, whatever people did to either side in between."""
    random_ = random.Random(SEED + case)
    world = await made(tmp_path)
    for turn in range(4):
        where = f"seed {SEED + case}, turn {turn}"
        await people_at_work(world, random_)
        async with world.context() as context:
            drawn = await draw_versions(context, "talk", WAVE)
            assert [row.key for row in drawn.source] == [row.key for row in drawn.source], "it is gone through again at will"
            pieces = [piece async for piece in drawn.pieces]
            rows, left_over = await decided_whole(context)
        assert [row._replace(foretold_etag="") for piece in pieces for row in piece.rows] == rows, where
        assert [row for piece in pieces for row in piece.left_over] == left_over, where
        assert drawn.source_objects == len(rows), where
        summary = await world.run()
        async with world.context() as context:
            run = await context.ledger.get_run(summary.run_id)
            sealed = await load_plan(context, run)
            tally = Tally(by_version=True)
            async for part in with_versions_listed(context, run, WAVE, parts_of(context, run, sealed)):
                tally.add(part)
            assert figures(tally) == figures(await judged_whole(context, run, sealed)), where


class Held(QuickTables):
    """Tables that note how many rows and facts are in memory whenever some are written down or read."""

    def __init__(self) -> None:
        self.most = 0

    def note(self) -> None:
        self.most = max(self.most, sum(isinstance(each, PlanRow | InventoryRow | Fact) for each in gc.get_objects()))

    def encode(self, rows, kind):
        self.note()
        return super().encode(rows, kind)

    def decode(self, data, kind):
        rows = super().decode(data, kind)
        self.note()
        return rows


async def most_held(folder, keys: int) -> list[int]:
    """Return how many rows a first run of so many keys held at most, and a second one that has nothing to do."""
    world = await made(folder)
    for number in range(keys):
        for body in (b"1", None, b"22")[: 1 + number % 3]:
            await write(world, f"{number:04}", body)
    found = []
    for _ in range(2):
        held = Held()
        gc.collect()
        gc.freeze()  # what was there before is not looked at
        try:
            summary = await world.run(tables=held)
        finally:
            gc.unfreeze()
        assert summary.outcomes["verified"].objects == 2 * keys
        found.append(held.most)
    return found


async def test_no_more_rows_are_held_for_more_keys(tmp_path, cut_small):
    """I9: plan, copy and report of 120 keys hold what those of 30 do, when nothing was there and when all is kept."""
    few, many = await most_held(tmp_path / "few", 30), await most_held(tmp_path / "many", 120)
    assert many == few
    assert max(few) < 60


async def test_a_plan_that_is_decided_at_once_holds_every_key(tmp_path, cut_small, monkeypatch):
    """Negative control: what is counted is what is held."""
    monkeypatch.setattr(draw, "PIECE_ROWS", 10_000)
    few, many = await most_held(tmp_path / "few", 30), await most_held(tmp_path / "many", 120)
    assert [held > 3 * less for held, less in zip(many, few, strict=True)] == [True, True]


async def test_nothing_of_one_wave_is_foreign_to_another(tmp_path, cut_small):
    """D12: waves part keys, here and there, and each is judged by its own."""
    waves = (Wave(name="a", prefixes=("a",)), Wave(name="rest"))
    world = await made(tmp_path, waves=waves)
    for number, key in enumerate(KEYS):
        for size in (number % 5, 9, 0):
            await write(world, key, bytes(size))
    behind = ["鳥1", "鳥2", "鳥3", "鳥4"]
    for key in ("a/foreign", *behind):
        await write(world, key, b"theirs", "japan")
    for _ in range(2):
        async with world.context() as context:
            one, rest = [await run_wave(context, WaveRequest("talk", wave.name)) for wave in waves]
        assert (one.counts["listed"].objects, rest.counts["listed"].objects) == (18, 18)
        assert [named.key for named in one.foreign] == ["a/foreign"]
        assert [named.key for named in rest.foreign] == behind
        for summary in (one, rest):
            assert summary.outcomes["verified"] == summary.counts["listed"]
            assert all(equation.holds for equation in summary.equations)
