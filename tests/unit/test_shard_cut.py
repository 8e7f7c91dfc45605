"""Where one shard of a plan ends and the next begins."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from relocation.rules.records import PlanRow
from relocation.rules.summary import Count
from relocation.stages.plan import fitting

KEYS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=30)


def one_by_one(rows: list[PlanRow], objects_max: int, bytes_max: int) -> list[list[PlanRow]]:
    """Cut by the rule itself, row by row."""
    shards: list[list[PlanRow]] = []
    for row in rows:
        last = shards[-1] if shards else []
        full = len(last) >= objects_max or sum(each.size for each in last) + row.size > bytes_max
        if not last or (full and last[-1].source_key != row.source_key):
            shards.append([row])
        else:
            last.append(row)
    return shards


def in_pieces(rows: list[PlanRow], objects_max: int, bytes_max: int, piece: int) -> list[list[PlanRow]]:
    """Cut as a plan is written: piece by piece."""
    shards: list[list[PlanRow]] = []
    shard: list[PlanRow] = []
    for start in range(0, len(rows), piece):
        some = rows[start : start + piece]
        while some:
            room = Count(objects_max - len(shard), bytes_max - sum(row.size for row in shard))
            end = fitting(some, room, after=shard[-1] if shard else None)
            shard += some[:end]
            some = some[end:]
            if some:
                shards.append(shard)
                shard = []
    return [*shards, shard] if shard else shards


@given(KEYS, st.integers(1, 5), st.integers(1, 20), st.integers(1, 7))
@settings(max_examples=150)
def test_shards_are_cut_in_the_same_places_whatever_the_pieces(drawn, objects_max, bytes_max, piece):
    """A shard is bounded in objects and bytes, never ends between two versions of one key, and no row is lost or doubled."""
    keys = [f"k{sum(step > 0 for step, _ in drawn[: index + 1])}" for index in range(len(drawn))]
    rows = [
        PlanRow("copy", 0, "talk", key, "talk", key, size, "etag", "", source_version_id=str(number))
        for number, (key, (_, size)) in enumerate(zip(keys, drawn, strict=True))
    ]
    assert in_pieces(rows, objects_max, bytes_max, piece) == one_by_one(rows, objects_max, bytes_max)
