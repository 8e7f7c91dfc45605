"""A listing is ended by protocol or it does not exist: each way in which one can lie is refused with what happened."""

from __future__ import annotations

from itertools import count

import pytest

from connectors.memory import MemoryStore
from relocation.rules.errors import HikkoshiError, ProtocolError, Transient
from relocation.rules.objects import Page
from tests.model.world import World

KEYS = tuple(f"{number:02}" for number in range(12))
PAGE_KEYS = 3
NOT_TRUSTED = "not a listing to be trusted"


@pytest.fixture
async def world(tmp_path) -> World:
    world = World.made(tmp_path, attempts_max=2)
    for key in KEYS:
        for side in ("korea", "japan"):  # there already: both listings have four pages
            await world.store(side).put("talk", key, b"x")
    await world.probe()
    return world


def lie(monkeypatch, side: str, change, *, call: str = "list_objects") -> None:
    """Put `change(page, number)` in the place of each page of a side's listing of bucket `talk`; pages are numbered from 1."""
    real, numbers = getattr(MemoryStore, call), count(1)

    async def lying(self, bucket, **options):
        if (self.endpoint, bucket) != (side, "talk") or options.get("delimiter"):
            return await real(self, bucket, **options)
        return change(await real(self, bucket, **{**options, "page_keys": PAGE_KEYS}), next(numbers))

    monkeypatch.setattr(MemoryStore, call, lying)


FIRST = []
"""The page that came first."""


def same_page_again(page, number):
    """The token moves on, and the page does not."""
    FIRST[:] = FIRST if number > 1 else page.items
    return Page(tuple(FIRST), page.next_token)


def goes_backwards(page, number):
    """The third page shows what the first did."""
    FIRST[:] = FIRST if number > 1 else page.items
    return Page(tuple(FIRST), page.next_token) if number == 3 else page


def comes_from_elsewhere(page, number):
    """A key that the prefix asked for does not begin."""
    return Page(tuple(item._replace(key=f"other/{item.key}") for item in page.items), page.next_token)


def goes_in_a_circle(page, number):
    """Each second page leads back to the first."""
    return Page((), "one" if number % 2 else "two")


def fails_half_way(page, number):
    """The third page is a 500, however often it is asked for."""
    if number > 2:
        raise Transient("korea: s3:ListBucket talk: 500 InternalError")
    return page


def is_no_page(page, number):
    """The third page is a 200 that is HTML, or empty, or does not say whether it is the last: so the parser says."""
    if number > 2:
        raise ProtocolError("an answer that should be ListBucketResult is html")
    return page


LIES = {
    same_page_again: f"repeats 00: {NOT_TRUSTED}",
    goes_backwards: f"(repeats|goes back).*{NOT_TRUSTED}",
    goes_in_a_circle: f"goes round in a circle: {NOT_TRUSTED}",
    fails_half_way: "500 InternalError",
    is_no_page: "should be ListBucketResult is html",
}


@pytest.mark.parametrize("side", ["korea", "japan"])
@pytest.mark.parametrize("change", LIES, ids=lambda change: change.__name__)
async def test_a_listing_that_lies_is_refused_and_nothing_is_planned(world, monkeypatch, side, change):
    """S8, S10: whichever side's listing it is, the run stops with what happened; no plan is sealed and nothing is written."""
    lie(monkeypatch, side, change)
    with pytest.raises(HikkoshiError, match=LIES[change]):
        await world.run()
    assert world.writes() == []
    async with world.context() as context:
        (run,) = await context.ledger.list_runs()
        assert (run.plan_sha256, run.document) == ("", "")
        assert not [name for name in await context.vault.list(f"runs/{run.id}") if name.endswith("plan.json")]


async def test_keys_from_elsewhere_are_no_part_of_a_listing(world, monkeypatch):
    """S8: a store that answers for another prefix than it was asked for is not believed."""
    one = world.settings.categories["talk"]
    move = one.moves[0].model_copy(update={"source": one.moves[0].source.model_copy(update={"prefix": "0"})})
    world.settings = world.settings.model_copy(update={"categories": {"talk": one.model_copy(update={"moves": (move,)})}})
    lie(monkeypatch, "korea", comes_from_elsewhere)
    with pytest.raises(ProtocolError, match=f"under 0 shows other/00: {NOT_TRUSTED}"):
        await world.run()
    assert world.writes() == []


async def test_a_listing_that_fails_once_half_way_is_asked_again(world, monkeypatch):
    """S10: a page that fails and then comes is no lie: the listing goes on where it was, and is whole."""
    failed = []

    def falters(page, number):
        if number == 3 and not failed:
            failed.append(number)
            raise Transient("korea: s3:ListBucket talk: 500 InternalError")
        return page

    lie(monkeypatch, "korea", falters)
    assert (await world.run()).counts["listed"].objects == len(KEYS)
    assert failed


async def test_a_target_that_lies_after_the_copy_verifies_nothing(world, monkeypatch):
    """S7, S10: what is to stand there is held against the target's listing at the end; one that breaks off proves nothing."""
    await world.run()
    pages = count(1)

    def later(page, number):
        del number
        if next(pages) > 5:
            raise Transient("japan: s3:ListBucket talk: 500 InternalError")
        return page

    lie(monkeypatch, "japan", later)
    with pytest.raises(Transient):
        await world.run()


async def test_an_object_that_only_the_listing_shows_is_gone_by_name(world, monkeypatch):
    """S7: a listing that still shows what was deleted copies nothing in its name: presence needs the object itself."""

    def stale(page, number):
        del number
        ghost = page.items[0]._replace(key="99-ghost") if not page.next_token else None
        return Page((*page.items, ghost) if ghost else page.items, page.next_token)

    lie(monkeypatch, "korea", stale)
    summary = await world.run()
    assert [named.key for named in summary.gone] == ["99-ghost"]
    assert set(world.bodies("japan")) == set(KEYS)


def versions_without_a_latest(page, number):
    """A history whose newest version is missing."""
    return Page(tuple(item._replace(is_latest=False) for item in page.items), page.next_token)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (goes_backwards, "goes back from 05 to 00"),
        (versions_without_a_latest, "does not begin 00 with its latest version"),
        (goes_in_a_circle, "goes round in a circle"),
        (fails_half_way, "500 InternalError"),
    ],
    ids=["backwards", "no latest", "circle", "500"],
)
async def test_a_versions_listing_that_lies_is_no_second_enumeration(world, monkeypatch, change, words):
    """S8: what the versions listing would have shown is unknown then, and the report says why; the objects move all the same."""
    world.korea.buckets["talk"].versioning = "Enabled"
    lie(monkeypatch, "korea", change, call="list_versions")
    summary = await world.run()
    assert summary.second_listing == ()
    assert words in summary.histories.uncounted
    assert summary.outcomes["verified"].objects == len(KEYS)
