"""How an object is cut (D5, D6), and what an ETag says (D7)."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relocation.rules import digests, parts
from relocation.rules.errors import Refusal


@given(st.integers(0, 40 * 1024**4), st.integers(1, 6 * 1024**3))
def test_parts_add_up_within_the_limits(size, part_bytes):
    """The parts of any object add up to its size, none is empty, and S3 takes every one of them."""
    sizes = parts.cut(size, part_bytes) if size <= parts.PART_BYTES_MAX * parts.PARTS_MAX else (size,)
    assert sum(sizes) == size
    assert len(sizes) <= parts.PARTS_MAX
    assert size == 0 or min(sizes) > 0
    if size <= parts.PART_BYTES_MAX * parts.PARTS_MAX:
        assert all(parts.PART_BYTES_MIN <= each <= parts.PART_BYTES_MAX for each in sizes[:-1])


def test_an_object_beyond_all_layouts_is_refused():
    """What no layout holds is refused before the first byte moves."""
    with pytest.raises(Refusal):
        parts.cut(parts.PART_BYTES_MAX * parts.PARTS_MAX + parts.PARTS_MAX, parts.PART_BYTES_MAX)


@given(st.integers(0, 10_000), st.integers(1, 999))
def test_ranges_read_every_byte_once(size, chunk_bytes):
    """Ranges follow each other without gap or overlap."""
    at = 0
    for first, last in parts.ranges(size, chunk_bytes):
        assert first == at
        assert first <= last
        at = last + 1
    assert at == size


def test_a_layout_is_shown_by_runs():
    """A layout of thousands of equal parts is a short text."""
    assert parts.shown_layout((8, 8, 8, 5)) == "8x3,5"
    assert parts.shown_layout((7,)) == "7"


def test_an_etag_tells_how_many_parts_it_is_of():
    """Only the two MD5-based forms say anything; every other ETag is opaque."""
    whole = digests.etag_of_whole(b"abc")
    assert whole == hashlib.md5(b"abc").hexdigest()
    assert digests.looks_like_md5(whole)
    assert digests.parts_in(whole) == 0
    parted = digests.etag_of_parts([hashlib.md5(b"a").digest(), hashlib.md5(b"b").digest()])
    assert digests.parts_in(parted) == 2
    assert not digests.looks_like_md5(parted)
    assert digests.parts_in("0" * 32 + "-0") == digests.parts_in("opaque-2") == 0
