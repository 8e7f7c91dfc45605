"""Rows on the scratch: in order, however they came and however many, from memory that does not grow with them."""

from __future__ import annotations

import random
from itertools import pairwise
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import scratch
from connectors.scratch import DiskScratch
from relocation.rules.records import Action, InventoryRow, PlanRow

PLACE = itemgetter(1, 2)


def line(key: str, *, size: int = 1) -> InventoryRow:
    return InventoryRow(0, "talk", key, size, "etag", "2026-11-22T00:00:00.000Z")


@pytest.fixture
def small(monkeypatch):
    """Sort, cut and spill what the real bounds would keep together."""
    monkeypatch.setattr(scratch, "SORTED_ROWS", 7)
    monkeypatch.setattr(scratch, "BLOCK_ROWS", 3)
    monkeypatch.setattr(scratch, "MEMORY_ROWS", 20)


def filled(folder, rows):
    room = DiskScratch(folder).rows(InventoryRow, PLACE)
    for start in range(0, len(rows), 5):
        room.add(rows[start : start + 5])
    return room


def page(rows):
    """Return rows as a listing's page comes: field by field, what is the same for all of them once."""
    return [column[:1] if len(set(column)) == 1 else column for column in zip(*rows, strict=True)]


def in_memory(room):
    return len(room._fresh) + sum(max(map(len, columns)) for run in room._runs for columns in run.held)


@pytest.mark.parametrize("shape", ["in order", "backwards", "shuffled", "two halves"])
@pytest.mark.parametrize("many", [0, 1, 19, 21, 200])
def test_rows_are_read_in_order_as_often_as_one_likes(tmp_path, small, shape, many):
    """S9: a listing that comes in another order is put into order, in memory and on disk; nothing is lost or doubled."""
    rows = [line(f"{number:04}") for number in range(many)]
    given_ = {
        "in order": rows,
        "backwards": rows[::-1],
        "shuffled": random.Random(many).sample(rows, many),
        "two halves": rows[many // 2 :] + rows[: many // 2],
    }[shape]
    room = filled(tmp_path, given_)
    assert room.objects == many
    assert list(room) == list(room) == rows
    room.close()


@given(keys=st.lists(st.text(st.characters(codec=None), max_size=3), max_size=60))
def test_any_keys_are_kept_letter_for_letter(tmp_path_factory, keys):
    """D14: what a key is made of makes no difference, half a surrogate pair included."""
    rows = [line(key, size=number) for number, key in enumerate(keys)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scratch, "MEMORY_ROWS", 10)
        patch.setattr(scratch, "SORTED_ROWS", 10)
        room = filled(tmp_path_factory.getbasetemp() / "scratch", rows)
        assert list(room) == sorted(rows, key=PLACE)
        room.close()


def test_what_shares_a_place_stays_in_the_order_in_which_it_came(tmp_path, small):
    """Facts about one object are folded in the order of their runs: two of one place are never turned round."""
    rows = [line("a", size=number) for number in range(40)]
    room = filled(tmp_path, rows)
    assert [row.size for row in room] == list(range(40))
    room.close()


def test_a_listing_in_order_is_one_run_and_others_are_merged(tmp_path, small):
    """A listing in order is never sorted again; one that jumps once makes two runs more at most."""
    rows = [line(f"{number:04}") for number in range(70)]
    assert len(filled(tmp_path, rows)._runs) == 1
    assert 2 <= len(filled(tmp_path, rows[35:] + rows[:35])._runs) <= 3


@given(cuts=st.lists(st.integers(0, 60), max_size=5), order=st.randoms(use_true_random=False))
def test_stretches_that_come_at_the_same_time_are_one_after_the_other(tmp_path_factory, cuts, order):
    """Ranges of one listing, whose pages come in any order, are read as one listing; rows that came otherwise are merged in."""
    rows = [line(f"{number:04}") for number in range(60)]
    ends = sorted({0, *cuts, 60})
    waiting = [rows[begin:end] for begin, end in pairwise(ends)]
    with pytest.MonkeyPatch.context() as patch:
        for name, size in (("MEMORY_ROWS", 20), ("SORTED_ROWS", 7), ("BLOCK_ROWS", 3)):
            patch.setattr(scratch, name, size)
        room = DiskScratch(tmp_path_factory.getbasetemp() / "scratch").rows(InventoryRow, PLACE)
        adds = [room.stretch() for _ in waiting[1:]] + [room.add]
        while any(waiting):
            each = order.choice([number for number, left in enumerate(waiting) if left])
            adds[each](page(waiting[each][:4]) if each < len(waiting) - 1 else waiting[each][:4])
            waiting[each] = waiting[each][4:]
        assert room.objects == 60
        assert list(room) == list(room) == rows
        room.close()


def test_a_stretch_that_goes_back_is_put_into_order_all_the_same(tmp_path, small):
    """What is said to come in order, page by page, and does not, is merged like anything else."""
    rows = [line(f"{number:04}") for number in range(60)]
    room = DiskScratch(tmp_path).rows(InventoryRow, PLACE)
    add = room.stretch()
    for start in (30, 0, 45, 15):
        add(page(rows[start : start + 15]))
    add([])
    assert list(room) == rows
    room.close()


def test_many_stretches_hold_no_more_in_memory_than_one(tmp_path, monkeypatch):
    """A thousand ranges that each leave a few rows behind leave them on the disk."""
    monkeypatch.setattr(scratch, "MEMORY_ROWS", 1000)
    room = DiskScratch(tmp_path).rows(InventoryRow, PLACE)
    held = 0
    for number in range(1000):
        room.stretch()(page([line(f"{number:04}/{each:02}") for each in range(20)]))
        held = max(held, in_memory(room))
    assert held <= 1020
    assert sum(1 for _ in room) == 20_000
    room.close()


def test_nothing_is_left_on_the_disk(tmp_path, small):
    """The file has no name: a process that is killed leaves nothing behind, and nobody else can read the keys in it."""
    room = filled(tmp_path / "scratch", [line(f"{number:04}") for number in range(200)])
    assert room._end > 0
    assert list((tmp_path / "scratch").iterdir()) == []
    room.close()


def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch):
    """Of a hundred thousand rows only those of a few blocks are in memory at any time, while written and while read."""
    monkeypatch.setattr(scratch, "MEMORY_ROWS", 1000)
    monkeypatch.setattr(scratch, "SORTED_ROWS", 1000)
    room = DiskScratch(tmp_path).rows(InventoryRow, PLACE)
    held = 0
    for start in range(0, 20_000, 500):
        room.add([line(f"{number:06}") for number in range(start, start + 500)])
        held = max(held, in_memory(room))
    assert held <= 1500
    assert sum(1 for _ in room) == 20_000
    room.close()


def test_what_a_plan_decided_is_kept_as_it_is(tmp_path, small):
    """Removals may be too many for memory too: an action is a member of an enumeration, and stays one."""
    rows = [
        PlanRow(Action.REMOVE, 0, "talk", f"{number:03}", "talk", f"{number:03}", 1, "etag", "", proofs=("a", "b"))
        for number in range(60)
    ]
    room = DiskScratch(tmp_path).rows(PlanRow, itemgetter(4, 5))
    room.add(rows[::-1])
    assert list(room) == rows
    room.close()


def test_values_that_are_equal_and_not_the_same_stay_what_they_are(tmp_path, small):
    """A block in which a column holds one value keeps it once: an action and its text, true and 1 are two."""
    rows = [
        PlanRow(
            Action.KEEP if number % 2 else "keep",
            number % 2,
            "talk",
            f"{number:03}",
            "talk",
            f"{number:03}",
            1,
            "etag",
            "",
            ours=ours,
        )
        for number, ours in enumerate([True, 1, True, 1] * 10)
    ]
    room = DiskScratch(tmp_path).rows(PlanRow, itemgetter(4, 5))
    room.add(rows)
    assert [(type(row.action), type(row.ours)) for row in room] == [(type(row.action), type(row.ours)) for row in rows]
    room.close()


@pytest.mark.parametrize("many", [2, 9, 40])
def test_rows_that_are_the_same_in_all_are_read_as_often_as_they_came(tmp_path, small, many):
    """S8: a listing that repeats a line shows it: were equal lines one, nobody would see that it can't be trusted."""
    rows = [line(f"{number:04}") for number in range(30)] + [line("same")] * many
    room = filled(tmp_path, rows)
    assert list(room) == rows
    room.close()
