"""What we compute over the bytes as they pass: XXH3-128 for identity, CRC64NVME for the target to check.

Both run over the buffer that was received, before it is sent (xxhash; AWS CRT). `attributes_sha256` is the same for what travels
beside the bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable
from functools import lru_cache

import xxhash
from awscrt import checksums

from relocation.rules.objects import Attributes

Bytes = bytes | memoryview


class Fingerprint:
    """XXH3-128 and CRC64NVME of a body that is fed in order; where it is asked for, SHA-256 too."""

    __slots__ = ("_crc", "_sha256", "_xxh3", "size")

    def __init__(self, *, sha256: bool = False) -> None:
        self._xxh3 = xxhash.xxh3_128()
        self._sha256 = hashlib.sha256() if sha256 else None
        self._crc = 0
        self.size = 0

    def copy(self) -> Fingerprint:
        """Return another that goes on from here."""
        other = Fingerprint()
        other._xxh3, other._crc, other.size = self._xxh3.copy(), self._crc, self.size
        other._sha256 = self._sha256.copy() if self._sha256 is not None else None
        return other

    def update(self, body: Bytes) -> str:
        """Take the next bytes in; return the CRC64NVME of these bytes alone (base64)."""
        part = checksums.crc64nvme(body)
        self._crc = checksums.combine_crc64nvme(self._crc, part, len(body)) if self.size else part
        self._xxh3.update(body)
        if self._sha256 is not None:
            self._sha256.update(body)
        self.size += len(body)
        return shown_crc64(part)

    @property
    def xxh3(self) -> str:
        """XXH3-128 of all bytes so far, 32 hex digits."""
        return str(self._xxh3.hexdigest())

    @property
    def sha256(self) -> str:
        """SHA-256 of all bytes so far, hex; empty where it was not asked for."""
        return self._sha256.hexdigest() if self._sha256 is not None else ""

    @property
    def crc64nvme(self) -> str:
        """CRC64NVME of all bytes so far, base64 as S3 writes it."""
        return shown_crc64(self._crc)


def shown_crc64(value: int) -> str:
    """Return a CRC64 as S3 writes it: eight bytes, big-endian, base64."""
    return base64.b64encode(value.to_bytes(8, "big")).decode()


_STORED: dict[str, Callable[[Bytes], bytes]] = {
    "crc64nvme": lambda body: checksums.crc64nvme(body).to_bytes(8, "big"),
    "crc32c": lambda body: checksums.crc32c(body).to_bytes(4, "big"),
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "sha256": lambda body: hashlib.sha256(body).digest(),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
}


def agrees(body: Bytes, stored: tuple[tuple[str, str], ...]) -> bool | None:
    """Compare a body with the checksums that a store had stored for it: True, False, or None where it had none that we know."""
    for algorithm, value in stored:
        compute = _STORED.get(algorithm)
        if compute is not None:
            return base64.b64encode(compute(body)).decode() == value
    return None


@lru_cache(maxsize=512)  # most objects of a migration are alike beside their bytes
def attributes_sha256(attributes: Attributes, losses: tuple[str, ...] = ()) -> str:
    """Return one hash over what travels beside the bytes, whatever its order: headers, user metadata, tags, storage class.

    With what could not go along at all it is the hash of nothing that a target can hold: each comparison names the losses anew.
    """
    what: list[object] = [sorted(attributes.headers), sorted(attributes.metadata), sorted(attributes.tags)]
    if attributes.storage_class or losses:
        what.append(attributes.storage_class)
    if losses:
        what.append(losses)
    return hashlib.sha256(json.dumps(what, separators=(",", ":")).encode()).hexdigest()
