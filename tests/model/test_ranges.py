"""A listing in many ranges at once is the same as in one: every key once, in order, or it is refused."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relocation.rules.errors import ProtocolError, Transient
from relocation.rules.objects import Page
from relocation.rules.ranges import Chart
from relocation.stages import ranges
from relocation.stages.pages import Apart
from relocation.stages.ranges import Ranges
from tests.model.far import FarStore, Listing

ODD = st.sampled_from([*"abz/09~é\x00\x1f\ud7ff\ue000\ufffe\U0010ffff", "", "ab" * 20])
KEYS = st.sets(st.lists(ODD, min_size=1, max_size=5).map("".join).filter(bool), max_size=70)
FLAT = [f"{number:010}.jpg" for number in range(3000)]


@given(keys=KEYS, prefix=st.sampled_from(["", "a", "a/", "\U0010ffff"]), page_keys=st.integers(1, 7), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_any_keys_in_many_ranges_are_what_one_range_shows(keys, prefix, page_keys, seed):
    """S8: whatever the keys, the size of a page, and who is answered first, each key is listed exactly once, and in order."""
    store = FarStore(keys, page_keys=page_keys, seed=seed)
    assert Listing(store, prefix).shown() == sorted(key for key in keys if key.startswith(prefix))


def cut_anywhere(monkeypatch, points):
    """Have every range cut at given points, wherever they are."""

    def between(_, low, until):
        return {point: point for point in points if low < point and (until is None or point < until)}

    monkeypatch.setattr(Chart, "between", between)


@given(keys=KEYS, points=KEYS, page_keys=st.integers(1, 5), seed=st.integers(0, 99), at_keys=st.booleans())
@settings(max_examples=60, deadline=None)
def test_wherever_ranges_are_cut_they_meet(keys, points, page_keys, seed, at_keys):
    """S8: a bound that is a key, the beginning of one, or nothing at all: no key is lost between two ranges, or shown by both."""
    points = {*points, *sorted(keys)[::2]} if at_keys else points
    with pytest.MonkeyPatch.context() as patch:
        cut_anywhere(patch, sorted(points))
        assert Listing(FarStore(keys, page_keys=page_keys, seed=seed)).shown() == sorted(keys)


def test_a_bound_that_is_off_by_one_is_noticed_where_ranges_meet(monkeypatch):
    """Negative control: were the key that a bound names left to the next range, which begins after it, it would be nobody's."""
    monkeypatch.setattr(ranges, "bisect_right", bisect_left)
    cut_anywhere(monkeypatch, FLAT[500:3000:500])
    with pytest.raises(Apart, match=r"shows other keys after 0000000499.jpg than after 0000000500.jpg"):
        Listing(FarStore(FLAT, page_keys=50)).shown()
    monkeypatch.setattr(Ranges, "_meet", lambda *_: asyncio.sleep(0))
    assert len(Listing(FarStore(FLAT, page_keys=50)).shown()) < len(FLAT)


def shapes():
    number = random.Random(5)
    return {
        "flat": FLAT,
        "by user": [f"u{user:05}/{photo:02}.jpg" for user in range(150) for photo in range(20)],
        "random": [f"{number.getrandbits(64):016x}" for _ in range(3000)],
        "below forty letters": [f"{'deep/er/' * 5}{each:07}" for each in range(3000)],
        "one user has nearly all": [
            *(f"{letter}/x" for letter in "abcdefgh"),
            *(f"d/{'y' * 40}/{each:06}" for each in range(3000)),
        ],
        "kanji": [f"写真/{chr(0x4E00 + each)}{each % 7}" for each in range(3000)],
    }


@pytest.mark.parametrize(("shape", "prefix"), [*((shape, "talk/") for shape in shapes()), ("flat", "")])
def test_far_away_a_listing_in_ranges_is_over_many_times_sooner(shape, prefix):
    """Whatever the keys are like, 150 pages that take 30 ms each are there more than five times sooner, for at most five requests
    instead of one, most of them for a single key."""
    keys = sorted(prefix + key for key in shapes()[shape])
    one, many = Listing(FarStore(keys, page_keys=20), prefix), Listing(store := FarStore(keys, page_keys=20), prefix, at_once=32)
    assert one.shown(ranges_max=1) == many.shown() == keys
    assert one.took_s > 5 * many.took_s
    assert store.pages + many.ranges.requests < 5 * len(keys) / 20


def test_near_by_one_range_is_enough():
    """Where an answer takes no time, there is one range, and no request beyond its pages."""
    store = FarStore(FLAT, page_keys=20, round_trip_s=0.001)
    listing = Listing(store)
    assert listing.shown() == FLAT
    assert (len(listing.parts), listing.ranges.requests, store.pages) == (1, 0, 150)


def test_a_server_that_works_long_at_a_page_is_not_far_away():
    """Where a page takes long and one key does not, more ranges at once would only wait for the same server."""
    store = FarStore(FLAT, page_keys=20)
    store.one_key_s = 0.002
    listing = Listing(store)
    assert listing.shown() == FLAT
    assert len(listing.parts) == 1


def test_our_own_work_is_no_distance():
    """Where answers are late because we are busy ourselves (facts are read meanwhile), one range it is."""
    store = FarStore(FLAT, page_keys=20, round_trip_s=0.002)
    store.own_work_s = 0.07
    listing = Listing(store)
    assert listing.shown() == FLAT
    assert (len(listing.parts), listing.ranges.requests) == (1, 4)


def test_what_is_far_away_is_so_once_we_have_less_to_do():
    """Our own work hides for a while how long an answer takes: that decides nothing for good."""
    store = FarStore(FLAT, page_keys=20)
    page, store.own_work_s = store.page, 0.07

    def read_at_last(prefix, after, most):
        store.own_work_s = 0.07 if after < FLAT[200] else 0.0
        return page(prefix, after, most)

    store.page = read_at_last
    listing = Listing(store)
    assert listing.shown() == FLAT
    assert len(listing.parts) > 10


def test_a_store_that_was_near_once_is_near_for_good():
    """A machine that is busy later on makes nothing far away: it is asked once, and not until it looks so."""
    store = FarStore(FLAT, page_keys=20)
    page, store.one_key_s = store.page, 0.002

    def busy_later(prefix, after, most):
        store.one_key_s = 0.002 if most > 1 and after < FLAT[100] else 0.03
        return page(prefix, after, most)

    store.page = busy_later
    listing = Listing(store)
    assert listing.shown() == FLAT
    assert (len(listing.parts), listing.ranges.requests) == (1, 1)


def test_a_first_page_that_is_late_decides_nothing_for_good():
    """A store whose first page took long by chance is found to be far away a few pages later."""
    store = FarStore(FLAT, page_keys=20)
    store.late_s = [1.0]
    listing = Listing(store)
    assert listing.shown() == FLAT
    assert len(listing.parts) > 10


def test_a_store_that_has_to_search_for_where_to_begin_is_listed_in_one_range():
    """Where a page that begins anywhere costs the store a search, as on MinIO, ranges would be work for it and no gain."""
    store = FarStore(FLAT, page_keys=20)
    store.search_s = 0.2
    listing = Listing(store)
    assert listing.shown() == FLAT
    assert len(listing.parts) == 1
    assert listing.ranges.requests <= 9


def test_never_more_at_once_than_the_endpoint_takes():
    """An endpoint that takes four requests at once is asked for four pages at once; single keys come on top, and wait."""
    store = FarStore(FLAT, page_keys=20)
    assert Listing(store, at_once=4).shown() == FLAT
    assert store.most_under_way == 4


class Liar(FarStore):
    """A store that lies once its listing is cut in ranges: `lie` is asked for each page that follows a bound."""

    def __init__(self, lie) -> None:
        super().__init__(FLAT, page_keys=20)
        self._lie = lie

    def page(self, prefix, after, most):
        page = super().page(prefix, after, most)
        return page if most == 1 or after < "0000001000" else self._lie(self, page, after)


def begins_anew(store, page, after):
    """What it was to begin after is not honoured."""
    return FarStore.page(store, "", "", 20)


def backwards(store, page, after):
    return Page(page.items[::-1], page.next_token)


def repeats_its_page(store, page, after):
    return Page(store.__dict__.setdefault("kept", page).items, page.next_token)


def goes_by_folders(store, page, after):
    """A page in an order of its own."""
    return Page((*page.items[10:], *page.items[:10]), page.next_token)


def another_prefix(store, page, after):
    return Page(tuple(item._replace(key=f"other/{item.key}") for item in page.items), page.next_token)


def circle(store, page, after):
    return Page((), "one" if page.next_token != "one" else "two")


def fails(store, page, after):
    raise Transient("korea: s3:ListBucket talk: 500 InternalError")


def html(store, page, after):
    raise ProtocolError("an answer that should be ListBucketResult is html")


def ends_early(store, page, after):
    """It says that it is over while there is more behind: of one range alone, nobody could tell."""
    return Page(page.items)


def leaves_out_its_first(store, page, after):
    """What follows a bound is not all shown; one range alone would not be told so."""
    return Page(page.items[1:], page.next_token) if after not in store.keys else page


LIES = {
    begins_anew: (Apart, "asked for what follows .* and shows 0000000000"),
    backwards: (Apart, "not in the order of its keys' bytes"),
    goes_by_folders: (Apart, "not in the order of its keys' bytes"),
    repeats_its_page: (Apart, "asked for what follows .* and shows 0"),
    another_prefix: (ProtocolError, "under 0 shows other/"),
    circle: (ProtocolError, "goes round in a circle"),
    fails: (Transient, "500 InternalError"),
    html: (ProtocolError, "is html"),
    ends_early: (ProtocolError, "ended at .*, and shows .* behind it: not a listing to be trusted"),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_range_that_lies_is_refused(lie):
    """S8, S10: each way in which a listing can lie is refused in each range, and the whole listing with it."""
    error, words = LIES[lie]
    with pytest.raises(error, match=words):
        Listing(Liar(lie), "0").shown()


def test_one_range_that_ends_before_a_key_that_was_seen_is_refused(monkeypatch):
    """S8: asked for a few keys elsewhere, the store showed one that its listing, which says that it is over, never came to."""
    store = Liar(ends_early)
    store.search_s = 0.2
    monkeypatch.setattr(Ranges, "_candidates", lambda *_: ["0000002"])
    listing = Listing(store, "0")
    with pytest.raises(ProtocolError, match=r"ended at 0000001\d{3}.jpg, and shows 0000001\d{3}.jpg behind it: not a listing"):
        listing.shown()
    assert len(listing.parts) == 1


def test_what_a_range_leaves_out_at_its_beginning_is_found_by_the_one_before():
    """S8: the ranges do not meet; what lies between them is listed once more."""
    listing = Listing(Liar(leaves_out_its_first))
    assert listing.shown() == FLAT
    assert len(listing.parts) > 10


def test_a_store_that_does_not_honour_where_to_begin_is_listed_in_one_range():
    """S8: asked for one key behind another, it shows one before: it is found out before any range is begun."""
    store = FarStore(FLAT, page_keys=20)
    page = store.page
    store.page = lambda prefix, after, most: page(prefix, "" if most == 1 else after, most)
    with pytest.raises(Apart, match=r"was asked for what follows 0000000019[.]jpg and shows 0000000000[.]jpg"):
        Listing(store).shown()
    assert Listing(store).shown(ranges_max=1) == FLAT


def test_what_is_put_behind_a_range_that_had_ended_is_no_lie(monkeypatch):
    """S9: its last page was under way when somebody put the first key behind it, which is where the next range begins."""
    cut_anywhere(monkeypatch, [FLAT[1990]])
    store = FarStore(FLAT, page_keys=20)
    page = store.page

    def not_yet(prefix, after, most):
        shown = page(prefix, after, most)
        ends = after < FLAT[1990] < shown.items[-1].key and most > 1
        return Page(tuple(item for item in shown.items if item.key <= FLAT[1990])) if ends else shown

    store.page = not_yet
    listing = Listing(store)
    assert listing.shown() == FLAT
    assert len(listing.parts) == 2


@pytest.mark.parametrize("seed", range(2))
def test_what_a_writer_does_where_ranges_meet_is_no_lie(seed):
    """S9: keys come and go while the ranges are listed; what was there all the time is listed once."""
    number = random.Random(seed)
    store = FarStore(FLAT[:1000], page_keys=20, seed=seed)
    page, coming = store.page, [f"{key}-new" for key in number.sample(FLAT[:1000], 100)]
    going = set(number.sample(FLAT[:1000], 100))

    def live(prefix, after, most):
        if coming:
            store.keys = sorted({*store.keys, coming.pop()} - {going.pop()})
        return page(prefix, after, most)

    store.page = live
    gone = set(going)
    shown = Listing(store).shown()
    assert shown == sorted(set(shown))
    assert set(shown) >= set(FLAT[:1000]) - gone
