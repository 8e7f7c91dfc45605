"""A store of which every read of an object is a read of one version.

Guarantees: HEAD, GET, tags and ACL name the version id, beside whatever condition they carry; an answer about another version is a
`ProtocolError`. Everything else is the store's own, and is not to be used through this.
"""

from __future__ import annotations

from typing import cast

from relocation.ports import Store
from relocation.rules.errors import ProtocolError
from relocation.rules.keys import shown
from relocation.rules.objects import Acl, Head


class Pinned:
    """One version's view of a store."""

    def __init__(self, store: Store, version_id: str) -> None:
        self._store = store
        self._version_id = version_id
        self.endpoint = store.endpoint
        self.role = store.role
        self.signs_bodies = store.signs_bodies

    async def head(self, bucket: str, key: str, *, version_id: str = "", part_number: int = 0, if_match: str = "") -> Head:
        del version_id
        head = await self._store.head(bucket, key, version_id=self._version_id, part_number=part_number, if_match=if_match)
        return self._checked(head, key)

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
        del version_id
        head = await self._store.get(
            bucket,
            key,
            into,
            if_match=if_match,
            version_id=self._version_id,
            part_number=part_number,
            byte_range=byte_range,
        )
        return self._checked(head, key)

    async def get_tags(self, bucket: str, key: str, *, version_id: str = "") -> tuple[tuple[str, str], ...]:
        del version_id
        return await self._store.get_tags(bucket, key, version_id=self._version_id)

    async def get_acl(self, bucket: str, key: str, *, version_id: str = "") -> Acl:
        del version_id
        return await self._store.get_acl(bucket, key, version_id=self._version_id)

    def _checked(self, head: Head, key: str) -> Head:
        if head.version_id not in {"", self._version_id}:
            what = f"version {self._version_id} of {shown(key)} was asked for"
            raise ProtocolError(f"{self.endpoint}: {what}, the answer is about version {head.version_id}")
        return head


def pinned(store: Store, version_id: str) -> Store:
    """Return a store for reading one version of an object; the store itself where no version is named."""
    return cast("Store", Pinned(store, version_id)) if version_id else store
