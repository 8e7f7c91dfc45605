"""How an object ends: what became of it is its one fact; what went wrong stands there in words.

What stops the whole wave passes through: a missing right, a full target, an endpoint that is gone, a lost lease.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from relocation.rules.errors import (
    BadRequest,
    CutShort,
    NotFound,
    PreconditionFailed,
    SlowDown,
    SourceChanged,
    SourceGone,
    Transient,
    Unreachable,
)
from relocation.rules.objects import Head, Written
from relocation.rules.records import Fact, Outcome, PlanRow, Removal
from relocation.transfer.retry import Tries


async def settled(work: Callable[[], Awaitable[Fact]], row: PlanRow, tries: Tries, *, stage: str) -> Fact:
    """Return the fact that `work` comes to; drift, exhausted retries and a store's plain no are facts too."""
    try:
        return await work()
    except SourceGone as error:
        return ended(row, Outcome.GONE, str(error), tries, stage=stage)
    except SourceChanged as error:
        return ended(row, Outcome.DRIFTED, str(error), tries, stage=stage)
    except CutShort as error:
        return ended(row, Outcome.FAILED, reason_of(error), tries, stage=stage)
    except Unreachable:
        raise
    except (Transient, BadRequest, NotFound, PreconditionFailed) as error:
        return ended(row, Outcome.FAILED, reason_of(error), tries, stage=stage)


class Prints(Protocol):
    """What an object hashes to."""

    @property
    def xxh3(self) -> str: ...
    @property
    def crc64nvme(self) -> str: ...
    @property
    def sha256(self) -> str: ...


def copied(
    row: PlanRow,
    tries: Tries,
    *,
    read: Head,
    there: Written | Head,
    prints: Prints,
    layout: str = "",
    proofs: tuple[str, ...] = (),
    losses: tuple[str, ...] = (),
    attributes_sha256: str = "",
) -> Fact:
    """Return the fact of an object that is at the target: as it was `read`, and as the target answered or shows it.

    What was proved, lost and sent beside the bytes is for whoever saw it to say.
    """
    return Fact(
        stage="copy",
        outcome=Outcome.COPIED,
        source_bucket=row.source_bucket,
        source_key=row.source_key,
        target_bucket=row.target_bucket,
        target_key=row.target_key,
        size=row.size,
        source_etag=row.source_etag,
        source_last_modified=row.source_last_modified,
        source_version_id=read.version_id,
        target_etag=there.etag,
        target_version_id=there.version_id,
        xxh3=prints.xxh3,
        crc64nvme=prints.crc64nvme,
        layout=layout,
        proofs=proofs,
        losses=losses,
        attempts=tries.count,
        attributes_sha256=attributes_sha256,
        sha256=prints.sha256,
    )


def ended(
    row: PlanRow, outcome: Outcome | Removal, reason: str, tries: Tries | None, *, stage: str = "copy", mismatch: bool = False
) -> Fact:
    """Return the fact of an object that was not copied: what was planned, what was found, and the reason."""
    return Fact(
        stage=stage,
        outcome=outcome,
        source_bucket=row.source_bucket,
        source_key=row.source_key,
        target_bucket=row.target_bucket,
        target_key=row.target_key,
        size=row.size,
        source_etag=row.source_etag,
        source_last_modified=row.source_last_modified,
        target_etag=row.found_etag,
        reason=reason,
        attempts=tries.count if tries else 1,
        mismatch=mismatch,
        ours=row.ours,
    )


def reason_of(error: Transient | BadRequest | NotFound | PreconditionFailed) -> str:
    """Say what kept failing. A 503 or a cut answer for one object while others go through is how bit-rot looks on some stores."""
    if isinstance(error, SlowDown):
        return f"unreadable: the store kept answering 503 for this object, and not for all ({error}); damaged bytes look like this"
    if isinstance(error, CutShort):
        return f"unreadable: the answer for this object broke off each time ({error}); damaged bytes look like this"
    return str(error)
