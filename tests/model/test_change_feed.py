"""Passes that a feed of changes narrows: its keys alone are asked for, nothing is done on its word, the last one is whole (D28)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from connectors.memory import Behaviour, MemoryStore
from hikkoshi.standings import Standing, standing_of
from relocation.rules.errors import Refusal
from relocation.rules.keys import shown
from relocation.rules.names import Names
from relocation.settings import Policy
from relocation.stages.catch_up import CatchUpRequest, catch_up
from relocation.stages.residency import holdings
from tests.model.world import World

PICTURE, OTHER, THIRD = (f"u{number}/写真 {number}.jpg" for number in range(3))


@pytest.fixture
async def world(tmp_path):
    made = World.made(tmp_path)
    await made.seed(plain=3)
    await made.probe()
    await made.run()
    made.forget_calls()
    return made


def feed_of(world: World, *keys: str) -> Path:
    """Write a feed: every second key as an event, the others as lines."""
    file = world.folder / "changes.jsonl"
    lines = [_event(key) if number % 2 else shown(key) for number, key in enumerate(keys)]
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def _event(key: str) -> str:
    about = {"bucket": {"name": "talk"}, "object": {"key": quote_plus(key)}}
    return json.dumps({"Records": [{"eventName": "s3:ObjectRemoved:Delete", "s3": about}]})


async def narrowed(world: World, *keys: str, only: bool = True):
    request = CatchUpRequest("talk", "all", changed=feed_of(world, *keys), only_changed=only)
    async with world.context() as context:
        return await catch_up(context, request)


async def changed(world: World) -> None:
    """One new object, one overwritten, one deleted."""
    await world.store().put("talk", "new + %", b"new")
    await world.store().put("talk", PICTURE, b"another picture")
    await world.store().delete("talk", OTHER)


async def test_a_narrowed_pass_asks_for_the_keys_of_the_feed_and_brings_them_level(world, monkeypatch):
    """What the feed names is copied, replaced and removed; no side is listed, and nothing else is read or written."""
    await changed(world)
    pages: list[int] = []
    listing = MemoryStore.list_objects

    async def watched(store: MemoryStore, bucket: str, **how):
        pages.extend([how.get("page_keys", 1000)] if bucket == "talk" else [])
        return await listing(store, bucket, **how)

    monkeypatch.setattr(MemoryStore, "list_objects", watched)
    summary = await narrowed(world, "new + %", PICTURE, OTHER, PICTURE, "never there", "hikkoshi-canary/0123456789ab/1/x")
    assert world.bodies("japan") == world.bodies("korea")
    assert max(pages) <= 10
    assert (summary.counts["listed"].objects, summary.passes[0].copied.objects, summary.passes[0].removed.objects) == (2, 2, 1)
    assert all(equation.holds for equation in summary.equations)
    assert not [call for call in world.korea.calls if call.action == "s3:GetObject" and call.key not in {"new + %", PICTURE, OTHER}]
    assert (summary.passes[0].narrowed, summary.passes[0].last, summary.passes_end) == (True, False, "")
    assert any("a feed of changes names (changes.jsonl: " in text for text in summary.unknown)


async def test_what_a_feed_leaves_out_is_found_by_the_whole_pass_that_follows(world):
    """D28: a feed that lost an event costs time, never an object: the last pass lists both sides, and looks at tags too."""
    await changed(world)
    await world.store().put_tags("talk", THIRD, [("seen", "later")])
    await narrowed(world, PICTURE)
    assert world.bodies("japan") != world.bodies("korea"), "the control: the feed did leave something out"
    summary = await narrowed(world, PICTURE, only=False)
    assert world.bodies("japan") == world.bodies("korea")
    assert [(each.narrowed, each.last) for each in summary.passes] == [(True, False), (False, False), (False, True)]
    assert [each.found.objects for each in summary.passes] == [0, 2, 0]
    assert sorted(await world.store("japan").get_tags("talk", THIRD)) == [("seen", "later")]


async def test_nothing_is_removed_or_copied_on_the_feeds_word(world):
    """X13, I3: a feed that says "removed" of what is there, or names what is in no move, changes nothing at either side."""
    before = world.bodies("japan")
    summary = await narrowed(world, "never there", PICTURE, "gone/before")
    assert (world.bodies("japan"), world.writes()) == (before, [])
    assert (summary.counts["keep"].objects, summary.counts["remove"].objects) == (1, 0)


@pytest.mark.parametrize(("protected", "bodies"), [(True, {b"below"}), (False, {b"below", b"above"})])
async def test_a_new_name_that_would_hide_another_one_is_refused_here_too(tmp_path, monkeypatch, protected, bodies):
    """D26: `dir` beside `dir/x` is refused though the feed names `dir` alone; unasked for its neighbours it is written."""
    world = World.made(tmp_path, japan=Behaviour(hides_children=True))
    await world.store().put("talk", "dir/x", b"below")
    await world.probe()
    await world.run()
    await world.store().put("talk", "dir", b"above")
    if not protected:
        monkeypatch.setattr(Names, "minds_neighbours", False)
    summary = await narrowed(world, "dir")
    assert set(world.bodies("japan").values()) == bodies
    assert summary.counts["refuse"].objects == protected


async def test_a_narrowed_pass_is_no_measure_of_how_much_there_is(world):
    """S9: the next whole plan is not held against it, and residency and status stay as the last whole run saw it."""

    async def holds() -> tuple[int, int]:
        async with world.context() as context:
            (held,) = await holdings(context.settings, context.ledger, date(2021, 6, 1))
        return held.there.objects, held.home.objects

    async def standing() -> Standing:
        async with world.context() as context:
            return standing_of(("talk", "all", date(2021, 6, 1)), await context.ledger.list_runs(category="talk"), None)

    before, whole = await holds(), await standing()
    await changed(world)
    summary = await narrowed(world, OTHER)
    assert await holds() == before
    after = await standing()
    assert ((after.last, after.brief), whole.parts) == ((whole.last, whole.brief), ())
    assert [run.id for run in after.parts] == [summary.run_id]
    for key in world.bodies("korea"):
        await world.store().delete("talk", key)
    with pytest.raises(Refusal, match="shows 0 objects"):
        await world.catch_up()


async def test_a_feed_that_can_not_narrow_a_pass_is_refused(world):
    """Without a file, behind a fence alone, or where every version is moved: said before anything is asked."""
    for request in (
        CatchUpRequest("talk", "all", only_changed=True),
        CatchUpRequest("talk", "all", changed=world.folder / "no such file", only_changed=True),
    ):
        async with world.context() as context:
            with pytest.raises(Refusal, match=r"wants a feed|can't be read"):
                await catch_up(context, request)
    category = world.settings.categories["talk"].model_copy(update={"policy": Policy(versions="all")})
    world.settings = world.settings.model_copy(update={"categories": {"talk": category}})
    with pytest.raises(Refusal, match="all versions are moved"):
        await narrowed(world, PICTURE)
    assert world.writes() == []
