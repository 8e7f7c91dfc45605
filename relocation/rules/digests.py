"""What an ETag can and cannot say. Pure.

An MD5-based ETag is 32 hex digits for an object written whole, and `md5(md5s)-n` for one written in n parts (AWS: "Checking
object integrity", ETag). Anything else is opaque and is compared with nothing but itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

WHOLE_DIGITS = 32
_PARTS = re.compile(r"[0-9a-f]{32}-([1-9][0-9]{0,4})")


def looks_like_md5(etag: str) -> bool:
    """Tell whether the ETag has the form of an MD5 of a whole object. It may still be something else: the probe knows."""
    return len(etag) == WHOLE_DIGITS and not etag.strip("0123456789abcdef")


def parts_in(etag: str) -> int:
    """Return how many parts the ETag tells of; 0 where it tells of none."""
    match = _PARTS.fullmatch(etag)
    return int(match.group(1)) if match else 0


def etag_of_whole(body: bytes | memoryview) -> str:
    """Return the MD5-based ETag of an object that is written whole."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def etag_of_parts(part_md5s: Iterable[bytes]) -> str:
    """Return the MD5-based ETag of an object written in parts, from each part's MD5 (16 bytes) in order."""
    joined = list(part_md5s)
    return f"{hashlib.md5(b''.join(joined), usedforsecurity=False).hexdigest()}-{len(joined)}"
