"""The join of both sides and the facts: by place, each once, whatever is missing where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relocation.rules.errors import ProtocolError
from relocation.rules.merging import joined, placed
from relocation.rules.records import Fact, InventoryRow

KEYS = st.sets(st.text(max_size=2), max_size=12)


def line(key: str) -> InventoryRow:
    return InventoryRow(0, "talk", key, 1, "etag", "")


def fact(key: str) -> Fact:
    return Fact("copy", "copied", "talk", key, "talk", key, 1, "etag", "")


@given(source=KEYS, target=KEYS, facts=KEYS)
def test_every_place_comes_once_with_all_that_is_known_of_it(source, target, facts):
    """I1: each listed object meets its counterpart and its fact; facts alone bring up nothing."""

    def stream(keys, make):
        return [(("talk", key), make(key)) for key in sorted(keys)]

    found = list(joined(stream(source, line), stream(target, line), stream(facts, fact)))
    assert [each.place for each in found] == [("talk", key) for key in sorted(source | target)]
    for place, mine, theirs, known in found:
        assert ((mine is not None), (theirs is not None), (known is not None)) == (
            place[1] in source,
            place[1] in target,
            place[1] in facts,
        )
        assert all(each is None or each.key == place[1] for each in (mine, theirs))
        assert known is None or known.target_key == place[1]


def test_a_listing_that_repeats_a_key_is_refused_by_its_name():
    """S8: a key that a listing shows twice, pages apart, is found where the rows are put into order."""
    rows = [line("a"), line("b"), line("b")]
    with pytest.raises(ProtocolError, match="the listing of korea repeats b"):
        list(placed(rows, lambda row: (row.bucket, row.key), lambda _: "the listing of korea"))
