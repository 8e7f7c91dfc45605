"""What travels beside the bytes: each field kept, mapped, or waived with a reason. Pure.

Guarantees: what is sent is what the source has, in the target's terms by the policy; retention and legal hold never come out weaker
than the source's; what can't go along is named, field by field, with why. Refuses to guess: a grant or a storage class without a
mapping is never mapped by likeness.
Source: AWS, "Working with object metadata", "Canned ACL", "How S3 Object Lock works".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from relocation.rules.objects import (
    ARCHIVE_STATUS,
    LOCK_HEADERS,
    LOCK_HOLD,
    LOCK_MODE,
    LOCK_UNTIL,
    RESTORE,
    SSE,
    SSE_CUSTOMER,
    SSE_KEY,
    Acl,
    Attributes,
    Head,
)
from relocation.rules.questions import NOT_ASKED, Question
from relocation.rules.records import Answers

STANDARD = "STANDARD"
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects can't be read before they are restored. GLACIER_IR can."""
MAY_ARCHIVE = ARCHIVED | {"INTELLIGENT_TIERING"}
SOURCE_MODIFIED = "hikkoshi-source-last-modified"
"""User metadata that holds the source's Last-Modified (ISO 8601, UTC), where the policy says so."""
ACL = "x-amz-acl"
PRIVATE = "private"
_PUBLIC = {
    frozenset[tuple[str, str]](): PRIVATE,
    frozenset({("group:AllUsers", "READ")}): "public-read",
    frozenset({("group:AllUsers", "READ"), ("group:AllUsers", "WRITE")}): "public-read-write",
    frozenset({("group:AuthenticatedUsers", "READ")}): "authenticated-read",
}
Encryption = tuple[tuple[str, str], ...]
"""The headers with which a write asks for encryption at the target; none: whatever the bucket does by itself."""
CUSTOMERS = "SSE-C"
_FIRMNESS = {"": 0, "GOVERNANCE": 1, "COMPLIANCE": 2}


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How a category's objects are carried. `encryption` are the headers that a write carries for the target's own encryption;
    `drops_odd_tags`: the target was seen to refuse or change tags beyond ASCII."""

    storage_classes: Mapping[str, str] = field(default_factory=dict)
    acls: Mapping[str, str] = field(default_factory=dict)
    source_modified: bool = False
    encryption: Encryption = ()
    drops_odd_tags: bool = False
    rewrites: bool = field(init=False, default=False)
    """Whether even an object without anything rare about it is sent otherwise than it was read."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rewrites", bool(self.acls or self.source_modified or self.encryption))

    @property
    def opaque_etags(self) -> bool:
        """Whether the target's ETags are no MD5, because its objects are encrypted with a key of a key service or our own."""
        return any(value == "aws:kms" or name == SSE_CUSTOMER for name, value in self.encryption)

    def class_of(self, storage_class: str) -> str:
        """Return the target's storage class for one of the source; empty for the standard one."""
        mapped = self.storage_classes.get(storage_class, storage_class)
        return "" if mapped == STANDARD else mapped


def to_send(policy: Fidelity, head: Head, acl: Acl | None, *, now: float) -> tuple[Attributes, tuple[str, ...]]:
    """Return what goes along with an object's bytes, and what of it can't, in words. `head.attributes` holds its tags.

    A retention that has run out by `now` (seconds since the epoch) holds nothing any more, and no store takes it: it is left out.
    """
    read = head.attributes
    losses: list[str] = []
    headers = [*read.headers, *_held(head, now=now), *policy.encryption]
    if acl is not None:
        canned, unmapped = _mapped_acl(policy, acl)
        headers += [(ACL, canned)] if canned != PRIVATE else []
        losses += unmapped
    metadata = read.metadata
    if policy.source_modified and SOURCE_MODIFIED not in dict(metadata):
        metadata = tuple(sorted((*metadata, (SOURCE_MODIFIED, head.last_modified))))
    tags = read.tags
    if policy.drops_odd_tags and any(_odd(tag) for tag in tags):
        tags = tuple(tag for tag in tags if not _odd(tag))
        losses.append("tags beyond ASCII (the target does not take them)")
    return Attributes(tuple(headers), metadata, tags, policy.class_of(read.storage_class)), tuple(losses)


def as_kept(policy: Fidelity, head: Head, acl: Acl | None) -> Attributes:
    """Return what the target has beside the bytes, in the form of `to_send`: so that equal means kept."""
    read = head.attributes
    headers = [*read.headers, *((name, value) for name, value in head.rarer if name in LOCK_HEADERS and value != "OFF")]
    asked = dict(policy.encryption)
    headers += [
        (name, asked[name] if _same_key(name, asked[name], value) else value) for name, value in head.rarer if name in asked
    ]
    if acl is not None and (canned := canned_of(acl)[0]) != PRIVATE:
        headers.append((ACL, canned))
    return replace(read, headers=tuple(headers), storage_class="" if read.storage_class == STANDARD else read.storage_class)


def differences(sent: Attributes, kept: Attributes) -> tuple[str, ...]:
    """Name what the target did not keep of what was sent, field by field, values aside. More retention than was sent is no
    difference, nor is a note of the source's Last-Modified that is missing where somebody else copied."""
    there, notes = dict(kept.headers), dict(kept.metadata)
    losses = [name for name, value in sent.headers if name not in LOCK_HEADERS and there.get(name) != value]
    losses += weaker(dict(sent.headers), there)
    losses += [f"x-amz-meta-{name}" for name, value in sent.metadata if name != SOURCE_MODIFIED and notes.get(name) != value]
    losses += ["tags"] if sorted(sent.tags) != sorted(kept.tags) else []
    losses += ["storage class"] if sent.storage_class != kept.storage_class else []
    return tuple(losses)


def weaker(sent: Mapping[str, str], kept: Mapping[str, str]) -> tuple[str, ...]:
    """Name the lock headers in which the target holds an object less firmly than it was to be held."""
    found = []
    if sent.get(LOCK_HOLD) == "ON" and kept.get(LOCK_HOLD) != "ON":
        found.append(LOCK_HOLD)
    if _FIRMNESS.get(kept.get(LOCK_MODE, ""), 0) < _FIRMNESS.get(sent.get(LOCK_MODE, ""), 0):
        found.append(LOCK_MODE)
    if LOCK_UNTIL in sent and (LOCK_UNTIL not in kept or _seconds(kept[LOCK_UNTIL]) < _seconds(sent[LOCK_UNTIL])):
        found.append(LOCK_UNTIL)
    return tuple(found)


def is_held(head: Head, *, now: float) -> bool:
    """Tell whether a retention that has not run out, or a legal hold, is on an object."""
    return bool(_held(head, now=now))


def etag_is_opaque(head: Head) -> bool:
    """Tell whether the store says that this object's ETag can't be an MD5: a key service's or a customer's key encrypts it."""
    return any(name == SSE_CUSTOMER or (name == SSE and value != "AES256") for name, value in head.rarer)


def needs_restore(head: Head, storage_class: str) -> str:
    """Say why an object can't be read before it is restored; empty where it can."""
    rarer = dict(head.rarer)
    restored = rarer.get(RESTORE, "")
    if 'ongoing-request="true"' in restored:
        return "NEEDS_RESTORE: it is being restored; run again when that is done"
    where = rarer.get(ARCHIVE_STATUS, "") or (storage_class if storage_class in ARCHIVED else "")
    if not where or 'ongoing-request="false"' in restored:
        return ""
    return f"NEEDS_RESTORE: it is archived ({where}); restore it at the source (RestoreObject), then run again"


def refused_class(policy: Fidelity, storage_class: str, target: Answers) -> str:
    """Say why an object of this storage class can't go to the target: without a mapping it must have been seen to be taken."""
    if storage_class in {"", STANDARD}:
        return ""
    wanted = policy.storage_classes.get(storage_class, storage_class)
    tried = dict(answer.split("=", 1) for answer in target[Question.STORAGE_CLASSES].split() if "=" in answer)
    if wanted == STANDARD or tried.get(wanted) == "kept":
        return ""
    if storage_class in policy.storage_classes and wanted not in tried:
        return ""  # a class of the target's own: whoever mapped to it knows
    seen = f"the target does not take it ({tried[wanted]})" if wanted in tried else "nobody has seen the target take it"
    named = f"its storage class {storage_class}" + (f", mapped to {wanted}," if wanted != storage_class else "")
    return f"{named} has no place at the target: {seen}; name one in policy.storage_class_map, such as {storage_class}: STANDARD"


def refused_encryption(policy: Fidelity, target: Answers) -> str:
    """Say why nothing can be written with the encryption that the policy asks for; the key is named. Empty where it can."""
    if not policy.encryption:
        return ""
    label = label_of(policy.encryption)
    by_customer = label == CUSTOMERS
    tried = dict(answer.rsplit("=", 1) for answer in target[Question.ENCRYPTION].split() if "=" in answer)
    if tried.get(label) == "kept":
        return ""
    place = f"{target.endpoint}/{target.bucket}"
    if label not in tried:
        asks = "policy.customer_keys.target" if by_customer else "policy.sse"
        return f"{asks} asks for {label}, and nobody has tried it on {place}: run `hikkoshi probe {target.endpoint}`"
    if by_customer:
        return (
            f"{place} takes no object encrypted with a customer's key (SSE-C: {tried[label]}); AWS blocks it on new buckets since "
            "April 2026: allow it (PutBucketEncryption, BlockedEncryptionTypes: NONE), or take policy.customer_keys.target out"
        )
    return f"{place} takes no object encrypted with {label} ({tried[label]}): see that the key is there and that we may use it"


def label_of(encryption: Encryption) -> str:
    """Return the name of an encryption, with its key's where one was given: `AES256`, `aws:kms`, `aws:kms:KEY`, `SSE-C`."""
    if any(name == SSE_CUSTOMER for name, _ in encryption):
        return CUSTOMERS
    return ":".join(value for _, value in encryption)


def drops_odd_tags(target: Answers) -> bool:
    """Tell whether the target was seen to refuse or change tags beyond ASCII."""
    return target[Question.NON_ASCII_TAG] not in {"kept", NOT_ASKED}


def canned_of(acl: Acl) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the canned ACL that an object's grants come to, and those grants that no canned one has (AWS: "Canned ACL")."""
    others = {grant for grant in acl.grants if grant != (acl.owner, "FULL_CONTROL")}
    public = frozenset(grant for grant in others if grant[0].startswith("group:"))
    canned = _PUBLIC.get(public)
    return (PRIVATE, tuple(sorted(others))) if canned is None else (canned, tuple(sorted(others - public)))


def _mapped_acl(policy: Fidelity, acl: Acl) -> tuple[str, list[str]]:
    canned, others = canned_of(acl)
    losses = [f"ACL: {permission} of {grantee} (no canned ACL says it)" for grantee, permission in others]
    if canned in policy.acls or canned == PRIVATE:
        return policy.acls.get(canned, PRIVATE), losses
    return PRIVATE, [f"ACL: {canned} (no mapping in policy.acl_map)", *losses]


def _held(head: Head, *, now: float) -> list[tuple[str, str]]:
    rarer = dict(head.rarer)
    held = []
    if rarer.get(LOCK_MODE) and _seconds(rarer.get(LOCK_UNTIL, "")) > now:
        held += [(LOCK_MODE, rarer[LOCK_MODE]), (LOCK_UNTIL, rarer[LOCK_UNTIL])]
    return [*held, (LOCK_HOLD, "ON")] if rarer.get(LOCK_HOLD) == "ON" else held


def _seconds(until: str) -> float:
    """Return an ISO 8601 time as seconds since the epoch; one that can't be read never ends, so that nothing is let go by it."""
    try:
        return datetime.fromisoformat(until).timestamp()
    except ValueError:
        return float("inf") if until else 0.0


def _same_key(name: str, sent: str, kept: str) -> bool:
    return name == SSE_KEY and kept.endswith((f"/{sent}", f":{sent}"))  # an answer may write a key's id out as its ARN


def _odd(tag: tuple[str, str]) -> bool:
    return not (tag[0].isascii() and tag[1].isascii())
