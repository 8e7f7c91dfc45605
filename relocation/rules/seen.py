"""What copying between two buckets may rely on, from what the probe saw of both. Pure.

Whatever was not asked counts as not there: the careful reading claims less, and asks more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from relocation.rules import capabilities, digests
from relocation.rules.capabilities import Question
from relocation.rules.errors import Refusal
from relocation.rules.fidelity import drops_odd_tags
from relocation.rules.records import Answers

Guard = Literal["condition", "head_first", "refuse"]
"""How a write is kept from overwriting what others wrote: by the store (If-None-Match, or If-Match and our own ETag), by looking
first (where versioning keeps what a race overwrites), or not at all: then nothing is written."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The capabilities of one move's two buckets that decide how an object is copied, and what its answers prove."""

    new: Guard
    new_by_parts: Guard
    replace: Guard
    replace_by_parts: Guard
    sends_checksum: bool = True
    sends_checksum_parts: bool = True
    counts_received: bool = False
    counts_received_parts: bool = False
    source_etag_is_md5: bool = False
    source_parts_etag_is_md5: bool = False
    target_etag_is_md5: bool = False
    target_parts_etag_is_md5: bool = False
    reads_part_numbers: bool = False
    target_skew_s: int = 0
    drops_odd_tags: bool = False

    def guard(self, *, replaces: bool, by_parts: bool) -> Guard:
        """Return how this kind of write is guarded."""
        if replaces:
            return self.replace_by_parts if by_parts else self.replace
        return self.new_by_parts if by_parts else self.new

    def foretells(self, etag: str, size: int, *, whole_bytes_max: int) -> bool:
        """Tell whether the target's ETag will equal the source's, because the same layout gives the same MD5-based ETag."""
        if "-" in etag and digests.parts_in(etag):
            return self.source_parts_etag_is_md5 and self.target_parts_etag_is_md5 and self.reads_part_numbers
        plain = digests.looks_like_md5(etag) and self.source_etag_is_md5 and self.target_etag_is_md5
        return plain and size <= whole_bytes_max


def seen(source: Answers, target: Answers, *, opaque_source: bool = False, opaque_target: bool = False) -> Seen:
    """Return what a move from the one bucket to the other may rely on. `opaque_target`: what we write there is encrypted with a key
    of a key service or a customer's own, so that its ETags are no MD5, whatever those of the canaries are; `opaque_source`: so is
    what we read."""
    return Seen(
        new=_new(target, multipart=False),
        new_by_parts=_new(target, multipart=True),
        replace="condition" if target[Question.PUT_IF_MATCH] == "honoured" else _looking_first(target),
        replace_by_parts=_looking_first(target),  # nobody has asked whether CompleteMultipartUpload honours If-Match
        sends_checksum=capabilities.sends_checksum(target),
        sends_checksum_parts=capabilities.sends_checksum(target, multipart=True),
        counts_received=capabilities.counts_received(target),
        counts_received_parts=capabilities.counts_received(target, multipart=True),
        source_etag_is_md5=capabilities.etag_is_md5(source) and not opaque_source,
        source_parts_etag_is_md5=capabilities.etag_is_md5(source, multipart=True) and not opaque_source,
        target_etag_is_md5=capabilities.etag_is_md5(target) and not opaque_target,
        target_parts_etag_is_md5=capabilities.etag_is_md5(target, multipart=True) and not opaque_target,
        reads_part_numbers=capabilities.shows_parts(source),
        target_skew_s=capabilities.skew_s(target) or 0,
        drops_odd_tags=drops_odd_tags(target),
    )


def _new(target: Answers, *, multipart: bool) -> Guard:
    try:
        return "condition" if capabilities.writes_guard(target, multipart=multipart) == "if_none_match" else "head_first"
    except Refusal:
        return "refuse"


def _looking_first(target: Answers) -> Guard:
    return "head_first" if target[Question.VERSIONING] == "enabled" else "refuse"
