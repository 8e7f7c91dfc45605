"""Object stores, and who gives them out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from relocation.ports.wire import Body
from relocation.rules.bucket_settings import Aspect, BucketSettings
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
        self,
        bucket: str,
        *,
        prefix: str = "",
        token: str = "",
        start_after: str = "",
        page_keys: int = 1000,
        delimiter: str = "",
    ) -> Page[ListedVersion]:
        """Return one page of ListObjectVersions; `token` is opaque (it holds both markers). With `start_after` it begins behind all
        versions of that key. With `delimiter`, common prefixes are items too, with `version_id` empty."""
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
