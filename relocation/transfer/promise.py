"""What the bytes of a stream must come to, known before its last block is sent: so wrong bytes never become an object.

Guarantees: where the source stores a checksum of the span, the bytes are held against it as they pass; where it stores none, the
span is read once before, over the other HTTP stack, and the second reading is held against the first.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from awscrt import checksums

from relocation.rules.errors import ProtocolError
from relocation.rules.keys import shown
from relocation.rules.records import PlanRow
from relocation.transfer.blocks import SpanBlocks
from relocation.transfer.hands import Hands
from relocation.transfer.hashing import Fingerprint
from relocation.transfer.retry import Tries

CRC64NVME = "crc64nvme"


class Running(Protocol):
    """A checksum that grows."""

    def update(self, body: memoryview, /) -> object: ...
    def digest(self) -> bytes: ...


@dataclass(slots=True)
class _Crc:
    step: Callable[[memoryview, int], int]
    value: int = 0

    def update(self, body: memoryview, /) -> None:
        self.value = self.step(body, self.value)

    def digest(self) -> bytes:
        return self.value.to_bytes(4, "big")


_RUNNING: dict[str, Callable[[], Running]] = {
    "crc32c": lambda: _Crc(checksums.crc32c),
    "crc32": lambda: _Crc(zlib.crc32),
    "sha256": hashlib.sha256,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
}


@dataclass(frozen=True, slots=True)
class Span:
    """`size` bytes of an object from `first` on, and the checksums that the source has stored of just these."""

    first: int
    size: int
    stored: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """Either a checksum that the source has stored (`algorithm`, base64 `value`), or what a first reading came to (`xxh3`).

    `crc64nvme` (base64) and `sha256` (hex) are given where they are known, for the target's requests.
    """

    algorithm: str = ""
    value: str = ""
    crc64nvme: str = ""
    sha256: str = ""
    xxh3: str = ""


async def promised(hands: Hands, row: PlanRow, span: Span, tries: Tries, *, needs_crc64nvme: bool) -> Promise:
    """Return what the span must come to, from a stored checksum where one serves, else by reading it once over the other stack."""
    if not hands.target.signs_bodies:
        known = dict(span.stored)
        for algorithm in (CRC64NVME,) if needs_crc64nvme else (CRC64NVME, *_RUNNING):
            if algorithm in known:
                crc64nvme = known[algorithm] if algorithm == CRC64NVME else ""
                return Promise(algorithm, known[algorithm], crc64nvme)
    print_ = Fingerprint(sha256=hands.target.signs_bodies)
    store = hands.source_again or hands.source
    place = (row.source_bucket, row.source_key)
    blocks = SpanBlocks(hands, store, place, (span.first, span.size), etag=row.source_etag, tries=tries, take=print_.update)
    await drained(blocks)
    return Promise(crc64nvme=print_.crc64nvme, sha256=print_.sha256, xxh3=print_.xxh3)


async def drained(blocks: SpanBlocks) -> None:
    """Read a span to its end; whoever made it has seen each block."""
    try:
        async for _ in blocks:
            pass
    finally:
        await blocks.close()


class Watch:
    """Takes a span's blocks in, for the whole object's fingerprint and its own, and holds the last one back if they are wrong.

    Good for one reading: `whole` is a copy, to be kept only if the span was sent.
    """

    def __init__(self, hands: Hands, row: PlanRow, span: Span, promise: Promise, whole: Fingerprint) -> None:
        self.whole = whole.copy()
        self.own = Fingerprint()
        self._endpoint, self._key = hands.source.endpoint, row.source_key
        self._span, self._promise = span, promise
        make = _RUNNING.get(promise.algorithm)
        self._running = make() if make else None

    def take(self, view: memoryview) -> None:
        """Take the next block in. Raises ProtocolError at the last one, if all together are not what was promised."""
        self.whole.update(view)
        self.own.update(view)
        if self._running is not None:
            self._running.update(view)
        if self.own.size == self._span.size:
            self._check()

    def _check(self) -> None:
        promise = self._promise
        if promise.xxh3 and self.own.xxh3 != promise.xxh3:
            raise ProtocolError(
                f"two readings of {shown(self._key)} at {self._endpoint} gave different bytes: the write was broken off"
            )
        came = base64.b64encode(self._running.digest()).decode() if self._running else self.own.crc64nvme
        if promise.value and came != promise.value:
            raise ProtocolError(
                f"the bytes read of {shown(self._key)} do not match the checksum that {self._endpoint} stored "
                f"({promise.algorithm.upper()}): the write was broken off"
            )


def watched(hands: Hands, row: PlanRow, span: Span, watch: Watch, tries: Tries) -> SpanBlocks:
    """Return a span of a row's source object, block by block, under the eyes of `watch`."""
    place = (row.source_bucket, row.source_key)
    return SpanBlocks(hands, hands.source, place, (span.first, span.size), etag=row.source_etag, tries=tries, take=watch.take)
