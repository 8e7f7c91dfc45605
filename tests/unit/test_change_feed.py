"""Feeds of changes: every line names its key byte for byte, or the feed is refused with the line's number (D14, D16)."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest

from relocation.rules.change_feed import changes_of
from relocation.rules.errors import Refusal
from relocation.rules.keys import shown
from tests.names.corpus import CORPUS


def read(*lines: str) -> list[tuple[str, str]]:
    return list(changes_of(f"{line}\n".encode() for line in lines))


def as_it_is(key: str, safe: str) -> str:
    """Return a key as MinIO's stream of events has it."""
    return key


def event(key: str, name: str = "s3:ObjectCreated:Put", bucket: str = "talk", *, how=quote_plus) -> str:
    """Return an event as MinIO's webhook writes it."""
    about = {"bucket": {"name": bucket}, "object": {"key": how(key, safe=""), "eTag": "0" * 32}}
    return json.dumps({"EventName": name, "Key": f"{bucket}/{key}", "Records": [{"eventName": name, "s3": about}]})


def test_every_legal_key_comes_out_of_a_feed_byte_for_byte():
    """D14, D16, D26: as a percent-encoded line, as JSON, as an event in two URL encodings, or in none."""
    for key in CORPUS:
        assert read(shown(key)) == [("", key)]
        assert read(json.dumps({"key": key, "bucket": "talk"})) == [("talk", key)]
        for how in (quote_plus, quote, as_it_is):
            readings = read(event(key, how=how))
            assert ("talk", key) in readings
            assert len(readings) <= 2


def test_what_is_no_change_is_left_out_and_nothing_else():
    """Reads, what is about a bucket alone and empty lines name nothing; every record of a line counts, and twice is twice."""
    two = {"Records": [json.loads(event(key))["Records"][0] for key in ("a b", "c")]}
    lines = [event("read", "s3:ObjectAccessed:Get"), event("", "s3:BucketCreated:*"), "", json.dumps(two), event("c")]
    assert read(*lines) == [("talk", "a+b"), ("talk", "a b"), ("talk", "c"), ("talk", "c")]
    assert list(changes_of([b"\xef\xbb\xbfone\r\n", b"two"])) == [("", "one"), ("", "two")]


@pytest.mark.parametrize(
    "line",
    [
        *(
            b'{"key": "cut',
            b'{"keys": "a"}',
            b'{"key": 7}',
            b'{"Records": 1}',
            b'{"Records": [{"s3": 1}]}',
            b"%ff",
            b"\xff",
            b"x" * 1025,
        ),
        *(json.dumps({"key": "\ud800"}).encode(), b'{"key": ""}', event("x").replace('"x"', "7").encode()),
    ],
)
def test_a_line_that_is_no_change_is_refused_with_its_number(line):
    """What is not understood must not pass for "nothing changed"."""
    with pytest.raises(Refusal, match="line 2 "):
        list(changes_of([b"fine\n", line]))
