"""What no category claims is found and summed up, and what is claimed is not listed a second time for it."""

from __future__ import annotations

import random

import pytest

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
    real = stage.list_all

    def counted(context, store, bucket, prefix, **options):
        pages.append((prefix, options.get("delimiter", "")))
        return real(context, store, bucket, prefix, **options)

    monkeypatch.setattr(stage, "list_all", counted)
    keys = [f"images/{number}" for number in range(50)] + ["forgotten/x", "videos/2019/a", "videos/2021/b", "top"]
    found = await looked(tmp_path, ("images/", "videos/2019/"), keys)
    assert found == {"korea/talk": (1, 5), "korea/talk/forgotten/": (1, 5), "korea/talk/videos/": (1, 5)}
    assert pages == [("", "/"), ("videos/", "/"), ("videos/2021/", ""), ("forgotten/", "")]
