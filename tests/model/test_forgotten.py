"""What had been forgotten shows up: data that no category claims, and a category that claims nothing that there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.report.markdown import as_markdown
from connectors.report.page import as_page
from hikkoshi.exit_codes import ExitCode, code_of
from relocation.rules.errors import Forbidden
from relocation.stages.wave import WaveRequest, dry_run
from tests.model.test_review import wrap
from tests.model.world import World


@pytest.fixture
async def world(tmp_path) -> World:
    """Category `talk` claims `talk/images/`; `stamps` claims a prefix that is not there; `keep` was forgotten by everybody."""
    world = World.made(tmp_path)
    world.korea.make_bucket("keep")
    for bucket, key in (("talk", "images/a"), ("talk", "memos/b"), ("talk", "memos/c"), ("keep", "notes/d")):
        await world.store().put(bucket, key, b"12345")
    one = world.settings.categories["talk"]
    move = one.moves[0]
    claims = {"talk": "images/", "stamps": "stamps/"}
    categories = {
        name: one.model_copy(
            update={"moves": (move.model_copy(update={"source": move.source.model_copy(update={"prefix": prefix})}),)}
        )
        for name, prefix in claims.items()
    }
    world.settings = world.settings.model_copy(update={"categories": categories})
    await world.probe()
    return world


async def planned(world: World, category: str):
    async with world.context() as context:
        return await dry_run(context, WaveRequest(category, "all"))


async def test_what_no_category_claims_is_in_every_report_with_its_size(world):
    """A forgotten bucket and a forgotten top-level prefix stand in the report of each category, in words of both languages."""
    for category in ("talk", "stamps"):
        summary = await planned(world, category)
        assert [(each.place, each.objects, each.bytes) for each in summary.unclaimed] == [
            ("korea/keep", 1, 5),
            ("korea/talk/memos/", 2, 10),
        ]
        assert all(each.newest for each in summary.unclaimed)
        page = as_page(summary)
        for words in (
            "Buckets and prefixes at the source that no category claims",
            "どの区分にも属さない",
            "korea/keep",
            "korea/talk/memos/",
        ):
            assert words in page
        assert "korea/talk/memos/" in as_markdown(summary, language="ja")


async def test_a_category_that_claims_nothing_that_exists_says_so(world):
    """A prefix with a slip in it moves nothing; its report says that nothing is there, and names what nobody claims beside it."""
    summary = await planned(world, "stamps")
    assert summary.counts["listed"].objects == 0
    assert code_of(summary) == ExitCode.DONE
    assert "Nothing is there: the source lists no object of this category" in as_markdown(summary)
    assert "この区分のオブジェクトは移行元に 1 件もありません" in as_markdown(summary, language="ja")


async def test_once_it_is_claimed_it_is_forgotten_no_more(world):
    """Negative control: what is named is what no category claims, and nothing else."""
    one = world.settings.categories["stamps"]
    move = one.moves[0].model_copy(update={"source": one.moves[0].source.model_copy(update={"prefix": "memos/"})})
    categories = world.settings.categories | {"stamps": one.model_copy(update={"moves": (move,)})}
    world.settings = world.settings.model_copy(update={"categories": categories})
    assert [each.place for each in (await planned(world, "talk")).unclaimed] == ["korea/keep"]
    assert (await planned(world, "stamps")).counts["listed"].objects == 2


async def test_an_object_above_a_prefix_is_named_since_it_may_hide_all_of_it(world):
    """D25: `images` beside `images/a`: the listing of `images/` is empty, and what is there must not pass for nothing."""
    assert not [text for text in (await planned(world, "stamps")).unknown if "above the prefix" in text]
    world.korea.behaviour = replace(world.korea.behaviour, hides_children=True)
    await world.store().put("talk", "images", b"above")
    summary = await planned(world, "talk")
    assert summary.counts["listed"].objects == 0
    (told,) = [text for text in summary.unknown if "above the prefix" in text]
    assert told.startswith("korea/talk/images is an object above the prefix `images/`")
    assert "korea/talk/images はプレフィックス images/" in as_markdown(summary, language="ja")


async def test_who_may_read_below_the_prefix_alone_can_plan(world, monkeypatch):
    """The policies that are shipped give the reader no right to objects beside the move's prefix: nothing there is asked for."""

    async def forbidden(call, _store, bucket, key, *_, **__):
        if bucket == "talk" and not key.startswith("images/"):
            raise Forbidden(f"reader may not s3:GetObject on {key}")
        return await call()

    category = world.settings.categories["talk"]
    (move,) = category.moves
    below = move.model_copy(update={"target": move.target.model_copy(update={"prefix": "images/"})})
    world.settings = world.settings.model_copy(update={"categories": {"talk": category.model_copy(update={"moves": (below,)})}})
    for side in ("korea", "japan"):
        wrap(monkeypatch, "head", side, forbidden)
    assert (await planned(world, "talk")).counts["copy"].objects == 1


async def test_what_somebody_keeps_below_the_reserved_prefix_is_named_too(world):
    """The probe's prefix hides the probe's own objects: data of people that lies there is not forgotten for its name."""
    await world.store().put("talk", "hikkoshi-canary/diary", b"1234567")
    await world.store().put("talk", "hikkoshi-canary/0123456789ab/1/canary", b"x")
    found = {each.place: (each.objects, each.bytes) for each in (await planned(world, "talk")).unclaimed}
    assert found["korea/talk/hikkoshi-canary/"] == (1, 7)
