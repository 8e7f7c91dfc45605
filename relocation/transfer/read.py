"""Read one object, or one piece of it, guarded: only the version that was planned, whole, or not at all.

Guarantees: every read carries If-Match, and the answer's ETag is compared as well, for stores that ignore the condition; a change
is `SourceChanged`, a missing version `SourceGone`; a piece has exactly the size that was expected, and matches the checksum that
the store had stored for it, if it had one (else it is read again).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from relocation.ports import Store
from relocation.rules.errors import NotFound, PreconditionFailed, ProtocolError, SourceChanged, SourceGone
from relocation.rules.keys import shown
from relocation.rules.objects import Attributes, Head
from relocation.transfer.hashing import agrees
from relocation.transfer.retry import Tries


async def read_piece(
    store: Store,
    place: tuple[str, str],
    into: memoryview,
    *,
    etag: str,
    tries: Tries,
    part_number: int = 0,
    byte_range: tuple[int, int] | None = None,
    trusted: bool = True,
) -> Head:
    """Read the object at `place` (bucket, key), or a part or range of it, into `into`, which must be filled exactly.

    With `trusted`, bytes that do not match the checksum that the store had stored are read again; without, they are taken as they
    came, for whoever holds them against a hash of their own.
    """
    bucket, key = place

    async def once() -> Head:
        head = await store.get(bucket, key, into, if_match=etag, part_number=part_number, byte_range=byte_range)
        if trusted and head.size == len(into) and byte_range is None and agrees(into, head.checksums) is False:
            names = ", ".join(name.upper() for name, _ in head.checksums)
            raise ProtocolError(f"the bytes read of {shown(key)} do not match the checksum that {store.endpoint} stored ({names})")
        return head

    head = await _guarded(once, store, place, etag=etag, tries=tries)
    if head.size != len(into):
        raise SourceChanged(f"{shown(key)} has {head.size} bytes where {len(into)} were listed")
    return head


async def read_head(store: Store, place: tuple[str, str], *, etag: str, tries: Tries, part_number: int = 0) -> Head:
    """HEAD the object at `place`, or a part of it, guarded like a read."""
    bucket, key = place

    async def once() -> Head:
        return await store.head(bucket, key, if_match=etag, part_number=part_number)

    return await _guarded(once, store, place, etag=etag, tries=tries)


async def _guarded(once: Callable[[], Awaitable[Head]], store: Store, place: tuple[str, str], *, etag: str, tries: Tries) -> Head:
    bucket, key = place
    try:
        head = await tries.run(once)
    except PreconditionFailed as error:
        raise SourceChanged(f"{shown(key)} in {store.endpoint}/{bucket} is no longer the version {etag}") from error
    except NotFound as error:
        raise SourceGone(f"{shown(key)} in {store.endpoint}/{bucket} is gone") from error
    if etag and head.etag != etag:
        raise SourceChanged(f"{shown(key)} in {store.endpoint}/{bucket} is {head.etag} now, planned was {etag}")
    return head


async def attributes_of(store: Store, place: tuple[str, str], head: Head, tries: Tries) -> Attributes:
    """Return what travels beside the bytes: the answer's headers and metadata, and the tags where the answer counts any."""
    if not head.tag_count:
        return head.attributes
    try:
        tags = await tries.run(lambda: store.get_tags(*place, version_id=head.version_id))
    except NotFound as error:
        raise SourceGone(f"{shown(place[1])} in {store.endpoint}/{place[0]} was gone before its tags were read") from error
    return replace(head.attributes, tags=tags)
