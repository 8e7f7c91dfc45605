"""What the probe asks of a bucket: a closed set of questions, and the words of their answers. Pure."""

from __future__ import annotations

from enum import StrEnum

NOT_ASKED = "not asked"


class Question(StrEnum):
    """Everything that the probe asks: a closed set. The first word of an answer is of a closed set too:

    conditions `honoured | ignored` · checksums `verified | ignored`, `yes | no` · ETags `md5 | opaque` ·
    names `kept | renamed to … | hidden | lost | merged` · beside `listed | hidden | lost` · fidelity `kept | dropped | changed` ·
    numbers in decimal · and any of them `refused CODE | forbidden | error TYPE | not asked`.
    """

    PUT_IF_NONE_MATCH = "put_if_none_match"
    PUT_IF_MATCH = "put_if_match"
    COMPLETE_IF_NONE_MATCH = "complete_if_none_match"
    GET_IF_MATCH = "get_if_match"
    DELETE_IF_MATCH = "delete_if_match"
    DELETE_VERSION = "delete_version"  # exact | inexact
    CHECKSUM = "checksum"
    CHECKSUM_ECHOED = "checksum_echoed"
    CHECKSUM_STORED = "checksum_stored"
    PART_CHECKSUM = "part_checksum"
    UPLOAD_CHECKSUM_STORED = "upload_checksum_stored"
    PUT_ETAG = "put_etag"
    UPLOAD_ETAG = "upload_etag"
    PART_NUMBER = "part_number"
    UPLOADS_LISTED = "uploads_listed"  # by prefix | by whole key | without prefix | no
    VERSIONING = "versioning"  # enabled | suspended | off
    OBJECT_LOCK = "object_lock"  # on | off
    LOCK_ENFORCED = "lock_enforced"  # enforced | ignored
    DATE_SKEW_S = "date_skew_s"
    LEADING_SLASH = "leading_slash"
    DOUBLE_SLASH = "double_slash"
    DOT_PART = "dot_part"
    DOT_DOT_PART = "dot_dot_part"
    PART_BYTES_MAX = "part_bytes_max"
    KEY_BYTES_MAX = "key_bytes_max"
    XLDIR_SUFFIX = "xldir_suffix"
    STORES_OWN = "stores_own_names"
    TRAILING_SLASH = "trailing_slash"
    TRAILING_SLASH_BODY = "trailing_slash_body"
    CONTROL = "control_characters"
    PERCENT = "percent"
    PLUS = "plus"
    SPACE = "space"
    BACKSLASH = "backslash"
    PUNCTUATION = "punctuation"
    NON_ASCII = "non_ascii"
    DECOMPOSED = "decomposed"
    UNICODE_PAIR = "unicode_pair"  # kept | merged
    CASE_PAIR = "case_pair"  # kept | merged
    CHILD_OF_KEY = "child_of_key"  # `foo` beside `foo/bar`
    SLASH_OF_KEY = "slash_of_key"  # `foo` beside `foo/`
    WEBSITE_REDIRECT = "website_redirect"
    NON_ASCII_TAG = "non_ascii_tag"
    NON_ASCII_METADATA = "non_ascii_metadata"
    STORAGE_CLASSES = "storage_classes"  # `GLACIER_IR=kept STANDARD_IA=InvalidStorageClass`
    ENCRYPTION = "encryption"  # kept TYPE KEY | dropped TYPE KEY | refused CODE
