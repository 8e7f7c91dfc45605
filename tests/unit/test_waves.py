"""Waves partition their category: every object goes through the life of exactly one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relocation.rules.errors import StateMismatch
from relocation.rules.waves import Between, Partition, Selector, Users, partition_problems, place_ppm, share_keys

FIRST, SECOND, REST = Selector("first", ("2019/", "2020/")), Selector("second", ("2021/",)), Selector("rest")
PATTERN = r"(?P<user>u\d+)/"
DAYS = ("2019-01-01T00:00:00", "2020-01-01T00:00:00")
few = st.text(alphabet="ab/写", max_size=5)
waves_of_prefixes = st.lists(st.lists(few.filter(bool), min_size=1, max_size=3), max_size=4)


def between(values) -> st.SearchStrategy:
    return st.builds(Between, st.none() | values, st.none() | values)


def selectors(*, lists: bool) -> st.SearchStrategy:
    one = st.builds(
        Selector,
        st.just("wave"),
        st.lists(few.filter(bool), max_size=2).map(tuple),
        keys=between(few),
        modified=between(st.sampled_from(DAYS)),
        size=between(st.integers(0, 3)),
    )
    if lists:
        one |= st.builds(Selector, st.just("wave"), listed=st.frozensets(few, min_size=1, max_size=2))
    return st.lists(one.filter(lambda each: not each.is_rest), max_size=3).map(_named)


def _named(selectors: list[Selector]) -> list[Selector]:
    return [replace(each, name=f"wave-{index}") for index, each in enumerate(selectors)] + [REST]


objects = st.tuples(
    few, st.integers(0, 3), st.sampled_from(["2018-12-31T23:59:59.999Z", "2019-06-01T00:00:00Z", "2020-01-01T00:00:00Z"])
)


@given(selectors(lists=True), st.lists(objects, max_size=20))
def test_every_object_belongs_to_exactly_one_wave(asked, found):
    """No object is moved twice and none is forgotten, whatever the waves ask for, as long as the check finds nothing wrong."""
    assume(not partition_problems(asked))
    partition = Partition(asked)
    for key, size, modified in found:
        name = partition.wave_of(key, size, modified)
        listed = [each.name for each in asked if each.listed and key in each.listed]
        asking = [each.name for each in asked if not each.is_rest and each.listed is None and each.claims(key, size, modified)]
        assert [name] == (listed or asking or ["rest"])


@given(waves_of_prefixes)
def test_waves_that_would_share_a_key_are_always_found(prefixes):
    """The check refuses exactly the waves for which some key would belong to two: no less, no more."""
    waves = [Selector(f"wave-{index}", tuple(each)) for index, each in enumerate(prefixes)] + [REST]
    candidates = [prefix for each in prefixes for prefix in each]  # a key of two waves begins with both: the longer of them is one
    shared = any(sum(each.claims(key, 0, "") for each in waves[:-1]) > 1 for key in candidates)
    assert bool(partition_problems(waves)) == shared


@given(selectors(lists=False), objects)
def test_an_object_of_two_waves_was_refused_before_it_was_met(asked, item):
    """What the configuration alone can tell, it tells: no plan meets an object of two waves, but for shares of users."""
    if sum(each.claims(*item) for each in asked if not each.is_rest) > 1:
        assert partition_problems(asked)


@pytest.mark.parametrize(
    ("wave", "key"),
    [("first", "2019/cat.jpg"), ("first", "2019/"), ("rest", "2019"), ("rest", "x2019/"), ("second", "2021/x"), ("rest", "")],
)
def test_a_wave_takes_what_begins_with_its_prefixes_and_the_rest_what_is_left(wave, key):
    """Prefixes are plain beginnings of the key below the move's prefix."""
    assert Partition([FIRST, SECOND, REST]).wave_of(key, 1, "") == wave


@pytest.mark.parametrize(
    ("selector", "inside", "outside"),
    [
        (Selector("w", keys=Between("b", "d")), [("b", 1, ""), ("czz", 1, "")], [("a~", 1, ""), ("d", 1, "")]),
        (Selector("w", size=Between(10, None)), [("a", 10, "")], [("a", 9, "")]),
        (
            Selector("w", modified=Between(None, DAYS[0])),
            [("a", 1, "2018-12-31T23:59:59.999Z")],
            [("a", 1, "2019-01-01T00:00:00Z")],
        ),
        (Selector("w", ("p/",), size=Between(None, 5)), [("p/a", 4, "")], [("p/a", 5, ""), ("q/a", 4, "")]),
        (Selector("w", listed=frozenset({"a\n"})), [("a\n", 1, "")], [("a", 1, "")]),
    ],
)
def test_a_wave_asks_for_keys_sizes_days_or_a_list_all_of_it_at_once(selector, inside, outside):
    """The first of a range is in it, its end is not."""
    partition = Partition([selector, REST])
    assert {partition.wave_of(*each) for each in inside} == {"w"}
    assert {partition.wave_of(*each) for each in outside} == {"rest"}


def test_a_list_of_keys_goes_before_all_others():
    """Official accounts are named one by one; whatever else claims them, they go with their own wave."""
    partition = Partition([FIRST, Selector("official", listed=frozenset({"2019/official.jpg"})), REST])
    assert partition.wave_of("2019/official.jpg", 1, "") == "official"
    assert partition.wave_of("2019/other.jpg", 1, "") == "first"


def test_a_share_takes_whole_users_and_the_same_ones_each_time():
    """All that a user has goes with one wave; a tenth of the users is a tenth of them, on any machine and in any category."""
    partition = Partition([Selector("tenth", users=Users(PATTERN, 0, 100_000)), REST])
    of = {user: {partition.wave_of(f"u{user}/{name}", 1, "") for name in "abc"} for user in range(5_000)}
    assert all(len(waves) == 1 for waves in of.values())
    assert 400 <= sum(waves == {"tenth"} for waves in of.values()) <= 600
    assert partition.wave_of("not of a user", 1, "") == "rest"
    assert place_ppm("u1") == 732_452  # written down: a machine that disagreed would move other people


@given(st.integers(1, 1_000_000), st.integers(1, 1_000_000), st.text(alphabet="0123456789", min_size=1))
def test_a_share_that_grows_drops_nobody(one, other, user):
    """Ten percent, then twenty: whoever was in the first stage stays in it."""
    small, large = sorted((one, other))
    if Users(PATTERN, 0, small).holds(f"u{user}/x"):
        assert Users(PATTERN, 0, large).holds(f"u{user}/x")


def test_an_object_that_two_waves_claim_is_refused_by_its_name():
    """Where only the keys show an overlap, the plan stops at the key: to guess would move it twice, or with the wrong wave."""
    partition = Partition([Selector("vip", ("u7/",)), Selector("all-users", users=Users(PATTERN, 0, 1_000_000)), REST])
    with pytest.raises(StateMismatch, match="u7/%E5%86%99 is claimed by the waves vip and all-users"):
        partition.wave_of("u7/写", 1, "")
    assert partition.wave_of("u8/x", 1, "") == "all-users"


def test_a_single_wave_that_asks_for_nothing_is_the_whole_category():
    """A category without waves is one wave named `all`."""
    assert Partition([Selector("all")]).wave_of("anything", 1, "") == "all"
    assert partition_problems([]) == ()
    assert partition_problems([Selector("all")]) == ()


def test_a_hole_an_overlap_and_a_second_rest_are_each_named():
    """All that is wrong with the waves is said at once, each with its place."""
    assert partition_problems([FIRST, SECOND]) == (("", "no wave takes what the others leave; add `- {name: rest}`"),)
    wrong = [
        FIRST,
        Selector("first", ("2019/1/", "20")),
        REST,
        Selector("more"),
        Selector("e", ("",)),
        Selector("small", size=Between(None, 5)),
        Selector("l", listed=frozenset({"a", "b"})),
        Selector("m", listed=frozenset({"b", "c"})),
        Selector("half", users=Users(PATTERN, 0, 500_000)),
        Selector("also", ("x/",), listed=frozenset({"z"})),
        Selector("too-many", users=Users(PATTERN, 500_000, 1_100_000)),
    ]
    places = ["1.name", "3", "4.prefixes", "1.prefixes", "5", "5", "7.keys_file", "9.keys_file", "10.users.share"]
    assert [place for place, _ in partition_problems(wrong)] == places


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (Selector("a", keys=Between(None, "m")), Selector("b", keys=Between("m", None)), True),
        (Selector("a", keys=Between(None, "n")), Selector("b", keys=Between("m", None)), False),
        (Selector("a", ("p/",)), Selector("b", keys=Between("q", None)), True),
        (Selector("a", ("p/",)), Selector("b", keys=Between("p/5", None)), False),
        (Selector("a", ("p/",), size=Between(None, 5)), Selector("b", ("p/",), size=Between(5, None)), True),
        (Selector("a", modified=Between(None, DAYS[0])), Selector("b", modified=Between(*DAYS)), True),
        (Selector("a", modified=Between(*DAYS)), Selector("b", size=Between(5, None)), False),
    ],
)
def test_what_keeps_two_waves_apart_may_be_any_of_what_they_ask_for(one, other, apart):
    """Prefixes, keys, days and sizes: one that both ask for in different ranges is enough."""
    assert (partition_problems([one, other, REST]) == ()) == apart


@pytest.mark.parametrize(
    ("first", "second", "shared"), [("a/", "a/b", True), ("a", "ab", True), ("a/", "b/", False), ("", "x", True)]
)
def test_prefixes_share_keys_when_one_begins_the_other(first, second, *, shared):
    """It does not matter which of the two stands first."""
    assert share_keys(first, second) is share_keys(second, first) is shared
