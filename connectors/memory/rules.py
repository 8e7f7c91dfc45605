"""What S3 checks before a request has an effect, and what it keeps of one: the rules below `MemoryStore`, one a method.

Each rule is a method of its own so that a test can break exactly one (`tests/contract/mutants.py`) and see a claim go red.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from awscrt import checksums

from connectors.memory.care import care_of
from connectors.memory.service import Bucket, Care, MemoryService, Stored, Upload
from relocation.ports import Blocks, Body
from relocation.rules.errors import (
    BadRequest,
    BucketMissing,
    ChecksumRejected,
    CustomerKeyNeeded,
    CustomerKeyWrong,
    Forbidden,
    NoSpace,
    NotFound,
    PreconditionFailed,
)
from relocation.rules.keys import shown
from relocation.rules.objects import LOCK_HOLD, SSE, SSE_CUSTOMER, SSE_KEY, SYSTEM_HEADERS, Attributes, Head, Part, Written

PART_BYTES_MIN = 5 * 1024 * 1024
TAGS_MAX = 10
KEY_BYTES_MAX = 1024
DEFAULT_TYPE = ("content-type", "binary/octet-stream")


class Rules:
    """The rules of one service; `MemoryStore` puts the calls on top."""

    def __init__(self, service: MemoryService, customer_key: str = "") -> None:
        self.service = service
        self.customer_key = customer_key
        self.behaviour = service.behaviour
        self.endpoint = service.endpoint

    def _now(self) -> float:
        return self.service.now() + self.behaviour.clock_skew_s

    def _named(self, bucket: str, key: str) -> str:
        return f"{self.endpoint}: {bucket}/{shown(key)}"

    def _refused(self, bucket: str, key: str, code: str, status: int = 400) -> BadRequest:
        return BadRequest(f"{self._named(bucket, key)}: the store refuses this: {code}", code=code, status=status)

    # what is there

    def _bucket(self, name: str) -> Bucket:
        if name not in self.service.buckets:
            raise BucketMissing(f"{self.endpoint}: there is no bucket {name}")
        return self.service.buckets[name]

    def _upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        upload = self._bucket(bucket).uploads.get(upload_id)
        if upload is None or upload.key != self._stored_name(bucket, key):
            raise NotFound(f"{self._named(bucket, key)}: there is no such upload")
        return upload

    def _find(self, bucket: str, key: str, version_id: str) -> Stored:
        versions = self._bucket(bucket).keys.get(self._stored_name(bucket, key), [])
        found = [stored for stored in versions if stored.version_id == version_id] if version_id else versions[-1:]
        if not found or found[0].marker:
            raise NotFound(f"{self._named(bucket, key)}: not there", deleted=bool(found))
        return found[0]

    def _visible(self, place: Bucket, prefix: str) -> Iterator[str]:
        """Yield the keys that a listing shows, in byte order (which is that of code points)."""
        for key in sorted(place.keys):
            parts = key.split("/")
            parents = ("/".join(parts[:count]) for count in range(1, len(parts)))
            hidden = self.behaviour.hides_children and not key.endswith("/") and any(place.latest(parent) for parent in parents)
            if key.startswith(prefix) and not hidden:
                yield key

    # what is refused

    def _stored_name(self, bucket: str, key: str) -> str:
        """Return the key under which the store keeps it."""
        script = self.behaviour
        try:
            length = len(key.encode())
        except UnicodeEncodeError:  # half a character: no bytes of UTF-8 stand for it
            raise self._refused(bucket, key, "InvalidURI") from None
        if not 0 < length <= KEY_BYTES_MAX:
            raise self._refused(bucket, key, "KeyTooLongError" if key else "InvalidArgument")
        parts = key.removeprefix("/").split("/")
        if script.refuses_names and ("" in parts[:-1] or any(len(part.encode()) > 255 for part in parts)):
            raise self._refused(bucket, key, "XMinioInvalidObjectName")
        if script.refuses_names and {".", ".."} & set(parts):
            raise self._refused(bucket, key, "XMinioInvalidResourceName")
        if script.renames_leading_slash:
            key = key.removeprefix("/")
        if script.renames_xldir and key.endswith("__XLDIR__"):
            key = key.removesuffix("__XLDIR__") + "/"
        while script.merges_slashes and "//" in key:
            key = key.replace("//", "/")
        return key

    def _check_read(self, stored: Stored, key: str, if_match: str) -> None:
        if if_match and self.behaviour.if_match == "honoured" and self._etag(stored) != if_match:
            raise PreconditionFailed(f"{self.endpoint}: {shown(key)}: another version stands there")

    def _check_key(self, key: str, care: Care) -> None:
        """Refuse what a customer's key encrypts to whoever does not send that very key."""
        what = f"{self.endpoint}: {shown(key)}: it is encrypted with"
        if care.customer_key and not self.customer_key:
            raise CustomerKeyNeeded(f"{what} a customer's own key (SSE-C)", code="InvalidRequest", status=400)
        if care.customer_key not in {"", self.customer_key}:
            raise CustomerKeyWrong(f"{what} another customer's key (SSE-C) than the one sent", code="AccessDenied", status=403)

    def _check_key_service(self, bucket: str, key: str, care: Care) -> None:
        """Refuse the bytes of what a key encrypts that the key service does not know any more; its HEAD needs no key."""
        name = dict(care.rarer).get(SSE_KEY, "") if care.rarer else ""
        if name and name not in self.behaviour.kms_keys:
            raise self._refused(bucket, key, "KMS.NotFoundException")

    def _check_write(self, place: Bucket, key: str, *, if_none_match: bool, if_match: str) -> None:
        found = place.latest(key)
        if if_none_match and found and self.behaviour.if_none_match == "honoured":
            raise PreconditionFailed(f"{self.endpoint}: {shown(key)}: something stands there already")
        if not if_match or self.behaviour.if_match_on_write != "honoured":
            return
        if found is None:
            raise NotFound(f"{self.endpoint}: {shown(key)}: not there")
        if self._etag(found) != if_match:
            raise PreconditionFailed(f"{self.endpoint}: {shown(key)}: another version stands there")

    def _check_checksum(self, data: bytes, crc64nvme: str, key: str) -> None:
        if crc64nvme and self.behaviour.checksum == "verified" and crc64nvme != crc64nvme_of(data):
            raise ChecksumRejected(f"{self.endpoint}: {shown(key)}: the store received other bytes than were meant (BadDigest)")

    def _check_parts(self, bucket: str, upload: Upload, parts: Sequence[Part]) -> None:
        numbers = [part.number for part in parts]
        if not parts:
            raise self._refused(bucket, upload.key, "MalformedXML")
        if numbers != sorted(set(numbers)):
            raise self._refused(bucket, upload.key, "InvalidPartOrder")
        if any(part.number not in upload.parts or upload.parts[part.number][1] != part.etag for part in parts):
            raise self._refused(bucket, upload.key, "InvalidPart")
        if any(len(upload.parts[number][0]) < PART_BYTES_MIN for number in numbers[:-1]):
            raise self._refused(bucket, upload.key, "EntityTooSmall")

    def _check_agreed(self, bucket: str, upload: Upload, crc64nvme: str) -> None:
        """Refuse a part without the checksum that was agreed on when the upload began."""
        if upload.checksum and not crc64nvme and self.behaviour.checksum == "verified":
            raise self._refused(bucket, upload.key, "InvalidArgument")

    def _check_erase(self, key: str, stored: Stored) -> None:
        until = stored.retain_until
        if until and datetime.fromisoformat(until).timestamp() > self._now():
            raise Forbidden(f"{self.endpoint}: {shown(key)}: retained until {until}")
        if (LOCK_HOLD, "ON") in stored.care.rarer:
            raise Forbidden(f"{self.endpoint}: {shown(key)}: under a legal hold")

    # what is kept

    def _kept(self, bucket: str, key: str, attributes: Attributes) -> Attributes:
        if sum(len(name) + len(value) for name, value in attributes.metadata) > self.behaviour.metadata_bytes_max:
            raise self._refused(bucket, key, "MetadataTooLarge")
        if any(control in value for _, value in (*attributes.metadata, *attributes.headers) for control in "\r\n\0"):
            raise self._refused(bucket, key, "InvalidHeader")
        self._check_tags(bucket, key, attributes.tags)
        lost = self.behaviour.loses_headers
        headers = dict([DEFAULT_TYPE, *attributes.headers])
        kept = tuple((name, headers[name]) for name in SYSTEM_HEADERS if name in headers and name not in lost)
        metadata = sorted(attributes.metadata)
        if self.behaviour.encodes_metadata:
            metadata = [(name, value if value.isascii() else rfc2047(value)) for name, value in metadata]
        return replace(attributes, headers=kept, metadata=tuple(metadata), tags=tuple(sorted(attributes.tags)))

    def _care(self, place: Bucket, bucket: str, key: str, attributes: Attributes, *, retain_until: str = "") -> Care:
        refuse = partial(self._refused, bucket, key)
        care = care_of(self.behaviour, place, attributes, retain_until=retain_until, now=self._now(), refuse=refuse)
        if not self.customer_key:
            if SSE_CUSTOMER in dict(attributes.headers):  # asked for, and no key was sent
                raise self._refused(bucket, key, "InvalidArgument")
            return care
        if self.behaviour.customer_keys == "blocked":
            raise Forbidden(f"{self._named(bucket, key)}: SSE-C is blocked on this bucket (AccessDenied)")
        return replace(care, rarer=tuple(sorted((*care.rarer, (SSE_CUSTOMER, "AES256")))), customer_key=self.customer_key)

    def _check_tags(self, bucket: str, key: str, tags: Sequence[tuple[str, str]]) -> None:
        names = [name for name, _ in tags]
        too_long = any(not 1 <= len(name) <= 128 or len(value) > 256 for name, value in tags)
        foreign = self.behaviour.ascii_tags and any(not (name + value).isascii() for name, value in tags)
        if too_long or foreign or len(names) > TAGS_MAX or len(set(names)) < len(names):
            raise self._refused(bucket, key, "InvalidTag")

    def _kept_checksum(self, sent: str) -> str:
        """Return the CRC64NVME that is stored: none where none was sent (AWS computes one itself; nobody may rely on that)."""
        return "" if self.behaviour.checksum == "ignored" else sent

    def _keep(self, place: Bucket, key: str, stored: Stored) -> Written:
        """Put a version (or a marker) on top; without versioning, and while suspended, it takes the place of `null`."""
        quota = self.behaviour.quota_bytes
        if stored.data and 0 <= quota < place.held_bytes() + len(stored.data):
            raise NoSpace(f"{self.endpoint}: {shown(key)}: the bucket's quota is used up")
        version_id = self.service.serial() if place.versioning == "Enabled" else "null"
        others = [other for other in place.keys.get(key, []) if other.version_id != version_id]
        place.keys[key] = [*others, replace(stored, version_id=version_id)]
        answer_id = version_id if place.versioning == "Enabled" else ""
        return Written(self._etag(stored), answer_id, stored.crc64nvme)

    def _erase(self, place: Bucket, key: str, version_id: str) -> None:
        """Take one version away for good; nothing happens where it is not there."""
        for stored in place.keys.get(key, []):
            if stored.version_id == version_id:
                self._check_erase(key, stored)
        left = [stored for stored in place.keys.pop(key, []) if stored.version_id != version_id]
        if left:
            place.keys[key] = left

    # what is answered

    def _etag(self, stored: Stored) -> str:
        if stored.care.customer_key and stored.etag:  # looks like an MD5, and is none
            return md5_of(f"sealed {stored.etag}".encode()) + (f"-{len(stored.parts)}" if stored.parts else "")
        opaque = self.behaviour.etag != "md5" or (SSE, "aws:kms") in stored.care.rarer
        return f"opaque{stored.etag[:12]}" if opaque and stored.etag else stored.etag

    def _part(self, bucket: str, key: str, stored: Stored, number: int) -> tuple[int, int]:
        """Return the first and last offset of a part; of the whole for number 0."""
        if not number or self.behaviour.part_number != "honoured":
            return 0, len(stored.data) - 1
        if number > len(stored.ends):
            raise self._refused(bucket, key, "InvalidPartNumber", 416)
        return (stored.ends[number - 2] if number > 1 else 0), stored.ends[number - 1] - 1

    def _head(self, place: Bucket, stored: Stored, size: int, *, part_number: int = 0, ranged: bool = False) -> Head:
        by_part = part_number > 0 and self.behaviour.part_number == "honoured"
        checksum = stored.parts[part_number - 1][1] if by_part and stored.parts else stored.crc64nvme
        return Head(
            size=size,
            etag=self._etag(stored),
            last_modified=iso(float(int(stored.modified))),
            version_id=stored.version_id if place.versioning else "",
            parts_count=len(stored.parts) if by_part else 0,
            tag_count=len(stored.attributes.tags),
            checksums=(("crc64nvme", checksum),) if checksum and not ranged else (),
            attributes=replace(stored.attributes, tags=()),
            rarer=stored.care.rarer,
        )


async def whole(body: Body) -> bytes:
    """Return a body as it arrived; one in blocks only when the last of them has come."""
    if not isinstance(body, Blocks):
        return bytes(body)
    data = b"".join([bytes(block) async for block in body.blocks])
    if len(data) != body.size:
        raise ValueError(f"a body of {body.size} bytes was announced, its blocks hold {len(data)}")
    return data


def crc64nvme_of(data: bytes) -> str:
    """Return the CRC64NVME as S3 writes it: base64 of eight bytes, the highest first."""
    return base64.b64encode(checksums.crc64nvme(data).to_bytes(8, "big")).decode()


def rfc2047(text: str) -> str:
    """Return header text in the "Q" encoding of RFC 2047, as Go writes it (short texts: one word)."""
    plain = "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else "_" if byte == 32 else f"={byte:02X}"
        for byte in text.encode("latin-1")
    )
    return f"=?UTF-8?q?{plain}?="


def md5_of(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def iso(at: float) -> str:
    """Return a time as S3 writes it in listings; whole seconds where there is nothing more (`Last-Modified` has no more)."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds" if at % 1 else "seconds")
    return text.replace("+00:00", "Z")
