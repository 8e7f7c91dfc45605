"""What changed since the last plan, counted in one pass over two inventories."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import groupby

import pytest

from connectors.report.document import as_json
from connectors.report.limits import since_of
from connectors.tables import BATCH_ROWS, ParquetTables
from relocation.rules.errors import StateMismatch
from relocation.rules.plan_diff import Changes, OutOfOrder, changes, in_order
from relocation.rules.records import Fact, InventoryRow
from relocation.rules.roll_up import merged
from relocation.rules.summary import SinceLast, Summary
from tests.unit.report_samples import PLAN


def row(key: str, *, size: int = 1, etag: str = "e", at: str = "t", version: str = "", move: int = 0) -> InventoryRow:
    return InventoryRow(move, "talk", key, size, etag, at, version_id=version)


def test_each_kind_of_change_is_counted_once():
    """An operator reads how much came, changed and went since yesterday; a time of modification alone is a change."""
    before = [row("a"), row("b"), row("c"), row("d"), row("e"), row("f")]
    after = [row("a"), row("b", size=2), row("c", etag="x"), row("d", at="u"), row("f"), row("g"), row("z", move=1)]
    assert changes(before, after) == Changes(new=2, changed=3, gone=1)
    assert changes([], after) == Changes(7, 0, 0)
    assert changes(before, []) == Changes(0, 0, 6)


def test_a_key_with_many_versions_is_one():
    """However many versions came, and in whichever order they were listed, the key changed once."""
    one, two = row("a", version="1"), row("a", version="2")
    assert changes([one, two], [two, one]) == Changes()
    assert changes([one], [one, two]) == Changes(changed=1)


def test_any_two_inventories_are_counted_as_sets_count_them():
    """The one pass says what a comparison of everything with everything would."""
    random_ = random.Random(7)
    for _ in range(200):
        sides = [
            sorted((row(random_.choice("abcdé𐀀"), etag=random_.choice("xy"), version=str(n)) for n in range(6)), key=in_order)
            for _ in "ab"
        ]
        old, new = ({k: sorted(v) for k, v in groupby(side, in_order)} for side in sides)
        both = old.keys() & new.keys()
        expected = Changes(len(new.keys() - old), sum(old[key] != new[key] for key in both), len(old.keys() - new))
        assert changes(*sides) == expected


@pytest.mark.parametrize("rows", [[row("b"), row("a")], [row("a", move=1), row("b")], [row("a"), row("b"), row("a")]])
def test_a_listing_out_of_order_is_refused_and_never_miscounted(rows):
    """S6: keys that come twice or out of order would count as new and gone; the pass refuses them."""
    with pytest.raises(OutOfOrder, match="comes after"):
        changes(rows, [row("a")])


def test_a_file_is_read_a_batch_at_once():
    """A file of any length takes the memory of one batch; nothing of it is left out, and what is no such file is refused."""
    rows = [row(f"{number:06}") for number in range(BATCH_ROWS + 7)]
    tables = ParquetTables()
    batches = list(tables.batches(tables.encode(rows, InventoryRow), InventoryRow))
    assert [len(batch) for batch in batches] == [BATCH_ROWS, 7]
    assert [each for batch in batches for each in batch] == rows
    for wrong in (b"no parquet", tables.encode([], Fact)):
        with pytest.raises(StateMismatch):
            list(tables.batches(wrong, InventoryRow))


def test_it_is_told_in_words_and_as_a_document():
    """The page, the terminal and the document say the same; where nobody can tell there is no figure, but a reason."""
    since = SinceLast("R1", "2026-11-21T00:00:00+00:00", 312, 14, 3)
    summary = plan_with(since)
    assert as_json(summary)["since_last"] == {"run": "R1", "at": since.at, "new": 312, "changed": 14, "gone": 3}
    told = since_of(summary)
    assert told is not None
    assert told.en == "Since 2026-11-21 09:00:00 JST, at the source: 312 new, 14 changed, 3 gone"
    unknown = plan_with(SinceLast("R1", since.at, why="what that plan listed is no longer in the vault"))
    assert as_json(unknown)["since_last"]["new"] is None
    assert "証跡保管庫" in since_of(unknown).ja
    assert (since_of(plan_with(None)), as_json(plan_with(None))["since_last"]) == (None, None)


def test_waves_add_up_only_if_each_had_a_plan_before():
    """A sum that leaves a wave out would be too small, so there is none."""
    one, two = plan_with(SinceLast("R1", "b", 1, 2, 3)), plan_with(SinceLast("R2", "a", 10, 20, 30))
    assert merged([one, two]).since_last == SinceLast("R1-and-1-more", "a", 11, 22, 33)
    assert merged([one, plan_with(None)]).since_last is None


def plan_with(since: SinceLast | None) -> Summary:
    return replace(PLAN, since_last=since, timezone="Asia/Tokyo")
