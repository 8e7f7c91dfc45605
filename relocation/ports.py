"""What the core asks of the outside, as Protocols. Connectors implement them, front doors hand them in.

Every call either does what it says, or raises one error of `rules/errors.py`; none returns a half answer. A timeout is a
`Transient`. Cancelling a call leaves nothing running behind it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from relocation.rules.bucket_settings import Aspect, BucketSettings
from relocation.rules.fences import FenceRecord
from relocation.rules.objects import (
    Acl,
    Attributes,
    Head,
    Listed,
    ListedPart,
    ListedUpload,
    ListedVersion,
    Page,
    Part,
    Place,
    Written,
)
from relocation.rules.records import Answers, Fact, Intent, Lease, OpenUpload, RouteRecord, RunRecord, Segment, ShardTally
from relocation.rules.summary import Named, Summary

Row = TypeVar("Row")
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Blocks:
    """A body that is never in memory whole: `size` bytes in all, each block asked for when the one before was taken.

    A block is its giver's again as soon as the next one is asked for. If asking raises, the request ends with that very error
    before its last byte, so that no store takes what was sent for a body. `sha256` (hex) is needed where a store signs what it
    sends (`Store.signs_bodies`). Good for one request.
    """

    size: int
    blocks: AsyncIterator[memoryview]
    sha256: str = ""


Body = bytes | memoryview | Blocks


@dataclass(slots=True)
class Response:
    """One HTTP answer. Header names are lower-case; a name that came twice has its values joined by `, `.

    `body` is the caller's `into` cut to what arrived, or the wire's own bytes; it is as sent: never decoded.
    """

    status: int
    headers: dict[str, str]
    body: memoryview


class Wire(Protocol):
    """HTTP/1.1 to one endpoint over a pool of keep-alive connections; one request at a time on each.

    `target` is the raw request target (`/bucket/key%20x?list-type=2`) and goes out as it is. Redirects are never
    followed, nothing is decoded, no proxy is asked. Anything that HTTP/1.1 does not allow is a `ProtocolError`, a broken or
    refused connection `Unreachable` (`CutShort` where an answer had begun), and the connection is dropped. Nothing is retried
    here, with one exception: a request on a kept-alive connection that the peer closed before a byte of the answer came is
    sent once more on a new one only if `method` is GET or HEAD.
    """

    async def request(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: Body = b"",
        *,
        into: memoryview | None = None,
    ) -> Response:
        """Send one request and return its whole answer.

        With `into`, the body of a 2xx answer is received straight into it; one that is longer is a `ProtocolError`. Without,
        or for another status, the wire holds it itself, up to 16 MiB. `headers` must hold `host`; the wire adds
        `content-length` for PUT and POST and whenever `body` is not empty, and nothing else.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Store(Protocol):
    """One S3-compatible endpoint, seen with the rights of one role. Keys are plain `str`; all of S3's are accepted as they are.

    Errors: 404 `NotFound` (or `BucketMissing`), 403 `Forbidden` or `WrongCredentials`, 412 `PreconditionFailed`, 304 and other 3xx
    `ProtocolError`, 429/503 `SlowDown`, 5xx and RequestTimeout `Transient`, checksum mismatches `ChecksumRejected`, quota or
    full drive `NoSpace`, every other 4xx `BadRequest` with the store's code. An answer that does not fit the request (a
    200 with an `<Error>` body, a length other than announced, XML that is none) is a `ProtocolError`.
    """

    endpoint: str
    role: str
    signs_bodies: bool
    """Whether a body's SHA-256 must be known before it is sent (plain http to another machine)."""

    async def list_buckets(self) -> tuple[str, ...]: ...

    async def list_objects(
        self,
        bucket: str,
        *,
        prefix: str = "",
        token: str = "",
        start_after: str = "",
        page_keys: int = 1000,
        delimiter: str = "",
    ) -> Page[Listed]:
        """Return one page of ListObjectsV2, keys decoded (asked with `encoding-type=url`). With `delimiter`, common prefixes are
        items too, with `etag` empty. IsTruncated without a token, or the token just sent, is a `ProtocolError`."""
        ...

    async def list_versions(
        self, bucket: str, *, prefix: str = "", token: str = "", page_keys: int = 1000, delimiter: str = ""
    ) -> Page[ListedVersion]:
        """Return one page of ListObjectVersions; `token` is opaque (it holds both markers). With `delimiter`, common prefixes are
        items too, with `version_id` empty."""
        ...

    async def list_uploads(self, bucket: str, *, prefix: str = "", token: str = "") -> Page[ListedUpload]:
        """Return one page of ListMultipartUploads. Some stores show an upload only under no prefix, or under its whole key."""
        ...

    async def head(self, bucket: str, key: str, *, version_id: str = "", part_number: int = 0, if_match: str = "") -> Head: ...

    async def get(
        self,
        bucket: str,
        key: str,
        into: memoryview,
        *,
        if_match: str = "",
        version_id: str = "",
        part_number: int = 0,
        byte_range: tuple[int, int] | None = None,
    ) -> Head:
        """Read an object, a part or a range (`first`, `last`, both inclusive) into `into`; the answer's `size` is what came.

        More bytes than `into` holds, fewer than announced, a 200 where 206 was due: `ProtocolError`. The answer's checksums were
        asked for (`x-amz-checksum-mode`), and are what the store has *stored*: nothing here compares them.
        """
        ...

    async def put(
        self,
        bucket: str,
        key: str,
        body: Body,
        *,
        attributes: Attributes = ...,
        crc64nvme: str = "",
        if_none_match: bool = False,
        if_match: str = "",
        retain_until: str = "",
    ) -> Written:
        """Write an object whole. `crc64nvme` (base64) goes out as `x-amz-checksum-crc64nvme`, `if_none_match` as
        `If-None-Match: *`, `retain_until` (ISO 8601) as a COMPLIANCE retention.
        """
        ...

    async def create_upload(self, bucket: str, key: str, *, attributes: Attributes = ..., checksum: bool = True) -> str:
        """Begin a multipart upload and return its id. `checksum` asks for a full-object CRC64NVME."""
        ...

    async def put_part(self, bucket: str, key: str, upload_id: str, number: int, body: Body, *, crc64nvme: str = "") -> Part: ...

    async def complete_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[Part],
        *,
        crc64nvme: str = "",
        if_none_match: bool = False,
        if_match: str = "",
    ) -> Written:
        """Complete an upload. A 200 whose body is an `<Error>`, or is not the result, is an error like any other."""
        ...

    async def abort_upload(self, bucket: str, key: str, upload_id: str) -> None: ...

    async def list_parts(self, bucket: str, key: str, upload_id: str) -> tuple[ListedPart, ...]:
        """Return each part uploaded so far, all pages. Its CRC64NVME is empty where the store tells none."""
        ...

    async def get_tags(self, bucket: str, key: str, *, version_id: str = "") -> tuple[tuple[str, str], ...]: ...

    async def get_acl(self, bucket: str, key: str, *, version_id: str = "") -> Acl: ...

    async def put_tags(self, bucket: str, key: str, tags: Sequence[tuple[str, str]], *, version_id: str = "") -> None: ...

    async def delete(self, bucket: str, key: str, *, version_id: str = "", if_match: str = "") -> None: ...

    async def get_versioning(self, bucket: str) -> str:
        """Return `Enabled`, `Suspended` or an empty string (never turned on)."""
        ...

    async def get_object_lock(self, bucket: str) -> bool:
        """Return whether the bucket was made with object lock."""
        ...

    async def server_time(self, bucket: str) -> float:
        """Return the `Date` of an answer of this store, as seconds since the epoch."""
        ...

    async def close(self) -> None: ...


class Stores(Protocol):
    """All stores of a migration, one for each endpoint and role, made when first asked for."""

    def of(self, endpoint: str, role: str, *, other_wire: bool = False, customer_key: str = "") -> Store:
        """Return the store seen with that role's rights. `other_wire` takes the HTTP stack that copying does not use.

        `customer_key` is the reference to a customer's key (SSE-C): what is written through this store is encrypted with it, and
        what it encrypts can be read. Reading with another key than the object's is `CustomerKeyWrong`, without one
        `CustomerKeyNeeded`; what no customer's key encrypts is read as it is. A role that the configuration leaves out is a
        `Refusal` that names `endpoints.ENDPOINT.credentials.ROLE`."""
        ...

    def at_once(self, endpoint: str) -> int:
        """Return how many requests the endpoint takes at once now; more would only queue."""
        ...

    async def close(self) -> None: ...


class Buckets(Protocol):
    """How buckets are set up, seen with the reader's rights, in the control plane: a few requests a run, at no pace."""

    async def read(self, place: Place, aspects: Collection[Aspect] = ...) -> BucketSettings:
        """Read these aspects (all, unless told) of one bucket. What the reader may not see is `NOT_ALLOWED`, what the store does
        not have at all `NOT_OFFERED`. Errors: `BucketMissing`, `WrongCredentials`, `Unreachable`; other refusals are `NOT_READ`."""
        ...


class Route(Protocol):
    """Where readers and writers of each wave's slice go, and whether any of it was ever erased, by compare-and-set.

    What was never said is `source`, version 0. Moving the readers themselves is not this port's business.
    """

    async def routes(self, category: str) -> tuple[RouteRecord, ...]:
        """Return what was ever said of the category's waves."""
        ...

    async def set_route(self, wanted: RouteRecord) -> RouteRecord:
        """Put a record in place of the one whose version it carries, and return it with the next version.

        Raises `StateMismatch` where another version stands there by now, or where it would take back that something was erased."""
        ...


class Fences(Protocol):
    """Write fences at sources, as the role `fencer`. Raising or lifting again what is as it should be changes nothing.

    Whether a fence holds is not this port's to say: a write as the application tells.
    """

    def users(self, endpoint: str) -> tuple[str, ...]:
        """Return the application's users at an endpoint: those whom a fence bars."""
        ...

    async def prepare(self, fence: FenceRecord) -> str:
        """Return what will have to be put back when this fence is lifted. Changes nothing."""
        ...

    async def raise_fence(self, fence: FenceRecord) -> None: ...

    async def lift_fence(self, fence: FenceRecord) -> None: ...


class Ledger(Route, Protocol):
    """The SQL database of runs, leases, shards, intents, the tail of facts, segments, probes and the audit chain.

    Every write is durable when the call returns. A write with a lease whose token is not the newest is `LeaseLost` and
    changes nothing.
    """

    async def open_run(self, run: RunRecord, *, lease_s: float) -> tuple[RunRecord, Lease]:
        """Take the wave (by category and wave) and record a run of it, state `open`; `WaveBusy` names who holds it.

        A dead holder on this host (process id and start time) is taken over at once with a new token, else after its lease ran
        out. If `run.id` is already recorded, that run is gone on with."""
        ...

    async def record_dry_run(self, run: RunRecord) -> None:
        """Record a dry run, or its end. It takes no wave: people may plan while a run is under way."""
        ...

    async def unfinished_run(self, category: str, wave: str, config_sha256: str) -> RunRecord | None:
        """Return the newest run (kind `run`) of the wave that is `open` and has a sealed plan, with the same configuration hash;
        none where a newer run of the wave is done."""
        ...

    async def update_run(self, lease: Lease, run: RunRecord) -> None: ...

    async def close_run(self, lease: Lease, run: RunRecord) -> None:
        """Record the run's last state (`done`, `abandoned` or, to be gone on with, `open`) and give the wave back."""
        ...

    async def renew(self, lease: Lease, *, lease_s: float) -> Lease: ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def list_runs(self, *, category: str = "", limit: int = 100) -> tuple[RunRecord, ...]:
        """Return the newest runs first."""
        ...

    async def add_shards(self, run_id: str, stage: str, shards: Sequence[tuple[int, int]]) -> None:
        """Record the shards of a stage as (objects, bytes), numbered from 0. Recording the same again changes nothing."""
        ...

    async def lease_shard(self, run_id: str, stage: str, *, lease_s: float) -> Lease | None:
        """Lease the first shard that is neither sealed nor held by somebody alive; none: all are sealed or held."""
        ...

    async def shard_tallies(self, run_id: str, stage: str) -> tuple[ShardTally, ...]: ...

    async def release_shard(self, lease: Lease) -> None:
        """Give a shard back unsealed; its intents and facts stay."""
        ...

    async def intend(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """Record intents, durably, before their effect."""
        ...

    async def intents(self, run_id: str, stage: str, shard: int) -> tuple[Intent, ...]: ...

    async def record(self, lease: Lease, facts: Sequence[Fact]) -> None:
        """Append facts to the tail of an open shard. A later fact on the same object version takes the place of the earlier."""
        ...

    async def tail(self, run_id: str, stage: str, shard: int) -> tuple[Fact, ...]: ...

    async def seal_shard(self, lease: Lease, segment: Segment) -> None:
        """Record that the shard's facts lie in the vault, and drop its intents and tail."""
        ...

    async def segments(self, *, category: str = "", run_id: str = "", stage: str = "") -> tuple[Segment, ...]:
        """Return segments in the order in which they were sealed."""
        ...

    async def open_intents(self, category: str) -> tuple[Intent, ...]:
        """Return the intents of every unsealed shard of the category, of any run, and those of facts in their tails.

        Here, unlike in `intents`, an amended intent does not withdraw the ETag foretold before: that write may have happened."""
        ...

    async def open_uploads(self, category: str) -> tuple[OpenUpload, ...]:
        """Return the uploads that intents of unsealed shards of the category name, each once, with the wave of their run."""
        ...

    async def open_tails(self, category: str) -> tuple[Fact, ...]: ...

    async def save_probe(self, answers: Answers) -> None: ...

    async def last_probe(self, endpoint: str, bucket: str) -> Answers | None: ...

    async def probe_history(self, endpoint: str, bucket: str, *, limit: int) -> tuple[Answers, ...]:
        """Return the newest probes of a bucket, the newest first."""
        ...

    async def save_fence(self, fence: FenceRecord) -> None:
        """Record a fence, or how it stands now, in place of what was recorded of it. One that a run raises is this process's."""
        ...

    async def fences(self) -> tuple[FenceRecord, ...]:
        """Return every fence that is not lifted, oldest first."""
        ...

    async def abandoned_fences(self) -> tuple[FenceRecord, ...]:
        """Return those of them that a process raised which is dead for certain."""
        ...

    async def audit(self, action: str, subject: str, payload_sha256: str, actor: str) -> str:
        """Append one link to the hash chain and return its hash."""
        ...

    async def close(self) -> None: ...


class Vault(Protocol):
    """The WORM bucket. Every object is written once, with If-None-Match and a retention; nothing here deletes."""

    async def put(self, name: str, data: bytes, *, content_type: str = "application/octet-stream") -> str:
        """Write and return the SHA-256 (hex). The same name with the same bytes is fine, with others a `StateMismatch`."""
        ...

    async def get(self, name: str, *, sha256: str = "") -> bytes:
        """Read, and compare with `sha256` where one is given (`StateMismatch`)."""
        ...

    async def list(self, prefix: str) -> tuple[str, ...]: ...

    async def close(self) -> None: ...


class Tables(Protocol):
    """Rows as files (Parquet): inventories, plans and facts. `kind` is a flat record of `rules/records.py`."""

    def encode(self, rows: Sequence[Row], kind: type[Row]) -> bytes: ...

    def decode(self, data: bytes, kind: type[Row]) -> list[Row]:
        """Return the rows in their order. Missing or foreign columns are a `StateMismatch`."""
        ...

    def batches(self, data: bytes, kind: type[Row]) -> Iterator[list[Row]]:
        """Yield the rows in their order, a bounded number at once, for files that don't fit into memory as rows."""
        ...


class SortedRows(Protocol[Row]):
    """Rows of one kind in the order of their places, however they came. As many as one likes: memory does not grow with them."""

    objects: int

    def add(self, rows: Sequence[Row]) -> None: ...

    def stretch(self) -> Callable[[Sequence[Row]], None]:
        """Return an `add` of its own for one stretch of rows, each page of which is in order; pages in order cost nothing more."""
        ...

    def __iter__(self) -> Iterator[Row]:
        """Yield every row in order, as often as one asks; rows of one place in the order in which they were added."""
        ...

    def blocks(self) -> Iterator[Sequence[Row]]:
        """Yield the same, a bounded number at once."""
        ...

    def close(self) -> None: ...


class Scratch(Protocol):
    """Room for what is too much for memory while it is joined. Nothing in it outlives the process."""

    def rows(self, kind: type[Row], place: Callable[[Row], tuple[Any, ...]]) -> SortedRows[Row]:
        """Return an empty collection of named tuples of a kind, ordered by `place`. Close it after use."""
        ...


class Reports(Protocol):
    """Where a summary goes so that people can read it: a page, a document, and a copy of both in the vault."""

    async def publish(self, summary: Summary) -> Summary:
        """Write the report and return the summary with `report` set to where its page lies."""
        ...

    def losses(self, run: RunRecord) -> AbstractContextManager[Callable[[Sequence[Named]], None]]:
        """Open what lies beside a run's report and names every object that lost something: whole at the end, or not there."""
        ...


class Progress(Protocol):
    """What people watch. Best effort: no call may fail or wait."""

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        """A stage begins, with what it expects to do (0: unknown)."""
        ...

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None: ...

    def note(self, event: str, **facts: object) -> None:
        """One line worth reading: an event with nouns (`object.refused key=… reason=…`)."""
        ...


class Clock(Protocol):
    """Time, handed in so that tests need no sleep."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...
