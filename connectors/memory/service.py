"""What a memory store keeps: buckets, versions, uploads; and the handles by which a test watches and disturbs it.

`MemoryService` is one endpoint, seen by any number of roles (`connectors/memory/store.py`). It holds state and decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import accumulate

from connectors.memory.behaviour import Behaviour
from relocation.rules.objects import LOCK_UNTIL, Attributes

NO_ATTRIBUTES = Attributes()
OWNER = "id:owner"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one role, as hooks and the log of a service see it. `action` is the right that it needs (`s3:GetObject`)."""

    action: str
    role: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Care:
    """What is kept of the rarer headers of one write: those that a HEAD shows, and the grants that `?acl` shows."""

    rarer: tuple[tuple[str, str], ...] = ()
    grants: tuple[tuple[str, str], ...] = ((OWNER, "FULL_CONTROL"),)
    customer_key: str = ""
    """Which customer's key encrypts it (SSE-C); empty: none."""

    @property
    def retain_until(self) -> str:
        return dict(self.rarer).get(LOCK_UNTIL, "")


PLAIN = Care()


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one key, or a delete marker. `parts` holds (size, checksum) of each part of a multipart object."""

    version_id: str
    modified: float
    data: bytes = b""
    etag: str = ""
    attributes: Attributes = NO_ATTRIBUTES
    crc64nvme: str = ""
    parts: tuple[tuple[int, str], ...] = ()
    care: Care = PLAIN
    marker: bool = False
    ends: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Where each part ends: of 10,000 parts, adding up what lies before each would cost fifty million additions."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", tuple(accumulate(size for size, _ in self.parts)) or (len(self.data),))

    @property
    def retain_until(self) -> str:
        return self.care.retain_until


@dataclass(slots=True)
class Upload:
    """One multipart upload; `parts` holds (bytes, etag, checksum) by number."""

    key: str
    attributes: Attributes
    checksum: bool
    initiated: float
    care: Care = PLAIN
    parts: dict[int, tuple[bytes, str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Bucket:
    """All versions of all keys (the newest last), and the unfinished uploads by id."""

    versioning: str = ""
    object_lock: bool = False
    keys: dict[str, list[Stored]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def latest(self, key: str) -> Stored | None:
        """Return what a plain GET finds; none for a delete marker."""
        versions = self.keys.get(key)
        return None if not versions or versions[-1].marker else versions[-1]

    def held_bytes(self) -> int:
        return sum(len(stored.data) for versions in self.keys.values() for stored in versions)


class MemoryService:
    """One endpoint and its buckets. `calls` logs every call. The hooks may raise, wait, or change what is read.

    `before` runs before a call has any effect, `after` when it had its effect and the answer is on its way: an error raised there
    is an answer that was lost. `on_read(bucket, key, body)` sees the caller's buffer after each GET.
    """

    def __init__(self, endpoint: str, *, behaviour: Behaviour | None = None, now: Callable[[], float] = time.time) -> None:
        self.endpoint = endpoint
        self.behaviour = behaviour or Behaviour()
        self.now = now
        self.buckets: dict[str, Bucket] = {}
        self.calls: list[Call] = []
        self.before: Callable[[Call], Awaitable[None]] | None = None
        self.after: Callable[[Call], Awaitable[None]] | None = None
        self.on_read: Callable[[str, str, memoryview], None] | None = None
        self._serial = 0

    def make_bucket(self, name: str, *, versioning: str = "", object_lock: bool = False) -> None:
        """Make a bucket; object lock brings versioning with it, as on S3."""
        self.buckets[name] = Bucket("Enabled" if object_lock else versioning, object_lock)

    def serial(self) -> str:
        """Return an id that was never given before."""
        self._serial += 1
        return f"{self._serial:016x}"

    def rot(self, bucket: str, key: str, *, offset: int = 0) -> None:
        """Flip one bit of the stored bytes; everything that the store says of them stays."""
        versions = self.buckets[bucket].keys[key]
        data = bytearray(versions[-1].data)
        data[offset] ^= 1
        versions[-1] = replace(versions[-1], data=bytes(data))
