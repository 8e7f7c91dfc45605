"""What is written down: plan rows, intents, facts, runs, leases, segments, probe answers. Flat and frozen.

Each record that goes into a file (`PlanRow`, `Fact`, `InventoryRow`) has fields of `str`, `int`, `bool` and `tuple[str, ...]`
only, so that one table format fits them all. Those of which there is one an object are named tuples: made, copied and written many
times an object, they cost a fifth of what a frozen dataclass does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Action(StrEnum):
    """What a plan does with one object: a closed set (design: plan)."""

    COPY = "copy"
    KEEP = "keep"
    PROVE = "prove"
    REPLACE = "replace"
    CONFLICT = "conflict"
    REFUSE = "refuse"
    REMOVE = "remove"
    DELETED_AT_TARGET = "deleted_at_target"


class Outcome(StrEnum):
    """How a Copy, Replace, Prove (in a verify, a Keep too) ends: a closed set."""

    VERIFIED = "verified"
    FAILED = "failed"
    DRIFTED = "drifted"
    GONE = "gone"
    CONFLICTED = "conflicted"
    COPIED = "copied"  # between copy and verify only: written, not yet read back


class Removal(StrEnum):
    """How a Remove ends: a closed set."""

    REMOVED = "removed"
    STAYS = "stays"  # not ours any more, back at the source, or not to be removed exactly: with its reason


class Proof(StrEnum):
    """What was seen of one object; each has a side (design: proofs)."""

    RECEIVED = "received"
    SAME_ETAG = "same_etag"
    SOURCE_CHECKSUM = "source_checksum"
    SOURCE_TWICE = "source_twice"
    READ_BACK = "read_back"
    RE_PROVED = "re_proved"


class InventoryRow(NamedTuple):
    """One object of one side at one time; `move` is the index of the category's move that it belongs to.

    `version_id` is there where the category's versions are listed, one row each; a delete marker has no ETag.
    """

    move: int
    bucket: str
    key: str
    size: int
    etag: str
    last_modified: str
    storage_class: str = "STANDARD"
    version_id: str = ""


class PlanRow(NamedTuple):
    """One source object (or, for Remove and DeletedAtTarget, one of ours) and the one action for it.

    `foretold_etag` is what the target's ETag will be if the layout is kept (empty: it can't be known). `found_*` is what the
    target's listing showed under the target key (empty: nothing). `xxh3`, `sha256`, `proofs` and `attributes_sha256` are those of
    the standing fact, for Keep. `intended` is the XXH3-128 of each body of the found size that an open intent of ours names: what
    was found is ours if its bytes are one of these. `ours` says that a fact or an intent of ours names what was found.

    `source_version_id` is there where the policy says that all versions are moved: then each version has a row of its own (one
    without `source_etag` is a delete marker), and `found_version_id` is the target's version that it was found to be.
    """

    action: str
    move: int
    source_bucket: str
    source_key: str
    target_bucket: str
    target_key: str
    size: int
    source_etag: str
    source_last_modified: str
    foretold_etag: str = ""
    found_etag: str = ""
    found_size: int = -1
    ours: bool = False
    xxh3: str = ""
    attributes_sha256: str = ""
    proofs: tuple[str, ...] = ()
    reason: str = ""
    sha256: str = ""
    intended: tuple[str, ...] = ()
    source_version_id: str = ""
    found_version_id: str = ""


class Intent(NamedTuple):
    """What we are about to write: recorded before the effect, so that after a crash our own object is known as ours.

    `expected_etag` is empty where the target's ETag can't be foretold; it is amended after hashing, before the PUT. Where even then
    it can't be (the target's are no MD5s), `size` and `xxh3` are: what stands there afterwards is ours if it has these bytes.
    `attributes_sha256` goes with `upload_id`: what that upload was begun with. `source_version_id` is there
    where all versions are moved.
    """

    shard: int
    target_bucket: str
    target_key: str
    source_etag: str
    expected_etag: str = ""
    upload_id: str = ""
    size: int = -1
    xxh3: str = ""
    attributes_sha256: str = ""
    source_version_id: str = ""


class OpenUpload(NamedTuple):
    """An upload that a run of a wave began, and that its intents still name."""

    wave: str
    target_bucket: str
    target_key: str
    upload_id: str


class Fact(NamedTuple):
    """One durable record about one object version, as one stage left it.

    `xxh3` is XXH3-128 of the whole object (32 hex digits), `crc64nvme` base64, `sha256` hex (where the policy asks for it),
    `layout` the part sizes in bytes joined by `,`
    (one part: written whole), `losses` what the target could not keep, `at` ISO 8601 UTC. `attributes_sha256` is over what was
    sent beside the bytes (headers, metadata, tags). `ours` says that we wrote the target's object; a proved one that somebody
    else wrote is not ours and is never overwritten. `mismatch`: the bytes that came back are not the ones that were sent.
    """

    stage: str
    outcome: str
    source_bucket: str
    source_key: str
    target_bucket: str
    target_key: str
    size: int
    source_etag: str
    source_last_modified: str
    source_version_id: str = ""
    target_etag: str = ""
    target_version_id: str = ""
    xxh3: str = ""
    crc64nvme: str = ""
    layout: str = ""
    proofs: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    reason: str = ""
    attempts: int = 1
    at: str = ""
    run_id: str = ""
    mismatch: bool = False
    attributes_sha256: str = ""
    ours: bool = True
    sha256: str = ""


class RunState(StrEnum):
    """Where a run stands. `open` is unfinished: it can be gone on with."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of one wave. `stage` is the last stage that was begun; `plan_sha256` is empty until the plan is sealed.

    `kind` is `plan`, `run`, `verify` or `catch_up`; `document` is the SHA-256 of its document in the
    vault; `report` where the page lies;
    `until` the stage after which it is to stop.
    """

    id: str
    category: str
    wave: str
    kind: str
    state: str = RunState.OPEN
    stage: str = ""
    config_sha256: str = ""
    plan_sha256: str = ""
    document: str = ""
    report: str = ""
    started_at: str = ""
    finished_at: str = ""
    who: str = ""
    host: str = ""
    version: str = ""
    summary: str = ""
    message: str = ""
    until: str = "verify"


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """Where readers and writers of a wave's slice go (`source`, `target_first`, `target`), and whether any of it was ever erased.

    `version` grows with every change; 0: nothing was ever said, readers go to the source. `partition_sha256` is that of the
    category's waves as they were at the last change (`Category.partition_sha256`).
    """

    category: str
    wave: str
    route: str = "source"
    version: int = 0
    erased: bool = False
    partition_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to record outcomes of one shard (or, with `shard` -1, of one wave), fenced by a token that only grows."""

    run_id: str
    stage: str
    shard: int
    token: int
    expires_at: float
    """Seconds since the epoch, by the ledger's clock."""


@dataclass(frozen=True, slots=True)
class ShardTally:
    """One shard's state (`open`, `leased`, `sealed`) with its objects and bytes."""

    number: int
    state: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Segment:
    """The sealed facts of one shard: a file in the vault, known by its SHA-256 and the Merkle root of its rows.

    `unread` counts the objects that were written and not yet read back.
    """

    category: str
    wave: str
    run_id: str
    stage: str
    shard: int
    name: str
    sha256: str
    root: str
    objects: int
    bytes: int
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """What one bucket of one endpoint answered to the probe: question → answer, as seen, never assumed."""

    endpoint: str
    bucket: str
    at: str
    url: str
    server: str
    answers: tuple[tuple[str, str], ...]

    def __getitem__(self, question: str) -> str:
        """Return the answer, or `not asked`."""
        return dict(self.answers).get(question, "not asked")
