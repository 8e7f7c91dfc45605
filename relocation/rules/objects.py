"""The nouns: what an object is, as a listing, a HEAD and a store's answer show it.

An object is known by (endpoint, bucket, key, version id), everywhere. Keys are `str` (UTF-8 on the wire, never
normalised); ETags are kept without their quotes; times are ISO 8601 in UTC as the store gave them. What a store says of each object
is a named tuple: it is made several times an object, and a frozen dataclass takes three times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, overload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """One bucket at one endpoint."""

    endpoint: str
    bucket: str

    def __str__(self) -> str:
        return f"{self.endpoint}/{self.bucket}"


class Listed(NamedTuple):
    """One line of a listing (ListObjectsV2)."""

    key: str
    size: int
    etag: str
    last_modified: str
    storage_class: str = "STANDARD"


_new_listed: Callable[[Sequence[Any]], Listed] = partial(tuple.__new__, Listed)


class ListedColumns(Sequence[Listed]):
    """Lines of a listing, field by field, each made into a `Listed` where somebody looks at it: for millions of keys that are only
    written down, half of what reading a page takes."""

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Listed]:
        return map(_new_listed, zip(*self.columns, strict=True))

    @overload
    def __getitem__(self, at: int) -> Listed: ...
    @overload
    def __getitem__(self, at: slice) -> ListedColumns: ...
    def __getitem__(self, at: int | slice) -> Listed | ListedColumns:
        found = [column[at] for column in self.columns]
        return ListedColumns(found) if isinstance(at, slice) else _new_listed(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


def columns_of(lines: Sequence[Listed]) -> Sequence[Sequence[Any]]:
    """Return lines of a listing, at least one, field by field."""
    return lines.columns if isinstance(lines, ListedColumns) else list(zip(*lines, strict=True))


class ListedVersion(NamedTuple):
    """One line of ListObjectVersions: a version, or a delete marker (`size` 0, `etag` empty)."""

    key: str
    version_id: str
    is_latest: bool
    is_delete_marker: bool
    size: int
    etag: str
    last_modified: str
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True)
class ListedUpload:
    """One unfinished multipart upload."""

    key: str
    upload_id: str
    initiated: str


@dataclass(frozen=True, slots=True)
class Attributes:
    """What travels with the bytes: system headers (lower-case names), user metadata (names without the `x-amz-meta-`
    prefix, values as the raw header text), tags, storage class (empty: the store's default)."""

    headers: tuple[tuple[str, str], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    storage_class: str = ""


SYSTEM_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-website-redirect-location",
)


LOCK_MODE = "x-amz-object-lock-mode"
LOCK_UNTIL = "x-amz-object-lock-retain-until-date"
LOCK_HOLD = "x-amz-object-lock-legal-hold"
LOCK_HEADERS = (LOCK_HOLD, LOCK_MODE, LOCK_UNTIL)
SSE = "x-amz-server-side-encryption"
SSE_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
SSE_CUSTOMER = "x-amz-server-side-encryption-customer-algorithm"
STORAGE_CLASS = "x-amz-storage-class"
RESTORE = "x-amz-restore"
ARCHIVE_STATUS = "x-amz-archive-status"
RARER_HEADERS = (*LOCK_HEADERS, SSE, SSE_KEY, SSE_CUSTOMER, STORAGE_CLASS, RESTORE, ARCHIVE_STATUS)
"""Headers of an answer that ask for care: what holds an object, encrypts it, or keeps it out of reach."""


@dataclass(frozen=True, slots=True)
class Acl:
    """Who may do what with an object: (grantee, permission) of each grant, sorted. A grantee is `id:…`, `email:…` or
    `group:…` with the last part of its name (`group:AllUsers`); `owner` is written like one."""

    owner: str
    grants: tuple[tuple[str, str], ...]


class Head(NamedTuple):
    """What HEAD or GET say of one object or part. `size` is that of the body asked for (a part, a range or the whole);
    `parts_count` is 0 where the store does not say. `checksums` maps lower-case algorithm (`crc64nvme`) to base64, only
    those that the store says cover the full object (or the part asked for). `rarer` holds those of `RARER_HEADERS` that came."""

    size: int
    etag: str
    last_modified: str
    version_id: str = ""
    parts_count: int = 0
    tag_count: int = 0
    checksums: tuple[tuple[str, str], ...] = ()
    attributes: Attributes = Attributes()
    rarer: tuple[tuple[str, str], ...] = ()

    def checksum(self, algorithm: str) -> str:
        """Return the base64 checksum of that algorithm, or an empty string."""
        return dict(self.checksums).get(algorithm, "")


class Written(NamedTuple):
    """A store's answer to a write. `crc64nvme` is the checksum that the *answer* carries, empty if it carries none."""

    etag: str
    version_id: str = ""
    crc64nvme: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One uploaded part, as CompleteMultipartUpload wants it."""

    number: int
    etag: str
    crc64nvme: str = ""


@dataclass(frozen=True, slots=True)
class ListedPart:
    """One line of ListParts. `crc64nvme` is empty where the store tells none."""

    number: int
    size: int
    etag: str
    crc64nvme: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing and the token of the next (empty: the listing ended by protocol)."""

    items: Sequence[T]
    next_token: str = ""
