"""Which target version is which source version: any interleaving of versions and markers, with and without facts (D12)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from relocation.rules.records import Action, Fact, InventoryRow, Outcome, PlanRow
from relocation.rules.versions import all_or_none_after, decide_history, standing_versions

TARGET = ("japan", "k")
HISTORY = st.lists(st.sampled_from([b"", b"a", b"a", b"bb", b"ccc", None]), min_size=1, max_size=8)
"""What was written in turn, a delete marker for None; equal bodies one after the other are wanted."""


def listed(bucket: str, history: Sequence[bytes | None], *, prefix: str) -> list[InventoryRow]:
    return [
        InventoryRow(
            0,
            bucket,
            "k",
            len(body or b""),
            "" if body is None else hashlib.md5(body, usedforsecurity=False).hexdigest(),
            f"2021-01-01T00:00:{number:02}Z",
            version_id=f"{prefix}{number}",
        )
        for number, body in enumerate(history)
    ]


def fact_of(row: PlanRow | InventoryRow, source: InventoryRow, *, outcome: str = Outcome.VERIFIED, ours: bool = True) -> Fact:
    etag, version_id = (row.etag, row.version_id) if isinstance(row, InventoryRow) else (row.found_etag, row.found_version_id)
    return Fact(
        "verify",
        outcome,
        source.bucket,
        source.key,
        *TARGET,
        source.size,
        source.etag,
        source.last_modified,
        source_version_id=source.version_id,
        target_etag=etag,
        target_version_id=version_id,
        xxh3="x" if source.etag else "",
        ours=ours,
    )


def actions(rows: Sequence[PlanRow]) -> list[str]:
    return [row.action for row in rows]


@settings(max_examples=300, deadline=None)
@given(history=HISTORY, data=st.data())
def test_from_wherever_a_copy_stopped_the_targets_history_becomes_the_sources(history, data):
    """D12: whatever part of a history is there, and whichever of it facts name: the rest is copied, in order, and nothing else."""
    done = data.draw(st.integers(0, len(history)))
    named = data.draw(st.sets(st.integers(0, max(done - 1, 0))))
    source, found = listed("korea", history, prefix="s"), listed("japan", history[:done], prefix="t")
    facts = [fact_of(found[number], source[number]) for number in sorted(named) if number < done]
    rows, gone = decide_history(source, TARGET, found, standing_versions(facts))
    assert actions(rows)[done:] == [Action.COPY] * (len(history) - done)
    assert all(row.action == (Action.KEEP if number in named else Action.PROVE) for number, row in enumerate(rows[:done]))
    assert [row.found_version_id for row in rows[:done]] == [each.version_id for each in found]
    assert [row.source_version_id for row in rows] == [each.version_id for each in source]
    assert gone == []


@settings(max_examples=300, deadline=None)
@given(history=HISTORY, data=st.data())
def test_a_foreign_version_anywhere_is_a_conflict_and_nothing_is_written_on_top_of_it(history, data):
    """D12: what somebody else wrote beneath, between or on top of ours makes a conflict, never a guess."""
    done = data.draw(st.integers(0, len(history)))
    at = data.draw(st.integers(0, done))
    source, found = listed("korea", history, prefix="s"), listed("japan", history[:done], prefix="t")
    facts = [fact_of(there, wanted) for there, wanted in zip(found, source, strict=False)]
    found.insert(at, InventoryRow(0, "japan", "k", 99, "foreign", "2021-02-02T00:00:00Z", version_id="f"))
    rows, _ = decide_history(source, TARGET, found, standing_versions(facts))
    assert Action.COPY not in actions(rows)
    assert Action.CONFLICT in actions(rows)
    assert all(row.reason for row in rows if row.action == Action.CONFLICT)


@settings(max_examples=300, deadline=None)
@given(history=HISTORY, data=st.data())
def test_what_is_gone_at_the_source_is_ours_to_remove_and_stands_in_nobodys_way(history, data):
    """D12: versions that the source has expired since are named; newer ones still follow, and none is copied again."""
    done = data.draw(st.integers(0, len(history)))
    expired = data.draw(st.sets(st.integers(0, len(history) - 1)))
    source, found = listed("korea", history, prefix="s"), listed("japan", history[:done], prefix="t")
    facts = [fact_of(there, wanted) for there, wanted in zip(found, source, strict=False)]
    left = [row for number, row in enumerate(source) if number not in expired]
    rows, gone = decide_history(left, TARGET, found, standing_versions(facts))
    kept = sum(number not in expired for number in range(done))
    assert actions(rows) == [Action.KEEP] * kept + [Action.COPY] * (len(left) - kept)
    assert [row.found_version_id for row in gone] == [f"t{number}" for number in range(done) if number in expired]
    assert all(row.action == Action.REMOVE for row in gone)


@settings(max_examples=200, deadline=None)
@given(history=st.lists(st.sampled_from([b"a", b"bb", b"ccc", None]), min_size=2, max_size=6, unique=True))
def test_another_order_at_the_target_is_a_conflict(history):
    """Negative control of the order: a target that was written newest first is not taken for the source's history."""
    source, found = listed("korea", history, prefix="s"), listed("japan", history[::-1], prefix="t")
    facts = [fact_of(there, wanted) for there, wanted in zip(found, reversed(source), strict=True)]
    for known in (facts, []):
        rows, _ = decide_history(source, TARGET, found, standing_versions(known))
        assert Action.CONFLICT in actions(rows)
        assert Action.COPY not in actions(rows)


def test_markers_written_first_are_a_conflict():
    """Negative control: a target that has the delete marker beneath the versions is not the source's history."""
    source = listed("korea", [b"a", None, b"bb"], prefix="s")
    found = listed("japan", [None], prefix="t")
    rows, _ = decide_history(source, TARGET, found, {})
    assert actions(rows) == [Action.CONFLICT] * 3
    assert "delete marker t0, which is not ours" in rows[0].reason


def test_the_latest_alone_at_the_target_can_not_be_put_beneath():
    """A category that moved its latest versions before: the former ones can't be put beneath them, and are conflicts by name."""
    source = listed("korea", [b"a", b"bb", b"ccc"], prefix="s")
    found = listed("japan", [b"ccc"], prefix="t")
    rows, _ = decide_history(source, TARGET, found, standing_versions([fact_of(found[0], source[2])]))
    assert actions(rows) == [Action.CONFLICT, Action.CONFLICT, Action.KEEP]
    assert "belongs beneath it" in rows[0].reason


def test_null_written_anew_is_another_version():
    """D12: on a suspended bucket `null` is one id for several versions in turn: the copied one is gone, the new one follows."""
    before, after = (
        InventoryRow(0, "korea", "k", 1, "e1", "t1", version_id="null"),
        InventoryRow(0, "korea", "k", 1, "e2", "t2", version_id="null"),
    )
    found = [InventoryRow(0, "japan", "k", 1, "e1", "t9", version_id="t0")]
    rows, gone = decide_history([after], TARGET, found, standing_versions([fact_of(found[0], before)]))
    assert actions(rows) == [Action.COPY]
    assert [row.found_version_id for row in gone] == ["t0"]


def test_a_version_whose_verification_failed_is_proved_again():
    """What came back different is no longer proved; a version that was only proved, and not ours, is never removed."""
    source, found = listed("korea", [b"a"], prefix="s"), listed("japan", [b"a"], prefix="t")
    good = fact_of(found[0], source[0], ours=False)
    rows, _ = decide_history(source, TARGET, found, standing_versions([good, good._replace(outcome=Outcome.FAILED)]))
    assert actions(rows) == [Action.PROVE]
    _, gone = decide_history([], TARGET, found, standing_versions([good]))
    assert gone == []


def test_what_follows_a_refused_version_is_refused():
    """Versions keep their order: one that the target can't hold is not left out in the middle."""
    rows, _ = decide_history(listed("korea", [b"a", b"bb", None], prefix="s"), TARGET, [], {})
    rows[1] = rows[1]._replace(action=Action.REFUSE, reason="too large")
    assert actions(all_or_none_after(rows)) == [Action.COPY, Action.REFUSE, Action.REFUSE]


SAID = st.builds(
    lambda number, outcome, proof, xxh3, ours: fact_of(
        listed("japan", [b"a", b"bb"], prefix="t")[number],
        listed("korea", [b"a", b"bb"], prefix="s")[number],
        outcome=outcome,
        ours=ours,
    )._replace(proofs=proof, xxh3=xxh3),
    st.integers(0, 1),
    st.sampled_from([Outcome.COPIED, Outcome.VERIFIED, Outcome.FAILED, Outcome.CONFLICTED]),
    st.sampled_from([(), ("same_etag",), ("read_back",)]),
    st.sampled_from(["x", "y"]),
    st.booleans(),
)


@given(facts=st.lists(SAID, max_size=8), data=st.data())
def test_what_stands_can_be_folded_part_by_part(facts, data):
    """D12, I9: what stands of the first facts, folded with those that follow, is what stands of all."""
    at = data.draw(st.integers(0, len(facts)))
    assert standing_versions([*standing_versions(facts[:at]).values(), *facts[at:]]) == standing_versions(facts)
