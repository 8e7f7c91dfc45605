"""All versions, listed in many ranges at once, are what one range shows: every version once, or it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relocation.rules.errors import ProtocolError
from relocation.rules.objects import Page
from relocation.stages.pages import Apart, ObjectsWalk
from relocation.stages.versions_walk import VersionsWalk
from tests.model.far import FarStore, FarVersions, Listing, key_page, version_page
from tests.model.test_ranges import KEYS, cut_anywhere

HISTORIES = st.builds(
    lambda keys, numbers: dict(zip(sorted(keys), numbers, strict=False)), KEYS, st.lists(st.integers(1, 9), min_size=70)
)
PATHS = st.text("ab/-.0", min_size=1, max_size=6)
TREES = st.dictionaries(PATHS, st.integers(1, 3), max_size=60)
FLAT = {f"{number:010}.jpg": number % 3 + 1 for number in range(1500)}


def versions(store: FarStore, prefix: str = "", **more) -> Listing:
    return Listing(store, prefix, kind=VersionsWalk, **more)


def rows(lines) -> list[tuple[str, int]]:
    return [(line.key, int(line.version_id)) for line in lines]


@given(histories=HISTORIES, prefix=st.sampled_from(["", "a", "a/"]), page_keys=st.integers(1, 7), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_any_histories_in_many_ranges_are_what_one_range_shows(histories, prefix, page_keys, seed):
    """S8: whatever the keys, however long their histories, wherever a page ends: each version exactly once, and in order."""
    store = FarVersions(histories, page_keys=page_keys, seed=seed)
    assert rows(versions(store, prefix).lines()) == [row for row in store.rows if row[0].startswith(prefix)]


@given(histories=HISTORIES, points=KEYS, page_keys=st.integers(1, 5), seed=st.integers(0, 99), at_keys=st.booleans())
@settings(max_examples=60, deadline=None)
def test_wherever_ranges_of_versions_are_cut_they_meet(histories, points, page_keys, seed, at_keys):
    """S8: a bound that is a key leaves its whole history to the range before, wherever pages end."""
    points = {*points, *sorted(histories)[::2]} if at_keys else points
    with pytest.MonkeyPatch.context() as patch:
        cut_anywhere(patch, sorted(points))
        store = FarVersions(histories, page_keys=page_keys, seed=seed)
        assert rows(versions(store).lines()) == store.rows


def test_a_page_that_ends_within_a_history_is_noticed(monkeypatch):
    """Negative control: were the last key of a page not left to the next one, what is left of its history would be nobody's."""
    monkeypatch.setattr(VersionsWalk, "_whole", lambda self, items: items)
    store = FarVersions(FLAT, page_keys=20)
    assert len(versions(store).lines()) < len(store.rows)


def test_far_away_all_versions_are_listed_many_times_sooner():
    """150 pages that take 30 ms each are there more than five times sooner, for few requests more."""
    one, many = versions(FarVersions(FLAT, page_keys=20)), versions(store := FarVersions(FLAT, page_keys=20), at_once=32)
    assert rows(one.lines(ranges_max=1)) == rows(many.lines()) == store.rows
    assert one.took_s > 5 * many.took_s
    assert store.pages + many.ranges.requests < 5 * len(store.rows) / 20


def test_near_by_versions_are_listed_in_one_range():
    """Where an answer takes no time, there is one range, and no request beyond its pages."""
    store = FarVersions(FLAT, page_keys=20, round_trip_s=0.001)
    listing = versions(store)
    assert rows(listing.lines()) == store.rows
    assert (len(listing.parts), listing.ranges.requests, store.pages) == (1, 0, 150)


class Liar(FarVersions):
    """A store that lies once its listing is cut in ranges: `lie` makes each page behind a key, out of the honest one."""

    def __init__(self, lie) -> None:
        super().__init__(FLAT, page_keys=20)
        self._lie = lie

    def versions(self, prefix, after, most):
        page = super().versions(prefix, after, most)
        return page if most == 1 or after[0] < "0000000300" else self._lie(self, page, after)


def begins_anew(store, page, after):
    """What it was to begin after is not honoured."""
    return FarVersions.versions(store, "", ("", 0), 20)


def begins_within(store, page, after):
    """A key marker alone begins with the older versions of its key."""
    return FarVersions.versions(store, "", (after[0], 0), 20) if after[0] in store.keys else page


def repeats_its_page(store, page, after):
    return Page(store.__dict__.setdefault("kept", page).items, page.next_token)


def begins_behind_the_latest(store, page, after):
    """What follows a key begins with the second version of the next one, as in moto."""
    return Page(page.items[1:], page.next_token) if page.items[0].is_latest and not page.items[1].is_latest else page


def leaves_out_the_latest(store, page, after):
    return Page((page.items[0], *(each for each in page.items[1:] if not each.is_latest)), page.next_token)


def shows_twice(store, page, after):
    return Page((page.items[0], *page.items), page.next_token)


def goes_by_folders(store, page, after):
    """Whole histories, in an order of its own."""
    keys = sorted({each.key for each in page.items[:-4]}, reverse=True)
    return Page(tuple(each for key in keys for each in page.items if each.key == key), page.next_token)


def another_prefix(store, page, after):
    return Page(tuple(each._replace(key=f"other/{each.key}") for each in page.items), page.next_token)


def circle(store, page, after):
    return Page((), "1 1" if page.next_token != "1 1" else "2 2")


def ends_early(store, page, after):
    """It says that it is over while there is more behind: of one range alone, nobody could tell."""
    return Page(page.items)


LIES = {
    begins_anew: (Apart, "asked for what follows .* and shows 0000000000"),
    begins_within: (Apart, r"asked for what follows (\d+).jpg and shows \1.jpg"),
    begins_behind_the_latest: (Apart, r"asked for what follows .* and begins within the history of \d+.jpg"),
    repeats_its_page: (Apart, "asked for what follows .* and shows 0"),
    leaves_out_the_latest: (ProtocolError, "does not begin .* with its latest version"),
    shows_twice: (ProtocolError, "shows a version of .* twice"),
    goes_by_folders: (ProtocolError, "goes back from"),
    another_prefix: (ProtocolError, "under 0 shows other/"),
    circle: (ProtocolError, "goes round in a circle"),
    ends_early: (ProtocolError, "ended at .*, and shows .* behind it: not a listing to be trusted"),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_range_of_versions_that_lies_is_refused(lie):
    """S8, S10: each way in which a versions listing can lie is refused in each range, and the whole listing with it."""
    error, words = LIES[lie]
    with pytest.raises(error, match=words):
        versions(Liar(lie), "0").lines()


class Tree(FarVersions):
    """A store in the order of a tree, as SeaweedFS lists objects: `a/b` before `a-b`, and a page begins at a place in that tree."""

    def __init__(self, histories, **more) -> None:
        super().__init__(histories, **more)
        self.keys.sort(key=lambda key: key.split("/"))
        self.rows.sort(key=self._place)

    @staticmethod
    def _place(row):
        return (row[0].split("/"), row[1])

    def page(self, prefix, after, most):
        return key_page([key for key in self.keys if key.split("/") > after.split("/")][: most + 1], most)

    def versions(self, prefix, after, most):
        return version_page([row for row in self.rows if self._place(row) > self._place(after)][: most + 1], most)


@given(
    histories=TREES,
    points=st.sets(PATHS, max_size=6),
    page_keys=st.integers(1, 6),
    seed=st.integers(0, 99),
    kind=st.sampled_from([ObjectsWalk, VersionsWalk]),
)
@settings(max_examples=200, deadline=None)
def test_a_store_in_the_order_of_a_tree_is_listed_whole_or_again_in_one_range(histories, points, page_keys, seed, kind):
    """S8: some stores list folders as folders; that is no lie, and wherever ranges are cut no key is lost to it."""
    store = Tree(histories, page_keys=page_keys, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        cut_anywhere(patch, sorted(points))
        try:
            lines = Listing(store, kind=kind).lines()
        except Apart:
            lines = Listing(store, kind=kind).lines(ranges_max=1)
    assert sorted(line.key for line in lines) == sorted(store.keys if kind is ObjectsWalk else (key for key, _ in store.rows))
