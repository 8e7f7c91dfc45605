"""Canonical bytes, Merkle roots and the audit chain: what an auditor recomputes comes out the same, and a change shows."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from relocation.rules import evidence
from relocation.rules.evidence import (
    FIRST_PREV,
    Link,
    MerkleTree,
    canonical,
    link,
    link_sha256,
    merkle_root,
    sha256_of,
    verify_chain,
)
from relocation.rules.records import Action, Fact, Intent, PlanRow

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=300)
def test_canonical_bytes_equal_those_of_an_independent_rfc_8785_implementation(value):
    """Anybody's JSON Canonicalization Scheme gives the bytes that we hash."""
    assert canonical(value) == rfc8785.dumps(value)


def test_members_are_ordered_by_utf_16_code_units_not_by_code_points():
    """RFC 8785, 3.2.3: U+1F600 (written D83D DE00) comes before U+FB33, although its code point is larger."""
    assert canonical({"\ufb33": 1, "\U0001f600": 2, "\r": 3, "1": 4}) == '{"\\r":3,"1":4,"\U0001f600":2,"\ufb33":1}'.encode()


def test_a_record_is_the_object_of_its_fields():
    """A record and the mapping of its fields have one hash; tuples are lists."""
    fact = Fact("copy", "copied", "b", "k\x00é", "t", "k", 3, "e", "2021-01-01T00:00:00Z", proofs=("received",))
    assert canonical(fact) == rfc8785.dumps({**fact._asdict(), "proofs": ["received"], "losses": []})
    assert sha256_of(fact) == hashlib.sha256(canonical(fact._asdict())).hexdigest()


@pytest.mark.parametrize("value", [1.0, [0.5], {"a": 1e300}, b"bytes", {1: "a"}, {"a": {1}}, object(), Intent])
def test_what_has_no_single_spelling_is_refused(value):
    """Floats, bytes, sets and names that are no text have no canonical form here."""
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800", {"\udfff": 1}, ["a\ud800b"]])
def test_what_json_cannot_carry_exactly_is_refused(value):
    """An integer that a double would round, and text that has no UTF-8, are refused, never altered."""
    with pytest.raises(ValueError, match=r"2\^53|surrogate"):
        canonical(value)


def _naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + _naive_root(leaves[:split]) + _naive_root(leaves[split:])).digest()


@pytest.mark.parametrize("rows", [*range(18), 31, 32, 33, 100])
def test_the_root_is_that_of_rfc_6962(rows):
    """The root that grows row by row equals the recursive definition, for every shape of tree."""
    values = [{"key": f"k{number}", "size": number} for number in range(rows)]
    assert merkle_root(values) == _naive_root([canonical(value) for value in values]).hex()


def plan_row(number: int) -> PlanRow:
    key, time = f'u{number}/写真 {number}"\\\t%s%.jpg', "2026-06-01T00:00:00.000Z"
    proofs, reason = ("read_back", "received")[: number % 3], "" if number % 5 else "100% odd"
    row = PlanRow(
        list(Action)[number % 8], number % 3, "talk", key, "talk", f"new/u{number}", number * 7919, f"{number:032x}", time
    )
    return row._replace(ours=number % 2 == 0, proofs=proofs, reason=reason)


PINNED = {
    1: "15842606942f7c3c978b827f55d103e77ca928aca3bc6109787a53f77c8d6280",
    2: "c67a8c0a6a4c19e2c2b6fe056749b95b29b7fd6948f5e5583420610d7e701c06",
    7: "1471251b780b15680c062f2c5705f4796e3cf3e37e06d7bb5dbae4456975c4b6",
    1000: "4647416a9ef9a5eeaa8ac61af85e1c204ccfdd3c545a831303888d8db1bc9f0d",
}


@pytest.mark.parametrize("rows", PINNED)
def test_the_root_of_a_plan_is_the_one_that_it_always_had(rows):
    """A root that was approved or sealed by an earlier version is found again by every later one."""
    assert merkle_root(map(plan_row, range(rows))) == PINNED[rows]


MIXED = st.one_of(
    st.builds(plan_row, st.integers(0, 30)),
    st.tuples(st.integers(0, 2), TEXTS, TEXTS, st.just("e")).map(lambda values: Intent(*values)),
    st.tuples(st.booleans() | st.integers(0, 1), st.just("%s"), st.just("k"), st.just("e")).map(lambda values: Intent(*values)),
    VALUES,
)


@given(st.lists(MIXED, max_size=40), st.integers(1, 9))
@settings(max_examples=100)
def test_rows_hashed_together_give_the_root_of_rows_hashed_one_by_one(rows, at_once):
    """What rows of one kind share is written once; whatever they are, the root is that of each for itself."""
    one_by_one, together = MerkleTree(), MerkleTree()
    for row in rows:
        one_by_one.add(row)
    for start in range(0, len(rows), at_once):
        together.extend(rows[start : start + at_once])
    assert (together.rows, together.root()) == (one_by_one.rows, one_by_one.root())
    assert together.root() == _naive_root([canonical(row) for row in rows]).hex()


def test_rows_hashed_together_are_refused_as_each_for_itself_is():
    """Text that has no UTF-8, and integers that a double would round, are refused in any number of rows."""
    for odd in (plan_row(1)._replace(reason="\ud800"), plan_row(1)._replace(size=2**53)):
        with pytest.raises(ValueError, match=r"2\^53|surrogate"):
            merkle_root([plan_row(0), odd])


def test_a_root_can_be_asked_for_while_the_tree_grows():
    """Asking for the root changes nothing: it is the root of the rows so far."""
    tree = MerkleTree()
    for number in range(20):
        assert tree.root() == merkle_root(range(number))
        tree.add(number)
    assert tree.rows == 20


@given(st.lists(TEXTS, min_size=1, max_size=12), st.data())
@settings(max_examples=150)
def test_a_changed_dropped_added_or_moved_row_changes_the_root(rows, data):
    """No row of a sealed list can be exchanged without a new root."""
    at = data.draw(st.integers(0, len(rows) - 1))
    root = merkle_root(rows)
    assert merkle_root([*rows[:at], rows[at] + "x", *rows[at + 1 :]]) != root
    assert merkle_root(rows[:at] + rows[at + 1 :]) != root
    assert merkle_root([*rows[:at], "new", *rows[at:]]) != root
    if rows[0] != rows[-1]:
        assert merkle_root([rows[-1], *rows[1:-1], rows[0]]) != root


def _chain(count: int) -> list[Link]:
    links: list[Link] = []
    for number in range(count):
        links.append(
            link(
                links[-1] if links else None,
                time=f"2021-06-01T00:00:{number:02}Z",
                actor="operator",
                action="plan.sealed",
                subject=f"talk-images/{number}",
                payload_sha256=sha256_of(number),
            )
        )
    return links


def test_an_untouched_chain_holds():
    """A chain as it was written has no first bad link, however long; the first link follows a fixed hash."""
    links = _chain(9)
    assert links[0].prev == FIRST_PREV
    assert verify_chain(links) is None
    assert verify_chain(links, head=links[-1].sha256) is None
    assert verify_chain([]) is None


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Link)])
@pytest.mark.parametrize("at", [0, 4, 8])
def test_a_changed_field_is_named_by_its_link(field, at):
    """Every field of every link is covered: a change of one names that link."""
    links = _chain(9)
    value = getattr(links[at], field)
    links[at] = dataclasses.replace(links[at], **{field: value + 1 if isinstance(value, int) else value[::-1] + "x"})
    broken = verify_chain(links)
    assert broken is not None
    assert broken.seq == at + 1


@pytest.mark.parametrize("at", [0, 3, 7])
def test_a_link_that_was_hashed_anew_breaks_the_one_after_it(at):
    """Whoever changes a link and its hash is found at the next link, which follows the old hash."""
    links = _chain(9)
    forged = dataclasses.replace(links[at], payload_sha256="0" * 64)
    links[at] = dataclasses.replace(forged, sha256=link_sha256(forged))
    broken = verify_chain(links)
    assert broken is not None
    assert broken.seq == at + 2


@pytest.mark.parametrize(
    ("change", "seq"),
    [
        (lambda links: links[:3] + links[4:], 4),
        (lambda links: [*links[:3], links[4], links[3], *links[5:]], 4),
        (lambda links: [*links[:3], links[2], *links[3:]], 4),
        (lambda links: links[1:], 1),
    ],
    ids=["dropped", "swapped", "repeated", "beheaded"],
)
def test_missing_moved_and_repeated_links_are_named(change, seq):
    """The first place where the numbers or the hashes do not follow is named."""
    broken = verify_chain(change(_chain(9)))
    assert broken is not None
    assert broken.seq == seq


def test_a_chain_that_was_cut_shows_only_against_its_head():
    """Without a head kept elsewhere a shorter chain looks whole: that is the limit which the documentation states."""
    links = _chain(9)
    assert verify_chain(links[:6]) is None
    broken = verify_chain(links[:6], head=links[-1].sha256)
    assert broken is not None
    assert broken.seq == 7


def test_links_that_were_all_hashed_anew_must_still_be_numbered_without_a_gap():
    """A link that was taken out, and everything after it hashed anew, leaves a gap in the numbers."""
    links = _chain(9)[:3]
    for number in (5, 6):
        unsigned = dataclasses.replace(links[-1], seq=number, prev=links[-1].sha256, subject=f"later/{number}")
        links.append(dataclasses.replace(unsigned, sha256=link_sha256(unsigned)))
    broken = verify_chain(links)
    assert broken is not None
    assert broken.seq == 4


def test_two_chains_of_other_beginnings_cannot_be_joined():
    """A link of one chain does not follow a link of another (a fork)."""
    links, other = _chain(4), _chain(3)
    fork = link(other[-1], time="2021-06-02T00:00:00Z", actor="x", action="a", subject="s", payload_sha256="0" * 64)
    later = link(fork, time="2021-06-02T00:00:01Z", actor="x", action="a", subject="s", payload_sha256="0" * 64)
    broken = verify_chain([*links, later])
    assert broken is not None
    assert broken.seq == 5


def test_a_root_needs_memory_for_one_hash_a_level():
    """A million rows would keep about twenty hashes, not a million."""
    tree = evidence.MerkleTree()
    for number in range(4097):
        tree.add(number)
    assert len(tree._peaks) <= 13
