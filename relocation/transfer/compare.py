"""Read bytes back and say what they are: the target's alone against a known hash, or both sides against each other.

Guarantees: bodies are read in chunks of at most 16 MiB from the budget, each guarded by the ETag; nothing is written.
"""

from __future__ import annotations

from typing import NamedTuple

from relocation.ports import Store
from relocation.rules import parts
from relocation.rules.objects import Head
from relocation.transfer.hands import CHUNK_BYTES, Hands
from relocation.transfer.hashing import Fingerprint
from relocation.transfer.read import check_same, read_head, read_piece
from relocation.transfer.retry import Tries


class Hashed(NamedTuple):
    """An object as it was read: its hashes, and what the store said of it."""

    xxh3: str
    crc64nvme: str
    head: Head
    sha256: str


async def hash_object(hands: Hands, store: Store, place: tuple[str, str], *, etag: str, size: int, tries: Tries) -> Hashed:
    """Read the version `etag` of the object at `place` whole and return its hashes. Raises Drift if it is another, or gone."""
    chunk_bytes = min(CHUNK_BYTES, hands.budget.total_bytes)
    print_ = Fingerprint(sha256=hands.sha256)
    if size <= chunk_bytes:
        head = await _take(hands, store, place, print_, etag=etag, tries=tries, size=size, byte_range=None)
    else:
        head = await read_head(store, place, etag=etag, tries=tries)
        for first, last in parts.ranges(size, chunk_bytes):
            took = await _take(hands, store, place, print_, etag=etag, tries=tries, size=last - first + 1, byte_range=(first, last))
            check_same(head, took, place)
    return Hashed(print_.xxh3, print_.crc64nvme, head, print_.sha256)


async def _take(
    hands: Hands,
    store: Store,
    place: tuple[str, str],
    print_: Fingerprint,
    *,
    etag: str,
    tries: Tries,
    size: int,
    byte_range: tuple[int, int] | None,
) -> Head:
    lease = await hands.budget.lease(size)
    try:
        head = await read_piece(store, place, lease.view, etag=etag, tries=tries, byte_range=byte_range, trusted=False)
        print_.update(lease.view)
        return head
    finally:
        lease.release()
