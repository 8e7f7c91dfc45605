"""What the reference store makes of the rarer headers of a write: locks, encryption, storage class, ACL.

Guarantees S3's rules: a lock needs a bucket with object lock and an end that is still to come, encryption a key that is there, a
canned ACL becomes grants. `Behaviour` scripts what real stores do otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from connectors.memory.behaviour import Behaviour
from connectors.memory.service import OWNER, Bucket, Care
from relocation.rules.errors import BadRequest
from relocation.rules.objects import LOCK_HEADERS, LOCK_MODE, LOCK_UNTIL, SSE, SSE_KEY, STORAGE_CLASS, Attributes

ALL, SIGNED_IN = "group:AllUsers", "group:AuthenticatedUsers"
CANNED = {
    "private": (),
    "public-read": ((ALL, "READ"),),
    "public-read-write": ((ALL, "READ"), (ALL, "WRITE")),
    "authenticated-read": ((SIGNED_IN, "READ"),),
}
Refuse = Callable[[str], BadRequest]


def care_of(behaviour: Behaviour, place: Bucket, attributes: Attributes, *, retain_until: str, now: float, refuse: Refuse) -> Care:
    """Return what is kept, or raise what `refuse` makes of S3's code for what can't be."""
    headers = dict(attributes.headers)
    if retain_until:
        headers |= {LOCK_MODE: "COMPLIANCE", LOCK_UNTIL: retain_until}
    rarer = _lock(behaviour, place, headers, now=now, refuse=refuse)
    rarer |= _encryption(behaviour, headers, refuse=refuse)
    if attributes.storage_class not in {"", "STANDARD"}:
        if attributes.storage_class not in behaviour.storage_classes:
            raise refuse("InvalidStorageClass")
        rarer[STORAGE_CLASS] = attributes.storage_class
    canned = headers.get("x-amz-acl", "private")
    if canned not in CANNED:
        raise refuse("InvalidArgument")
    grants = CANNED[canned] if behaviour.acl == "honoured" else ()
    return Care(tuple(sorted(rarer.items())), tuple(sorted(((OWNER, "FULL_CONTROL"), *grants))))


def _lock(behaviour: Behaviour, place: Bucket, headers: dict[str, str], *, now: float, refuse: Refuse) -> dict[str, str]:
    lock = {name: headers[name] for name in LOCK_HEADERS if name in headers}
    until = lock.get(LOCK_UNTIL, "")
    if lock and not place.object_lock:
        raise refuse("InvalidRequest")
    if bool(until) != (LOCK_MODE in lock) or (until and datetime.fromisoformat(until).timestamp() <= now):
        raise refuse("InvalidArgument")
    return lock if behaviour.object_lock == "honoured" else {}


def _encryption(behaviour: Behaviour, headers: dict[str, str], *, refuse: Refuse) -> dict[str, str]:
    wanted = {name: headers[name] for name in (SSE, SSE_KEY) if name in headers}
    if wanted.get(SSE_KEY) and wanted[SSE_KEY] not in behaviour.kms_keys:
        raise refuse("KMS.NotFoundException")
    return wanted
