"""What copying between two buckets may rely on, from what the probe saw of both. Pure.

Whatever was not asked counts as not there: the careful reading claims less, and asks more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from relocation.rules import capabilities, digests
from relocation.rules.capabilities import Question
from relocation.rules.errors import Refusal
from relocation.rules.records import Answers

Guard = Literal["if_none_match", "head_first", "refuse"]
"""How a new object is kept from overwriting another: by the store, by looking first (where versioning keeps what a race
overwrites), or not at all: then nothing is written."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The capabilities of one move's two buckets that decide how an object is copied, and what its answers prove."""

    guard: Guard
    parts_guard: Guard
    replaces_if_match: bool = False
    sends_checksum: bool = True
    sends_checksum_parts: bool = True
    counts_received: bool = False
    counts_received_parts: bool = False
    source_etag_is_md5: bool = False
    source_parts_etag_is_md5: bool = False
    target_etag_is_md5: bool = False
    target_parts_etag_is_md5: bool = False
    reads_part_numbers: bool = False

    def foretells(self, etag: str, size: int, *, whole_bytes_max: int) -> bool:
        """Tell whether the target's ETag will equal the source's, because the same layout gives the same MD5-based ETag."""
        if digests.parts_in(etag):
            return self.source_parts_etag_is_md5 and self.target_parts_etag_is_md5 and self.reads_part_numbers
        plain = digests.looks_like_md5(etag) and self.source_etag_is_md5 and self.target_etag_is_md5
        return plain and size <= whole_bytes_max


def seen(source: Answers, target: Answers) -> Seen:
    """Return what a move from the one bucket to the other may rely on."""
    return Seen(
        guard=_guard(target, multipart=False),
        parts_guard=_guard(target, multipart=True),
        replaces_if_match=target[Question.PUT_IF_MATCH] == "honoured",
        sends_checksum=capabilities.sends_checksum(target),
        sends_checksum_parts=capabilities.sends_checksum(target, multipart=True),
        counts_received=capabilities.counts_received(target),
        counts_received_parts=capabilities.counts_received(target, multipart=True),
        source_etag_is_md5=capabilities.etag_is_md5(source),
        source_parts_etag_is_md5=capabilities.etag_is_md5(source, multipart=True),
        target_etag_is_md5=capabilities.etag_is_md5(target),
        target_parts_etag_is_md5=capabilities.etag_is_md5(target, multipart=True),
        reads_part_numbers=capabilities.shows_parts(source),
    )


def _guard(target: Answers, *, multipart: bool) -> Guard:
    try:
        return capabilities.writes_guard(target, multipart=multipart)
    except Refusal:
        return "refuse"
