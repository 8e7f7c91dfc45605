"""Two enumerations are held against each other by fingerprints: equal only where they show the same keys."""

from __future__ import annotations

import random

import pytest

from relocation.rules.enumeration import SLOTS, Enumerated, Fingerprint, before, digest_of, slot_of
from relocation.rules.errors import Refusal
from relocation.rules.key_lines import keys_of_csv, keys_of_lines
from relocation.rules.keys import shown
from relocation.rules.summary import Compared
from relocation.stages.keys_apart import KeysApart


def fingerprint(*keys: str, bucket: str = "talk") -> Fingerprint:
    found = Fingerprint()
    for key in keys:
        found.add(bucket, key)
    return found


def test_the_same_keys_in_any_order_are_the_same_set():
    """S9: two enumerations need no order in common."""
    keys = [f"k{number}" for number in range(500)] + ["写真", "\udcff", ""]
    shuffled = random.Random(1).sample(keys, len(keys))
    assert fingerprint(*keys).differing(fingerprint(*shuffled)) == frozenset()


@pytest.mark.parametrize("other", [("a", "b"), ("a", "b", "d"), ("a", "b", "c", "c"), ("a", "b", "c", "d"), ("a", "b/c")])
def test_any_difference_shows_in_the_slots_of_its_keys(other):
    """S8: a key more, a key less, another key in its place, one that comes twice: each is seen, and where."""
    differing = fingerprint("a", "b", "c").differing(fingerprint(*other))
    counted = {key: ("a", "b", "c").count(key) - other.count(key) for key in {"a", "b", "c", *other}}
    assert differing == {slot_of(digest_of("talk", key)) for key, count in counted.items() if count}
    assert all(0 <= slot < SLOTS for slot in differing)


def test_keys_of_one_name_in_two_buckets_are_two():
    """S9: a key is known with its bucket."""
    assert fingerprint("a").differing(fingerprint("a", bucket="album"))


@pytest.mark.parametrize("key", ["a", "foo/bar", "foo/", "é", "\ue000", "写真", "a\x01", " ", "b\U0001f600", "a\x7f"])
def test_a_listing_started_right_before_a_key_begins_with_it(key):
    """D25: what is asked for again is asked for in the order of bytes, with next to nothing in between."""
    assert before(key).encode() < key.encode()
    assert before(key)[: len(key) - 1] == key[:-1]


def test_only_keys_of_slots_that_differ_are_kept(tmp_path):
    """S9: ten million keys that agree take no room; those that do not lie in files until their part is looked at."""
    keys = [f"k{number}\n%" for number in range(300)]
    differing = frozenset(slot_of(digest_of("talk", key)) for key in keys[:200])
    with KeysApart(tmp_path, "talk", differing) as apart:
        for key in keys:
            apart.add(key, first=True)
        for key in keys[100:]:
            apart.add(key, first=False)
        parts = list(apart.parts())
        assert list(tmp_path.iterdir()) == []
    assert {key for one, other in parts for key in one - other} == set(keys[:100])
    assert {key for _, other in parts for key in other} >= set(keys[100:200])
    assert not any(other - one for one, other in parts)
    assert max(len(one) for one, _ in parts) < 20


def test_a_list_of_keys_is_read_byte_for_byte():
    """D25: any key can be listed, percent-encoded; a mark of UTF-8 and empty lines are none."""
    keys = ["a b", "写真/%", "x\ny", "#1", "a,b"]
    lines = [b"\xef\xbb\xbf" + shown(keys[0]).encode() + b"\r\n", b"\n", *(shown(key).encode() + b"\n" for key in keys[1:])]
    assert [key for _, key in keys_of_lines(lines)] == keys


def test_an_inventory_may_have_a_heading_and_more_columns():
    """D25: bucket and key come first, whatever follows; keys are URL-encoded, `+` is a space."""
    rows = ['"Bucket","Key","Size"\n', '"talk","a+b%2Bc%2F%E5%86%99","7"\n', "\n", 'talk,"q ""x"""\n']
    assert list(keys_of_csv(rows)) == [("talk", "a b+c/写"), ("talk", 'q "x"')]


@pytest.mark.parametrize("rows", [['"talk\n'], ["talk\n"], [",key\n"], ["talk,\n"], ["talk,%ff\n"], [f"talk,{'a' * 1025}\n"]])
def test_a_row_that_is_none_is_refused(rows):
    """D25: a list that is understood in part would pass for a whole one."""
    with pytest.raises(Refusal, match=r"line \d"):
        list(keys_of_csv(rows))


def test_a_list_counts_for_a_bucket_only_if_all_that_moves_of_it_was_held_against_it():
    """D25: the unknown stands as long as one move of the bucket was not looked at."""
    one, two = (Compared("korea", "talk", prefix, "keys") for prefix in ("images/", "videos/"))
    folders = Compared("korea", "talk", "videos/", "delimiter")
    assert Enumerated((one, two, folders)).key_list_held("korea", "talk")
    assert not Enumerated((one, folders)).key_list_held("korea", "talk")
    assert not Enumerated((one,)).key_list_held("korea", "album")
    assert not Enumerated().key_list_held("korea", "talk")
