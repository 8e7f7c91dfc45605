"""Attributes and conditions as request headers, and an answer's headers as `Head` or `Written`.

Guarantees: header text travels as it is, byte for byte (latin-1): nothing is decoded, re-quoted or normalised. Only a checksum that
covers what was asked for counts as one. Refuses a value that would break the request apart (line breaks), before anything is sent.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from relocation.ports import Response
from relocation.rules.errors import BadRequest, ProtocolError
from relocation.rules.objects import RARER_HEADERS, SYSTEM_HEADERS, Attributes, Head, Written

ALIKE = 512
"""Most objects of a migration are alike beside their bytes: what was worked out for so many kinds of them is kept."""
CHECKSUM = "x-amz-checksum-crc64nvme"
UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2 token
MONTHS = {"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * month : 3 * month + 3]: f"{month + 1:02}" for month in range(12)}
RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")
_SYSTEM = frozenset(SYSTEM_HEADERS)
_RARER = frozenset(RARER_HEADERS)
_NO_CHECKSUM = frozenset({"x-amz-checksum-type", "x-amz-checksum-algorithm", "x-amz-checksum-mode"})


def attribute_headers(attributes: Attributes) -> list[tuple[str, str]]:
    """Return the headers that write attributes with an object. BadRequest for text that no header can hold."""
    return [*_attribute_headers(attributes)]


@lru_cache(maxsize=ALIKE)
def _attribute_headers(attributes: Attributes) -> tuple[tuple[str, str], ...]:
    headers = list(attributes.headers)
    headers += [(f"x-amz-meta-{name}", value) for name, value in attributes.metadata]
    for name, value in headers:
        if UNSENDABLE.search(value) or not NAME.fullmatch(name):
            raise BadRequest(f"header {name!r}: its name or text can't be sent as a header", code="InvalidHeader", status=0)
    if attributes.tags:
        text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in attributes.tags)
        headers.append(("x-amz-tagging", text))
    if attributes.storage_class:
        headers.append(("x-amz-storage-class", attributes.storage_class))
    return tuple(headers)


def condition_headers(*, if_match: str = "", if_none_match: bool = False) -> list[tuple[str, str]]:
    """Return the conditions of RFC 9110 §13.1; an ETag goes out in quotes."""
    headers = [("if-match", f'"{if_match}"')] if if_match else []
    if if_none_match:
        headers.append(("if-none-match", "*"))
    return headers


def md5_header(body: bytes | memoryview) -> tuple[str, str]:
    """Return `content-md5`, which S3 demands where a body changes what an object is (retention, tags)."""
    return "content-md5", base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def head_of(headers: Mapping[str, str], size: int, *, ranged: bool = False) -> Head:
    """Return what HEAD or GET said. It looks at the headers that tell something alone: this runs for each object of a migration."""
    system: list[tuple[str, str]] = []
    metadata: list[tuple[str, str]] = []
    checksums: list[tuple[str, str]] = []
    rarer: list[tuple[str, str]] = []
    for name, kind in _telling(tuple(headers)):
        value = headers[name]
        if kind == "system":
            system.append((name, value))
        elif kind == "metadata":
            metadata.append((name[11:], value))
        elif kind == "rarer":
            rarer.append((name, value))
        elif "-" not in value:
            checksums.append((name[15:], value))
    if ranged or headers.get("x-amz-checksum-type", "FULL_OBJECT") != "FULL_OBJECT":
        checksums.clear()
    return Head(
        size=size,
        etag=etag_of(headers),
        last_modified=iso_time(headers.get("last-modified", "")),
        version_id=headers.get("x-amz-version-id", ""),
        parts_count=count_of(headers, "x-amz-mp-parts-count"),
        tag_count=count_of(headers, "x-amz-tagging-count"),
        checksums=tuple(checksums),
        attributes=_attributes(tuple(system), tuple(metadata), headers.get("x-amz-storage-class", "")),
        rarer=tuple(rarer),
    )


@lru_cache(maxsize=ALIKE)
def _telling(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return which headers of an answer tell something of an object, each with its kind."""
    return tuple((name, kind) for name in names if (kind := _kind(name)))


def _kind(name: str) -> str:
    """Say what a header of an answer tells of an object; empty for one that tells nothing."""
    if name in _SYSTEM:
        return "system"
    if name.startswith("x-amz-meta-"):
        return "metadata"
    if name.startswith("x-amz-checksum-") and name not in _NO_CHECKSUM:
        return "checksum"
    return "rarer" if name in _RARER else ""


@lru_cache(maxsize=ALIKE)
def _attributes(system: tuple[tuple[str, str], ...], metadata: tuple[tuple[str, str], ...], storage_class: str) -> Attributes:
    return Attributes(tuple(sorted(system)), tuple(sorted(metadata)), (), storage_class)


def written_of(headers: Mapping[str, str], *, etag: str = "") -> Written:
    """Return what a write's answer said; `etag` where the body said it."""
    return Written(etag or etag_of(headers), headers.get("x-amz-version-id", ""), headers.get(CHECKSUM, ""))


def etag_of(headers: Mapping[str, str]) -> str:
    """Return the ETag without its quotes. An answer without one is a ProtocolError: nothing could be compared later."""
    etag = headers.get("etag", "").strip('"')
    if not etag:
        raise ProtocolError("an answer without an ETag")
    return etag


def count_of(headers: Mapping[str, str], name: str) -> int:
    """Return a header that holds a whole number; 0 where it is not there."""
    text = headers.get(name)
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise ProtocolError(f"header {name} is no number: {text!r}")
    return int(text)


def iso_time(text: str) -> str:
    """Return `Wed, 12 Feb 2025 20:18:48 GMT` (RFC 9110 §5.6.7) as `2025-02-12T20:18:48Z`."""
    month = MONTHS.get(text[8:11])
    if len(text) != 29 or month is None or not text.endswith(" GMT"):
        raise ProtocolError(f"a time that HTTP does not know: {text!r}")
    return f"{text[12:16]}-{month}-{text[5:7]}T{text[17:25]}Z"


def length_of(headers: Mapping[str, str]) -> int:
    """Return the Content-Length of an answer to HEAD; one without is a ProtocolError, not an empty object."""
    if "content-length" not in headers:
        raise ProtocolError("an answer without a Content-Length")
    return count_of(headers, "content-length")


def check_range(response: Response, byte_range: tuple[int, int]) -> None:
    """Raise a ProtocolError unless the answer is the very range asked for, cut only at the object's end (RFC 9110 §14.4)."""
    match = RANGE.fullmatch(response.headers.get("content-range", "")) if response.status == 206 else None
    if match is None:
        raise ProtocolError(f"a range was asked for, the answer is {response.status} without the range that it holds")
    first, last, total = int(match[1]), int(match[2]), int(match[3])
    if (first, last) != (byte_range[0], min(byte_range[1], total - 1)) or len(response.body) != last - first + 1:
        raise ProtocolError(f"bytes {byte_range[0]}-{byte_range[1]} were asked for, the answer holds {first}-{last} of {total}")
