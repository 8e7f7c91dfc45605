"""What no category claims is found and summed up, and what is claimed is not listed a second time for it."""

from __future__ import annotations

import random

import pytest

from connectors.memory import MemoryStore
from connectors.report.limits import counted
from relocation.rules.errors import Forbidden
from relocation.settings import Move, Side
from relocation.stages import unclaimed as stage
from relocation.stages.unclaimed import unclaimed
from tests.model.world import World

CLAIMS = ("images/", "videos/2019", "a")


async def looked(folder, claims, keys) -> dict[str, tuple[int, int]]:
    """Return (objects, bytes) of each unclaimed place."""
    world = World.made(folder)
    moves = tuple(
        Move(source=Side(endpoint="korea", bucket="talk", prefix=claim), target=Side(endpoint="japan", bucket="talk", prefix=claim))
        for claim in claims
    )
    one = world.settings.categories["talk"]
    world.settings = world.settings.model_copy(update={"categories": {"talk": one.model_copy(update={"moves": moves})}})
    for key in keys:
        await world.store().put("talk", key, b"12345")
    async with world.context() as context:
        found = await unclaimed(context, "korea")
    return {each.place: (each.objects, each.bytes) for each in found}


def expected(claims, keys) -> dict[str, tuple[int, int]]:
    sums: dict[str, int] = {}
    for key in keys:
        if not key.startswith(claims):
            head, slash, _ = key.partition("/")
            place = f"korea/talk/{head}/" if slash else "korea/talk"
            sums[place] = sums.get(place, 0) + 1
    return {place: (count, 5 * count) for place, count in sums.items()}


@pytest.mark.parametrize("walked_max", [200, 3, 1], ids=["level by level", "given up below", "given up at once"])
async def test_everything_beside_the_claims_is_found(tmp_path, monkeypatch, walked_max):
    """What was forgotten shows up with its number and bytes: beside a claim, below its folder, above it, whichever way is taken."""
    monkeypatch.setattr(stage, "WALKED_MAX", walked_max)
    random_ = random.Random(5)
    parts = ("images/", "videos/", "2019", "2019/", "2020/", "a", "b/", "x", "/", "写真/")
    keys = {"".join(random_.choices(parts, k=random_.randint(1, 4))) + "z" for _ in range(150)}
    found = await looked(tmp_path, CLAIMS, keys)
    assert found == expected(CLAIMS, keys)


async def test_what_is_claimed_is_not_listed_once_more(tmp_path, monkeypatch):
    """A second listing of twenty thousand objects for the sake of three beside them costs a run its first second."""
    pages = []
    real = MemoryStore.list_objects

    async def counted(self, bucket, **asked):
        pages.append((asked.get("prefix", ""), asked.get("delimiter", "")))
        return await real(self, bucket, **asked)

    monkeypatch.setattr(MemoryStore, "list_objects", counted)
    keys = [f"images/{number}" for number in range(50)] + ["forgotten/x", "videos/2019/a", "videos/2021/b", "top"]
    found = await looked(tmp_path, ("images/", "videos/2019/"), keys)
    assert found == {"korea/talk": (1, 5), "korea/talk/forgotten/": (1, 5), "korea/talk/videos/": (1, 5)}
    assert pages == [("", "/"), ("videos/", "/"), ("videos/2021/", ""), ("forgotten/", "")]


async def versioned(folder, *, claimed: str = "images/") -> World:
    """A source that keeps versions: what is claimed, what is overwritten and deleted beside it, and a bucket of nobody's."""
    world = World.made(folder)
    world.korea.buckets["talk"].versioning = "Enabled"
    world.korea.make_bucket("old", versioning="Enabled")
    side = {"bucket": "talk", "prefix": claimed}
    move = Move(source=Side(endpoint="korea", **side), target=Side(endpoint="japan", **side))
    one = world.settings.categories["talk"].model_copy(update={"moves": (move,)})
    world.settings = world.settings.model_copy(update={"categories": {"talk": one}})
    store = world.store()
    for body in (b"1", b"22", b"333"):
        await store.put("talk", "images/mine", body)
        await store.put("talk", "albums/twice", body)
        await store.put("old", "gone", body)
    await store.put("talk", "memo/deleted", b"4444")
    await store.delete("talk", "memo/deleted")
    await store.delete("old", "gone")
    await store.put("talk", "top", b"1")
    return world


def told(found) -> dict[str, tuple[int, int, int, int, int]]:
    return {each.place: (each.objects, each.bytes, each.versions, each.version_bytes, each.markers) for each in found}


@pytest.mark.parametrize("walked_max", [200, 1], ids=["level by level", "listed through"])
async def test_former_versions_and_markers_of_what_nobody_claims_are_counted(tmp_path, monkeypatch, walked_max):
    """X5: a folder of which everything was deleted, and a bucket that holds nothing but history, are forgotten data too."""
    monkeypatch.setattr(stage, "WALKED_MAX", walked_max)
    world = await versioned(tmp_path)
    async with world.context() as context:
        found = told(await unclaimed(context, "korea"))
    assert found == {
        "korea/old": (0, 0, 3, 6, 1),
        "korea/talk": (1, 1, 0, 0, 0),
        "korea/talk/albums/": (1, 3, 2, 3, 0),
        "korea/talk/memo/": (0, 0, 1, 4, 1),
    }


async def test_versions_that_may_not_be_listed_are_said_to_be_uncounted(tmp_path, monkeypatch):
    """What is there now is counted all the same; of what was, no figure is claimed."""
    world = await versioned(tmp_path)

    async def forbidden(self, bucket, **options):
        raise Forbidden("not for you")

    monkeypatch.setattr("connectors.memory.MemoryStore.list_versions", forbidden)
    async with world.context() as context:
        found = await unclaimed(context, "korea")
    assert told(found)["korea/talk/albums/"] == (1, 3, -1, 0, 0)
    assert counted(found[-1])[0].en == "1; former versions not counted"


async def test_a_source_without_versions_is_listed_by_its_objects_alone(tmp_path):
    """Nothing is asked for that is not there: one request tells that a bucket keeps none."""
    world = await versioned(tmp_path)
    world.korea.buckets["talk"].versioning = world.korea.buckets["old"].versioning = ""
    world.forget_calls()
    async with world.context() as context:
        await unclaimed(context, "korea")
    assert "s3:ListBucketVersions" not in {call.action for call in world.korea.calls}
