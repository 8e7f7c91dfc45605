"""How a store may differ from S3's rules, as data: the script of `connectors/memory.py`.

The defaults are S3's rules. `MINIO` is what MinIO does; the contract suite runs over a memory store with this script and finds
the same known differences as on the real server, so that a test which uses the script is not built on hearsay.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a store does. Words are the probe's: `honoured` or `ignored`, `verified` or `ignored`, `md5` or `opaque`.

    `checksum="unverified"` stores and returns what was sent without looking; `ignored` drops it, as MinIO drops `xxhash` headers.
    `quota_bytes` below 0 is none.
    """

    if_match: str = "honoured"
    """On reads."""
    if_none_match: str = "honoured"
    if_match_on_write: str = "honoured"
    if_match_on_delete: str = "honoured"
    checksum: str = "verified"
    etag: str = "md5"
    part_number: str = "honoured"
    object_lock: str = "honoured"
    hides_children: bool = False
    """`foo/bar` is in no listing while `foo` exists."""
    renames_leading_slash: bool = False
    """`/lead` is kept as `lead`."""
    renames_xldir: bool = False
    """A key that ends in `__XLDIR__` is kept with `/` in its place."""
    merges_slashes: bool = False
    """`a//b` is kept as `a/b`."""
    refuses_names: bool = False
    """`a//b`, `.` and `..` as a path part, and path parts over 255 bytes are refused."""
    lists_uploads_by_whole_key: bool = False
    """A prefix of ListMultipartUploads finds only uploads whose key it equals."""
    forgives_unknown_aborts: bool = False
    """Aborting an upload that is not there is answered as if it had been."""
    encodes_metadata: bool = False
    """User metadata beyond ASCII comes back in the words of RFC 2047: `=?UTF-8?q?=E5=86=99?=`."""
    ascii_tags: bool = False
    acl: str = "honoured"
    """Where it is ignored, every object is its owner's alone."""
    storage_classes: tuple[str, ...] = (
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
        "GLACIER",
        "DEEP_ARCHIVE",
    )
    kms_keys: tuple[str, ...] = ("key-1",)
    customer_keys: str = "honoured"
    """Where they are `blocked`, a write that is encrypted with a customer's key (SSE-C) is forbidden, as on new buckets of AWS."""
    loses_headers: tuple[str, ...] = ()
    metadata_bytes_max: int = 8 * 1024
    quota_bytes: int = -1
    clock_skew_s: float = 0.0


MINIO = Behaviour(
    if_match_on_delete="ignored",
    hides_children=True,
    renames_leading_slash=True,
    renames_xldir=True,
    refuses_names=True,
    lists_uploads_by_whole_key=True,
    forgives_unknown_aborts=True,
    encodes_metadata=True,
    ascii_tags=True,
    acl="ignored",
    storage_classes=("REDUCED_REDUNDANCY",),
    loses_headers=("x-amz-website-redirect-location",),
)
