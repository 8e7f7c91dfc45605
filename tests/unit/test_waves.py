"""Waves partition their category: every key goes through the life of exactly one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relocation.rules.waves import belongs, partition_problems, share_keys


@dataclass(frozen=True)
class Slice:
    name: str
    prefixes: tuple[str, ...] = ()


FIRST, SECOND, REST = Slice("first", ("2019/", "2020/")), Slice("second", ("2021/",)), Slice("rest")
few = st.text(alphabet="ab/写", max_size=5)
waves_of_prefixes = st.lists(st.lists(few.filter(bool), min_size=1, max_size=3), max_size=4)


def slices(prefixes: list[list[str]]) -> list[Slice]:
    return [Slice(f"wave-{index}", tuple(each)) for index, each in enumerate(prefixes)] + [Slice("rest")]


@given(waves_of_prefixes, st.lists(few, max_size=20))
def test_every_key_belongs_to_exactly_one_wave(prefixes: list[list[str]], keys: list[str]) -> None:
    """No object is moved twice and none is forgotten, whatever the prefixes, as long as the check finds nothing wrong."""
    waves = slices(prefixes)
    assume(not partition_problems(waves))
    for key in keys:
        assert sum(belongs(wave.name, waves, key) for wave in waves) == 1


@given(waves_of_prefixes)
def test_waves_that_would_share_a_key_are_always_found(prefixes: list[list[str]]) -> None:
    """The check refuses exactly the waves for which some key would belong to two: no less, no more."""
    waves = slices(prefixes)
    candidates = [
        prefix for each in prefixes for prefix in each
    ]  # a key that two waves share begins with both: the longer of the two is one
    shared = any(sum(belongs(wave.name, waves, key) for wave in waves) > 1 for key in candidates)
    assert bool(partition_problems(waves)) == shared


@pytest.mark.parametrize(
    ("wave", "key", "inside"),
    [
        ("first", "2019/cat.jpg", True),
        ("first", "2019/", True),
        ("first", "2019", False),
        ("first", "x2019/", False),
        ("second", "2021/x", True),
        ("rest", "2019/cat.jpg", False),
        ("rest", "2019", True),
        ("rest", "", True),
    ],
)
def test_a_wave_takes_what_begins_with_its_prefixes_and_the_rest_what_is_left(wave: str, key: str, *, inside: bool) -> None:
    """Prefixes are plain beginnings of the key below the move's prefix."""
    assert belongs(wave, [FIRST, SECOND, REST], key) is inside


def test_a_single_wave_without_prefixes_is_the_whole_category() -> None:
    """A category without waves is one wave named `all`."""
    assert belongs("all", [Slice("all")], "anything")
    assert partition_problems([]) == ()
    assert partition_problems([Slice("all")]) == ()


def test_a_wave_that_is_not_there_is_a_bug_and_not_an_empty_wave() -> None:
    """A misspelt wave never looks like one with nothing to do."""
    with pytest.raises(KeyError):
        belongs("frist", [FIRST, REST], "2019/x")


def test_a_hole_an_overlap_and_a_second_rest_are_each_named() -> None:
    """All that is wrong with the waves is said at once, each with its place."""
    assert partition_problems([FIRST, SECOND]) == (("", "no wave takes what the others leave; add `- {name: rest}`"),)
    assert [
        place for place, _ in partition_problems([FIRST, Slice("first", ("2019/1/", "20")), REST, Slice("more"), Slice("e", ("",))])
    ] == [
        "1.name",
        "3",
        "1.prefixes",
        "4.prefixes",
    ]


@pytest.mark.parametrize(
    ("first", "second", "shared"), [("a/", "a/b", True), ("a", "ab", True), ("a/", "b/", False), ("", "x", True)]
)
def test_prefixes_share_keys_when_one_begins_the_other(first: str, second: str, *, shared: bool) -> None:
    """It does not matter which of the two stands first."""
    assert share_keys(first, second) is share_keys(second, first) is shared
