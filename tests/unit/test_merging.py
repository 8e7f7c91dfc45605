"""The join of both sides and the facts: by place, each once, whatever is missing where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relocation.rules.errors import ProtocolError
from relocation.rules.merging import in_blocks, joined, merged, unparted
from relocation.rules.records import Fact, InventoryRow

KEYS = st.sets(st.text(max_size=2), max_size=12)


def line(key: str) -> InventoryRow:
    return InventoryRow(0, "talk", key, 1, "etag", "")


def fact(key: str) -> Fact:
    return Fact("copy", "copied", "talk", key, "talk", key, 1, "etag", "")


def cut(ordered, sizes):
    """Cut what is in order into blocks of these sizes, one after another, again and again."""
    blocks, start = [], 0
    while start < len(ordered):
        blocks.append(ordered[start : start + sizes[len(blocks) % len(sizes)]])
        start += len(blocks[-1])
    return blocks


SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=3)


@given(source=KEYS, target=KEYS, facts=KEYS, sizes=SIZES, others=SIZES)
def test_every_place_comes_once_with_all_that_is_known_of_it(source, target, facts, sizes, others):
    """I1: each listed object meets its counterpart and its fact, however the streams are cut; facts alone bring up nothing."""

    def stream(keys, make, sizes):
        return [([("talk", key) for key in keys], list(map(make, keys))) for keys in cut(sorted(keys), sizes)]

    blocks = joined(stream(source, line, sizes), stream(target, line, others), stream(facts, fact, others))
    found = [each for block in blocks for each in zip(*block[:4], strict=True)]
    assert [each[0] for each in found] == [("talk", key) for key in sorted(source | target)]
    for place, mine, theirs, known in found:
        assert ((mine is not None), (theirs is not None), (known is not None)) == (
            place[1] in source,
            place[1] in target,
            place[1] in facts,
        )
        assert all(each is None or each.key == place[1] for each in (mine, theirs))
        assert known is None or known.target_key == place[1]


@given(keys=KEYS.filter(bool), odd=st.sampled_from(["source", "target", "facts", ""]))
def test_a_block_is_called_alike_only_where_nothing_is_missing(keys, odd):
    """I1: a short way through a plan is taken only where each place is shown by both sides, and all have a fact or none has."""

    def stream(side, make):
        shown = sorted(keys)[1:] if side == odd else sorted(keys)
        return [([("talk", key) for key in shown], list(map(make, shown)))] if shown else []

    blocks = list(joined(stream("source", line), stream("target", line), stream("facts", fact)))
    for block in blocks:
        shown = None not in (*block.source, *block.found)
        assert block.alike == (shown and len({fact is None for fact in block.facts}) == 1)
    assert any(block.alike for block in blocks) == (not odd or (odd == "facts" and len(keys) == 1))


@given(one=KEYS, other=KEYS, sizes=SIZES)
def test_two_streams_are_merged_and_what_both_hold_comes_once(one, other, sizes):
    """D15: names that can't stand beside each other are looked for among all of both sides."""
    found = [key for some in merged(cut(sorted(one), sizes), cut(sorted(other), [2])) for key in some]
    assert found == sorted(one | other)


@pytest.mark.parametrize("sizes", [[1], [2], [3]])
def test_a_listing_that_repeats_a_key_is_refused_by_its_name(sizes):
    """S8: a key that a listing shows twice, pages apart, is found where the rows are put into order."""
    rows = [line("a"), line("b"), line("b")]
    with pytest.raises(ProtocolError, match="the listing of korea repeats b"):
        list(in_blocks(cut(rows, sizes), lambda row: (row.bucket, row.key), lambda _: "the listing of korea"))


@given(places=st.lists(st.sampled_from("abc"), max_size=20), sizes=SIZES)
def test_what_is_of_one_place_is_never_in_two_blocks(places, sizes):
    """D12: a key's versions are decided on together, however the rows are cut; none is lost, and their order stays."""
    rows = [line(key)._replace(version_id=str(number)) for number, key in enumerate(sorted(places))]
    blocks = list(unparted(cut(rows, sizes), lambda row: (row.bucket, row.key)))
    assert [row for block in blocks for row in block] == rows
    keys = [{row.key for row in block} for block in blocks]
    assert all(not one & other for number, one in enumerate(keys) for other in keys[:number])
    assert all(keys)
