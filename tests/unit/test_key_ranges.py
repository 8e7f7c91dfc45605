"""Where a stretch of keys may be cut: points lie where they should, whatever keys are made of."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from relocation.rules.ranges import POINT_BYTES_MAX, Chart, Letters, after_all, common, ladder, leaps

TEXT = st.text(max_size=12) | st.text(st.sampled_from("ab/\U0010ffff\ud7ff"), max_size=6) | st.just("x" * 1024)


@settings(max_examples=50, deadline=None)
@given(low=TEXT, high=TEXT | st.none(), seen=st.lists(TEXT, max_size=5), count=st.integers(1, 9), near=st.integers(0, 12))
def test_every_point_lies_between_two_keys_and_can_be_sent(low, high, seen, count, near):
    """D14: a point is UTF-8 of at most 1,024 bytes, behind the one key and before the other."""
    letters = Letters()
    letters.learn([low, *seen])
    points = [*letters.between(low, high, count), *ladder(low, high, count, near), *leaps(low, len(low) // 2, high)]
    for point in points:
        assert low < point
        assert high is None or point < high
        assert len(point.encode()) <= POINT_BYTES_MAX


@settings(max_examples=50, deadline=None)
@given(beginning=TEXT, rest=TEXT, other=TEXT)
def test_what_lies_behind_a_beginning_lies_behind_all_that_begins_so(beginning, rest, other):
    """A common beginning ends where it ends, the last letter that there is included."""
    behind = after_all(beginning)
    if behind is None:
        assert not beginning.strip("\U0010ffff")
        return
    assert beginning + rest < behind
    if other >= behind:
        assert not other.startswith(beginning)


@settings(max_examples=50, deadline=None)
@given(one=TEXT, two=TEXT)
def test_what_two_keys_have_in_common_is_how_both_begin(one, two):
    """Two keys differ right after it, or one ends there."""
    head = common(one, two)
    assert one.startswith(head)
    assert two.startswith(head)
    assert one[len(head) : len(head) + 1] != two[len(head) : len(head) + 1] or head == one == two


def test_where_digits_were_seen_digits_are_expected():
    """Ten thousand numbered keys are cut into tenths, though only a few were seen."""
    letters = Letters()
    letters.learn(["u0000/a.jpg", "u0123/b.jpg", "u5678/c.jpg", "u9/d.jpg"])
    points = letters.between("u0000/a.jpg", "v", 40)
    assert {point[1] for point in points} == set("0123456789")


def test_a_ladder_shows_how_far_keys_are_alike():
    """Points behind a key's first letter, its first two, and so on: most where keys around it begin to differ."""
    assert ladder("user/1", None, 9, 6) == ["user/2", "user0", "uses", "usf", "ut", "v"]
    assert ladder("user/1", "user2", 9, 6) == ["user/2", "user0"]
    assert ladder("u7/a/long/way/0001", None, 4, 17) == ["u7/a/long/way/001", "u7/a/long/way/01", "u7/a/long/way/1", "u7/a/lp"]


@settings(max_examples=100, deadline=None)
@given(
    keys=st.lists(TEXT, min_size=1, unique=True),
    points=st.lists(TEXT, max_size=20),
    low=TEXT,
    until=TEXT | st.none(),
)
def test_what_is_known_of_keys_is_true_of_them(keys, points, low, until):
    """Behind the end there is nothing; each point to cut at has a key of its own behind it, and the next point behind that."""
    chart = Chart()
    for point in points:
        chart.learn(point, min((key for key in keys if key > point), default=None))
    assert all(chart.knows(point) for point in points)
    within = [key for key in keys if until is None or key <= until]
    end = chart.end(until)
    assert all(key <= end for key in within) if end is not None else until is None
    found = sorted(chart.between(low, until).items())
    for point, key in found:
        assert low < point < key == min(each for each in within if each > point)
    assert all(key <= following for (_, key), (following, _) in pairwise(found))
    assert bool(found) == any(
        low < point and any(key > point for key in within) and (until is None or point < until) for point in points
    )


def test_of_thousands_of_letters_each_leap_doubles_the_distance():
    """D14: where any of thousands of letters may stand, half a surrogate pair never does."""
    points = leaps("写/\ud700", 2, None)
    assert [ord(point[2]) - 0xD700 for point in points[:4]] == [1, 2, 4, 8]
    assert not any(0xD800 <= ord(point[2]) < 0xE000 for point in points)


def test_how_far_it_is_from_one_key_to_another():
    """What is left of a range is told by its letters; where they tell nothing, it counts as over."""
    letters = Letters()
    letters.learn(["0123456789"])
    assert 0.4 < letters.share("0", "5", "9") < 0.7
    assert letters.share("0", "0", "9") == 0.0
    assert letters.share("5", "5", "5") == 1.0
