"""Read one object, or one piece of it, guarded: only the version that was planned, whole, or not at all.

Guarantees: every read carries If-Match, and the answer's ETag is compared as well, for stores that ignore the condition; a change
is `SourceChanged` and names both versions, a missing version `SourceGone`; a piece has exactly the size that was expected, and
matches the checksum that the store had stored for it, if it had one (else it is read again). What travels beside the bytes is asked
for only where the answer, or the policy, says that there is something to ask for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from relocation.ports import Store
from relocation.rules import fidelity
from relocation.rules.errors import (
    HikkoshiError,
    NotFound,
    PreconditionFailed,
    ProtocolError,
    SourceChanged,
    SourceGone,
)
from relocation.rules.fidelity import Fidelity
from relocation.rules.keys import shown
from relocation.rules.objects import Acl, Attributes, Head
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
        what = f"{shown(key)} in {store.endpoint}/{bucket}"
        raise SourceChanged(f"{what}: {head.size} bytes came where {len(into)} were due ({identity(head)}); planned was {etag}")
    return head


async def read_head(store: Store, place: tuple[str, str], *, etag: str, tries: Tries, part_number: int = 0) -> Head:
    """HEAD the object at `place`, or a part of it, guarded like a read."""
    bucket, key = place

    async def once() -> Head:
        return await store.head(bucket, key, if_match=etag, part_number=part_number)

    return await _guarded(once, store, place, etag=etag, tries=tries)


def check_same(said: Head, head: Head, place: tuple[str, str]) -> None:
    """Raise SourceChanged where two answers about one object, such as HEAD and GET, do not tell of the same version: neither is
    picked. A part's own size and checksums may differ."""
    first = (said.etag, said.version_id, said.last_modified, said.attributes)
    if first == (head.etag, head.version_id, head.last_modified, head.attributes):
        return
    differ = [name for name, value in said.attributes.headers if (name, value) not in head.attributes.headers]
    differ += ["user metadata"] if said.attributes.metadata != head.attributes.metadata else []
    raise SourceChanged(
        f"{shown(place[1])}: two answers tell of different objects: one of {identity(said)}, the other of {identity(head)}"
        + (f"; they differ in {', '.join(differ)}" if differ else "")
    )


def identity(head: Head) -> str:
    """Say which version an answer is about: ETag, when it was last modified, version id."""
    return f"ETag {head.etag}, last modified {head.last_modified}" + (f", version {head.version_id}" if head.version_id else "")


async def _guarded(once: Callable[[], Awaitable[Head]], store: Store, place: tuple[str, str], *, etag: str, tries: Tries) -> Head:
    try:
        head = await tries.run(once)
    except PreconditionFailed as error:
        raise await _changed(store, place, etag, tries) from error
    except NotFound as error:
        raise _gone(store, place) from error
    if etag and head.etag != etag:
        raise SourceChanged(f"{shown(place[1])} in {store.endpoint}/{place[0]} is {identity(head)} now, planned was {etag}")
    return head


async def _changed(store: Store, place: tuple[str, str], etag: str, tries: Tries) -> HikkoshiError:
    """Return the error for a version that is not the planned one any more, with what stands there now."""
    what = f"{shown(place[1])} in {store.endpoint}/{place[0]} is no longer the version {etag}"
    try:
        found = await tries.run(lambda: store.head(*place))
    except NotFound:
        return _gone(store, place)
    except HikkoshiError as error:
        return SourceChanged(f"{what}; what stands there now can't be told: {error}")
    return SourceChanged(f"{what}, it is {identity(found)} now")


def _gone(store: Store, place: tuple[str, str]) -> SourceGone:
    return SourceGone(f"{shown(place[1])} in {store.endpoint}/{place[0]} is gone")


Sent = tuple[Attributes, tuple[str, ...]]
"""What goes along with an object's bytes, and what of it can't, in words."""


async def to_send(policy: Fidelity, store: Store, place: tuple[str, str], head: Head, tries: Tries, *, now: float) -> Sent:
    """Return what goes along with the bytes of a source object, in the target's terms, and what of it does not."""
    if not (head.tag_count or head.rarer or policy.rewrites):
        return head.attributes, ()
    head, acl = await _asked(policy, store, place, head, tries)
    return fidelity.to_send(policy, head, acl, now=now)


async def as_kept(policy: Fidelity, store: Store, place: tuple[str, str], head: Head, tries: Tries) -> Attributes:
    """Return what a target object has beside its bytes, in the form of `to_send`."""
    if not (head.tag_count or head.rarer or policy.rewrites):
        return head.attributes
    head, acl = await _asked(policy, store, place, head, tries)
    return fidelity.as_kept(policy, head, acl)


async def _asked(policy: Fidelity, store: Store, place: tuple[str, str], head: Head, tries: Tries) -> tuple[Head, Acl | None]:
    """Ask for tags where the answer counts any, and for the ACL where the policy maps them."""
    try:
        if head.tag_count:
            tags = await tries.run(lambda: store.get_tags(*place, version_id=head.version_id))
            head = head._replace(attributes=replace(head.attributes, tags=tags))
        acl = await tries.run(lambda: store.get_acl(*place, version_id=head.version_id)) if policy.acls else None
    except NotFound as error:
        what = f"{shown(place[1])} in {store.endpoint}/{place[0]}"
        raise SourceGone(f"{what} was gone before its tags and ACL were read") from error
    return head, acl
