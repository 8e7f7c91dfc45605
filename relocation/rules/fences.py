"""Write fences: what keeps an application from writing to a slice of the source, and which categories it touches. Pure.

Guarantees: a fence names every category that it touches, whether it was meant for it or not. Refuses one that would touch
categories that nobody named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from relocation.rules.errors import Refusal

FenceKind = Literal["iam", "bucket_policy", "quota"]
KINDS: tuple[FenceKind, ...] = ("iam", "bucket_policy", "quota")
"""In the order in which they are preferred: by prefix and user first, a whole bucket for everybody last."""

Change = Literal["writes", "deletions", "changes of tags"]
CHANGES: tuple[Change, ...] = ("writes", "deletions", "changes of tags")
DENIES: Mapping[FenceKind, tuple[Change, ...]] = {"iam": CHANGES, "bucket_policy": CHANGES, "quota": ("writes",)}
"""What each kind claims to deny, and is tried for. A quota is about bytes that come, and nothing else (tried on MinIO)."""


class FenceState(StrEnum):
    """Where a fence stands. `raising`: recorded, and perhaps there; `lifted`: gone for certain."""

    RAISING = "raising"
    UP = "up"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True)
class FenceRecord:
    """One fence around one bucket of a source. `prefixes` and `users` are what it bars; `categories` are all that it touches.

    `undo` is what has to be put back when it is lifted (the bucket's own quota). `by_run`: raised by a process, and lifted with it;
    else by a person, who lifts it.
    """

    id: str
    endpoint: str
    bucket: str
    prefixes: tuple[str, ...]
    categories: tuple[str, ...]
    kind: FenceKind
    users: tuple[str, ...]
    undo: str = ""
    state: str = FenceState.RAISING
    who: str = ""
    host: str = ""
    at: str = ""
    by_run: bool = False


def bars(fence: FenceRecord) -> tuple[str, ...]:
    """Return the prefixes of the bucket that nobody writes below: a quota bars all of it, whatever it was meant for."""
    return ("",) if fence.kind == "quota" else fence.prefixes


def lets_through(fences: Iterable[FenceRecord]) -> tuple[str, ...]:
    """Return what these fences do not bar, in words."""
    return tuple(
        f"{each.endpoint}/{each.bucket}: the write fence is a {each.kind}, which lets {' and '.join(open_)} through: what came "
        "so is found by the next pass"
        for each in fences
        if (open_ := [change for change in CHANGES if change not in DENIES[each.kind]])
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """What one category claims of a source: a prefix of a bucket."""

    category: str
    endpoint: str
    bucket: str
    prefix: str


def touched(claims: Iterable[Claim], *, endpoint: str, bucket: str, prefixes: Iterable[str], kind: FenceKind) -> tuple[str, ...]:
    """Return the categories that a fence touches: those whose keys may lie below its prefixes, or all of the bucket."""
    wanted = tuple(prefixes)
    return tuple(
        dict.fromkeys(
            claim.category
            for claim in claims
            if (claim.endpoint, claim.bucket) == (endpoint, bucket)
            and (kind == "quota" or any(claim.prefix.startswith(each) or each.startswith(claim.prefix) for each in wanted))
        )
    )


def refuse_others(record: FenceRecord, category: str) -> None:
    """Refuse a fence that would bar writers of categories that nobody named."""
    others = [name for name in record.categories if name != category]
    if others:
        raise Refusal(
            f"a fence by {record.kind} around {record.endpoint}/{record.bucket} stops the writers of {', '.join(others)} as well; "
            f"if that is meant, name it: --by {record.kind}"
        )
