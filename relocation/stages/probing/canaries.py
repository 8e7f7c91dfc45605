"""The objects that a probe writes, and their removal.

Guarantees: everything lies below the reserved prefix (with and without a leading slash) and a name of this run's own; `remove`
leaves no version, delete marker or upload of it behind, or raises with their names. Refuses to count on a listing alone: a
store may hide what it holds, so what no listing showed is looked for by name.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime

from relocation.ports import Clock, Store
from relocation.rules.errors import BadRequest, NotFound, Refusal, Transient
from relocation.rules.keys import CANARY_PREFIX, shown
from relocation.rules.objects import LOCK_MODE, LOCK_UNTIL, Attributes, Written

RETENTION_S = 2.0
"""How long a canary is locked in a bucket with object lock: its own retention, so that a default one of years never applies."""
ROUNDS_MAX = 8
"""How often what surfaced after a removal is removed too: a store that hides children of a key shows them one level a round."""
ATTEMPTS = 3
PAUSE_S = 0.2
"""How often a store that falters is asked, and the pause between."""
NO_ATTRIBUTES = Attributes()


class Canaries:
    """The canaries of one run in one bucket. `skew_s` is how far the store's clock is ahead of ours."""

    def __init__(self, store: Store, bucket: str, clock: Clock, *, locked: bool = False, skew_s: float = 0.0) -> None:
        self.store, self.bucket = store, bucket
        self.locked = locked
        self.root = f"{CANARY_PREFIX}{secrets.token_hex(6)}/"
        self._clock, self._skew_s = clock, skew_s
        self._retained_until = 0.0
        self._count = 0
        self._keys: dict[str, None] = {}
        self._uploads: list[tuple[str, str]] = []

    def name(self, stem: str) -> str:
        """Return a key that no other canary has: a part of its own, and the stem in it."""
        self._count += 1
        return f"{self.root}{self._count}/{stem}"

    async def put(
        self,
        key: str,
        body: bytes,
        *,
        attributes: Attributes = NO_ATTRIBUTES,
        crc64nvme: str = "",
        if_none_match: bool = False,
        if_match: str = "",
        through: Store | None = None,
    ) -> Written:
        """Write a canary, locked for `RETENTION_S` in a bucket with object lock; `through` another store than this one's."""
        self._keys[key] = None
        return await (through or self.store).put(
            self.bucket,
            key,
            body,
            attributes=attributes,
            crc64nvme=crc64nvme,
            if_none_match=if_none_match,
            if_match=if_match,
            retain_until=self._retention() if self.locked else "",
        )

    async def begin_upload(self, key: str, *, checksum: bool = True) -> str:
        """Begin an upload and return its id; aborted at the end if still there. What it comes to is locked like any canary."""
        self._keys[key] = None
        held = ((LOCK_MODE, "COMPLIANCE"), (LOCK_UNTIL, self._retention())) if self.locked else ()
        upload_id = await self.store.create_upload(self.bucket, key, attributes=Attributes(headers=held), checksum=checksum)
        self._uploads.append((key, upload_id))
        return upload_id

    async def holds(self, key: str, body: bytes) -> bool:
        """Say whether these very bytes stand under the key."""
        into = memoryview(bytearray(len(body) + 64))
        try:
            head = await self.store.get(self.bucket, key, into)
        except NotFound:
            return False
        return bytes(into[: head.size]) == body

    async def listed(self) -> dict[str, str]:
        """Return key → ETag of every canary that a plain listing shows."""
        found: dict[str, str] = {}
        for prefix in (self.root, f"/{self.root}"):
            token = ""
            with contextlib.suppress(BadRequest):  # a prefix that the store refuses shows nothing
                while True:
                    page = await self.store.list_objects(self.bucket, prefix=prefix, token=token)
                    found |= {item.key: item.etag for item in page.items}
                    if not (token := page.next_token):
                        break
        return found

    async def uploads(self, prefix: str) -> AsyncIterator[tuple[str, str]]:
        """Yield (key, upload id) of each of our unfinished uploads that a listing with this prefix shows."""
        token = ""
        while True:
            page = await self.store.list_uploads(self.bucket, prefix=prefix, token=token)
            for upload in page.items:
                if upload.key.startswith((self.root, f"/{self.root}")):
                    yield upload.key, upload.upload_id
            if not (token := page.next_token):
                return

    async def remove(self) -> None:
        """Remove every canary with all its versions, and every upload. `Refusal` names what would not go."""
        for attempt in range(ATTEMPTS):
            try:
                await self._remove()
            except Transient:
                if attempt + 1 == ATTEMPTS:
                    raise
                await self._clock.sleep(PAUSE_S)
            else:
                return

    async def _remove(self) -> None:
        await self._abort_uploads()
        wait_s = self._retained_until - (self._clock.now() + self._skew_s)
        if wait_s > 0:
            await self._clock.sleep(wait_s)
        seen: set[str] = set()
        refused: Refusal | None = None
        for attempt in range(ROUNDS_MAX):
            left = await self._versions()
            comes_back = attempt > 0 and bool(left)
            seen |= {key for key, _ in left}
            if not left or comes_back:  # what is hidden, or listed under a garbled name, is known by its own
                left += await self._found(frozenset() if comes_back else seen)
            if not left or refused is not None:
                break
            for key, version_id in left:
                try:
                    await self.store.delete(self.bucket, key, version_id=version_id)
                except Refusal as error:
                    refused = error  # the others can go all the same
        left += [upload async for upload in self.uploads("")]
        if left:
            names = ", ".join(dict.fromkeys(shown(key) for key, _ in left))
            raise Refusal(
                f"{self.store.endpoint}/{self.bucket}: {len(left)} canaries could not be removed ({refused or 'they come back'}): "
                f"{names}; remove them by hand, with all their versions and uploads"
            ) from refused

    async def _abort_uploads(self) -> None:
        listed = [upload async for upload in self.uploads("")]
        for key, upload_id in dict.fromkeys((*self._uploads, *listed)):
            with contextlib.suppress(NotFound):  # completed or aborted meanwhile
                await self.store.abort_upload(self.bucket, key, upload_id)

    async def _versions(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for prefix in (self.root, f"/{self.root}"):
            token = ""
            with contextlib.suppress(BadRequest):
                while True:
                    page = await self.store.list_versions(self.bucket, prefix=prefix, token=token)
                    found += [(item.key, item.version_id) for item in page.items]
                    if not (token := page.next_token):
                        break
        return found

    async def _found(self, but: Collection[str]) -> list[tuple[str, str]]:
        """Return (key, version id) of what HEAD finds under the names that we wrote, but for those."""
        found = []
        for key in self._keys:
            if key in but:
                continue
            with contextlib.suppress(NotFound, BadRequest):
                found.append((key, (await self.store.head(self.bucket, key)).version_id))
        return found

    def _retention(self) -> str:
        until = int(self._clock.now() + self._skew_s + RETENTION_S) + 1
        self._retained_until = float(until) + 0.7  # the store's clock is known to half a second
        return datetime.fromtimestamp(until, UTC).isoformat().replace("+00:00", "Z")
