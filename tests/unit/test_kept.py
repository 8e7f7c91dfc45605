"""The short ways through a plan: nothing is to do, or nothing is known."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from relocation.rules.plan import Known, decide, kept, unproved
from relocation.rules.records import Action, Fact, InventoryRow

PLACES = [("new", f"k{number}") for number in range(3)]
CHANGES = st.sampled_from(
    [
        {},
        {"source": {"etag": "other"}},
        {"source": {"size": 8}},
        {"source": {"last_modified": "later"}},
        {"found": {"etag": "other"}},
        {"found": {"size": 8}},
        {"source": {"size": 8}, "found": {"size": 8}},
        {"fact": {"xxh3": ""}},
        {"fact": {"ours": False}},
        {"fact": {"proofs": ("read_back",), "sha256": "s", "attributes_sha256": "a"}},
    ]
)


@given(st.lists(CHANGES, min_size=3, max_size=3), st.sampled_from(["", "e"]))
@settings(max_examples=200)
def test_the_short_way_says_what_the_rules_say_or_nothing(changes, told):
    """I1, I3: whole blocks are kept only where each object for itself would be, with the very same rows."""
    source, found, facts = [], [], []
    for (bucket, key), change in zip(PLACES, changes, strict=True):
        source.append(InventoryRow(0, "old", key, 7, "e", "then")._replace(**change.get("source", {})))
        found.append(InventoryRow(0, bucket, key, 7, "t", "since")._replace(**change.get("found", {})))
        fact = Fact("copy", "verified", "old", key, bucket, key, 7, "e", "then", target_etag="t", xxh3="x")
        facts.append(fact._replace(**change.get("fact", {})))
    known = Known(dict(zip(PLACES, facts, strict=True)), {})
    rows = [
        decide(line, place, there, known, route="source", foretold=told)
        for line, place, there in zip(source, PLACES, found, strict=True)
    ]
    expected = rows if all(row.action == Action.KEEP for row in rows) else []
    assert kept(PLACES, source, found, facts, foretold=[told] * 3) == expected


@given(st.lists(CHANGES, min_size=3, max_size=3), st.sampled_from(["", "e"]))
@settings(max_examples=200)
def test_the_short_way_through_what_nothing_is_known_of_says_what_the_rules_say_or_nothing(changes, told):
    """V10: of what somebody else copied, whole blocks are to be proved only where each object for itself would be."""
    source, found = [], []
    for (bucket, key), change in zip(PLACES, changes, strict=True):
        source.append(InventoryRow(0, "old", key, 7, "e", "then")._replace(**change.get("source", {})))
        found.append(InventoryRow(0, bucket, key, 7, "t", "since")._replace(**change.get("found", {})))
    rows = [
        decide(line, place, there, Known({}, {}), route="source", foretold=told)
        for line, place, there in zip(source, PLACES, found, strict=True)
    ]
    expected = rows if all(row.action == Action.PROVE for row in rows) else []
    assert unproved(PLACES, source, found, foretold=[told] * 3) == expected
