"""Uploads that somebody began and nobody completed: counted, ours told apart, and never 0 where a store is not believed."""

from __future__ import annotations

import pytest

from connectors.memory import Behaviour
from connectors.memory.rules import iso
from connectors.report.document import as_json
from connectors.report.limits import unfinished_of
from relocation.rules.errors import Forbidden
from relocation.rules.records import Intent
from relocation.rules.summary import Unfinished
from relocation.stages import unfinished as stage
from relocation.stages.wave import WaveRequest, dry_run
from tests.model.world import World

FORGETFUL = Behaviour(lists_uploads_by_whole_key=True)


async def begun(world: World, key: str, *, side: str = "korea", bucket: str = "talk", parts: int = 1) -> str:
    """Begin an upload of so many parts of 1,000 bytes, and leave it."""
    store = world.store(side)
    upload = await store.create_upload(bucket, key, checksum=False)
    for number in range(1, parts + 1):
        await store.put_part(bucket, key, upload, number, b"x" * 1000)
    return upload


async def planned(world: World):
    async with world.context() as context:
        return await dry_run(context, WaveRequest("talk", "all"))


def found(summary) -> dict[tuple[str, str], Unfinished]:
    return {(each.side, each.place): each for each in summary.unfinished}


@pytest.fixture
async def world(tmp_path, quick):
    made = World.made(tmp_path)
    await made.seed(plain=2)
    await made.probe()
    return made


async def test_uploads_in_progress_are_counted_at_source_and_target(world):
    """D24: how many were begun, since when, with how many bytes; at the source each is a standing unknown: it may complete yet."""
    world.korea.make_bucket("forgotten")
    begun_at = world.clock.now()
    await begun(world, "u1/a", parts=2)
    world.clock.seconds += 60
    await begun(world, "u2/b")
    await begun(world, "x/y", bucket="forgotten")
    await begun(world, "other", side="japan")
    await begun(world, "hikkoshi-canary/0123456789ab/1/left-behind")
    summary = await planned(world)
    uploads = found(summary)
    source = uploads["source", "korea/talk/"]
    assert (source.uploads, source.ours, source.bytes, source.looked_into, source.doubt) == (2, 0, 3000, 2, "")
    assert source.oldest == iso(begun_at)
    assert uploads["target", "japan/talk/"].uploads == 1
    assert uploads["unclaimed", "korea/forgotten"].bytes == 1000
    assert (
        len([text for text in summary.unknown if text.startswith("korea/talk/ has unfinished uploads (2, the oldest begun ")]) == 1
    )
    assert [line["uploads"] for line in as_json(summary)["unfinished_uploads"]] == [2, 1, 1]


async def test_uploads_of_our_own_runs_are_told_from_those_of_others(world, monkeypatch):
    """What a run of ours began is ours by its intent; whatever else is begun at the target is somebody else's."""
    mine, _ = await begun(world, "ours", side="japan"), await begun(world, "theirs", side="japan")

    async def open_uploads(self, category):
        return (Intent(0, "talk", "ours", "e", upload_id=mine),)

    monkeypatch.setattr("connectors.ledger.store.SqlLedger.open_uploads", open_uploads)
    target = found(await planned(world))["target", "japan/talk/"]
    assert (target.uploads, target.ours) == (2, 1)


async def test_a_store_that_forgets_uploads_is_never_believed_to_have_none(tmp_path, quick):
    """D24: where a store shows an upload by its whole key alone, its listing of all forgets: the report says so, and never 0."""
    world = World.made(tmp_path, korea=FORGETFUL)
    await world.probe()
    summary = await planned(world)
    none = found(summary)["source", "korea/talk/"]
    assert (none.uploads, "may forget others" in none.doubt) == (0, True)
    assert as_json(summary)["unfinished_uploads"][0]["uploads"] is None
    assert unfinished_of(summary).rows[0][2].en == "this store does not say"
    assert [text for text in summary.unknown if text.startswith("korea/talk/, unfinished uploads: ")]
    await begun(world, "some")
    shown = unfinished_of(await planned(world)).rows[0]
    assert shown[2].en == "at least 1"
    target = found(summary)["target", "japan/talk/"]  # the control: a store that shows them by prefix is believed
    assert (target.uploads, target.doubt) == (0, "")


async def test_a_bucket_that_nobody_asked_is_not_believed_either(tmp_path, quick):
    """A dry run before any probe knows nothing of what a store shows: no figure is claimed."""
    summary = await planned(World.made(tmp_path))
    assert {each.doubt for each in summary.unfinished} == {"nobody has seen whether it shows all unfinished uploads"}


async def test_a_listing_of_uploads_that_is_forbidden_stops_nothing_and_is_said(world, monkeypatch):
    """Nothing of it is moved: the report says why it is not known, and the plan is drawn all the same."""

    async def forbidden(self, bucket, **options):
        raise Forbidden("not for you")

    monkeypatch.setattr("connectors.memory.MemoryStore.list_uploads", forbidden)
    summary = await planned(world)
    assert {each.doubt for each in summary.unfinished} == {"they could not be listed: not for you"}
    assert summary.counts["listed"].objects == 4


async def test_more_uploads_than_are_looked_into_are_counted_all_the_same(world, monkeypatch):
    """Asking each of ten thousand uploads for its parts would take longer than the plan: the rest is named as not looked into."""
    monkeypatch.setattr(stage, "PARTS_LOOKED_MAX", 2)
    for number in range(5):
        await begun(world, f"u/{number}")
    summary = await planned(world)
    source = found(summary)["source", "korea/talk/"]
    assert (source.uploads, source.looked_into, source.bytes) == (5, 2, 2000)
    assert unfinished_of(summary).rows[0][4].en == "2.0\u00a0KiB in 2 looked into"
