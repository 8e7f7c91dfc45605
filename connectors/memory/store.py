"""The calls of the reference store: the port `Store` over a `MemoryService`.

Guarantees: strong consistency, listings in byte order, conditions honoured, checksums verified, retention enforced, versions and
delete markers kept. `Behaviour` scripts what real stores do otherwise; `MemoryService` holds the state and the hooks for faults.
Refuses what S3 refuses: every error is the one that `relocation.ports.Store` names.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar
from urllib.parse import quote, unquote

from connectors.memory.rules import Rules, crc64nvme_of, iso, md5_of, whole
from connectors.memory.service import NO_ATTRIBUTES, OWNER, Call, MemoryService, Stored, Upload
from relocation.ports import Body
from relocation.rules.errors import Forbidden, PreconditionFailed, ProtocolError, WrongCredentials
from relocation.rules.keys import shown
from relocation.rules.objects import Acl, Attributes, Head, Listed, ListedPart, ListedUpload, ListedVersion, Page, Part, Written

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
Item = TypeVar("Item")


Method: TypeAlias = Callable[Concatenate["MemoryStore", Asked], Coroutine[Any, Any, Answer]]


def asks(action: str) -> Callable[[Method[Asked, Answer]], Method[Asked, Answer]]:
    """Log the call, ask for its right, and run the hooks before and after its effect."""

    def wrap(method: Method[Asked, Answer]) -> Method[Asked, Answer]:
        @wraps(method)
        async def call(self: MemoryStore, /, *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
            bucket, key = [*(str(arg) for arg in args[:2]), "", ""][:2]
            this = Call(action, self.role, bucket, key)
            self.service.calls.append(this)
            if self.service.before:
                await self.service.before(this)
            self._check_rights(this)
            answer = await method(self, *args, **kwargs)
            if self.service.after:
                await self.service.after(this)
            return answer

        return call

    return wrap


class MemoryStore(Rules):
    """One memory service, seen with the rights of one role: all of them but `forbidden` (`s3:PutObject`).

    `known` says whether the service accepts the role's credentials at all."""

    def __init__(
        self,
        service: MemoryService,
        role: str = "root",
        *,
        forbidden: frozenset[str] = frozenset(),
        known: bool = True,
        customer_key: str = "",
    ) -> None:
        super().__init__(service, customer_key)
        self.role = role
        self.signs_bodies = False
        self.forbidden = forbidden
        self.known = known

    def _check_rights(self, call: Call) -> None:
        if not self.known:
            raise WrongCredentials(f"{self.endpoint}: the credentials of role {self.role} are not accepted")
        if call.action in self.forbidden:
            raise Forbidden(f"{self.endpoint}: role {self.role} may not {call.action} on {call.bucket}/{shown(call.key)}")

    @asks("s3:ListAllMyBuckets")
    async def list_buckets(self) -> tuple[str, ...]:
        return tuple(sorted(self.service.buckets))

    @asks("s3:ListBucket")
    async def list_objects(
        self, bucket: str, *, prefix: str = "", token: str = "", start_after: str = "", page_keys: int = 1000, delimiter: str = ""
    ) -> Page[Listed]:
        place = self._bucket(bucket)
        items: dict[str, Listed] = {}
        for key in self._visible(place, prefix):
            stored = place.latest(key)
            if stored is None or key <= start_after:
                continue
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            name = key if cut < 0 else key[: cut + len(delimiter)]
            if name > token:
                items.setdefault(name, _listed(name, stored, self._etag(stored)) if cut < 0 else Listed(name, 0, "", ""))
        return _page([(name, items[name]) for name in sorted(items)], page_keys)

    @asks("s3:ListBucketVersions")
    async def list_versions(
        self, bucket: str, *, prefix: str = "", token: str = "", start_after: str = "", page_keys: int = 1000, delimiter: str = ""
    ) -> Page[ListedVersion]:
        place = self._bucket(bucket)
        rows: dict[str, ListedVersion] = {}
        for key in self._visible(place, prefix):
            if key <= start_after and not token:
                continue
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                name = key[: cut + len(delimiter)]
                rows[_row(name, "")] = ListedVersion(name, "", True, False, 0, "", "")
                continue
            for stored in reversed(place.keys[key]):
                rows[_row(key, stored.version_id)] = self._version(key, stored, is_latest=stored is place.keys[key][-1])
        return _page(_after(list(rows.items()), token), page_keys)

    @asks("s3:ListBucketMultipartUploads")
    async def list_uploads(self, bucket: str, *, prefix: str = "", token: str = "") -> Page[ListedUpload]:
        place = self._bucket(bucket)
        whole = bool(prefix) and self.behaviour.lists_uploads_by_whole_key
        uploads = sorted(
            (upload.key, id_)
            for id_, upload in place.uploads.items()
            if (upload.key == prefix if whole else upload.key.startswith(prefix))
        )
        rows = [(_row(key, id_), ListedUpload(key, id_, iso(place.uploads[id_].initiated))) for key, id_ in uploads]
        return _page(_after(rows, token), 1000)

    @asks("s3:GetObject")
    async def head(self, bucket: str, key: str, *, version_id: str = "", part_number: int = 0, if_match: str = "") -> Head:
        stored = self._find(bucket, key, version_id)
        self._check_key(key, stored.care)
        self._check_read(stored, key, if_match)
        first, last = self._part(bucket, key, stored, part_number)
        return self._head(self._bucket(bucket), stored, last - first + 1, part_number=part_number)

    @asks("s3:GetObject")
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
        stored = self._find(bucket, key, version_id)
        self._check_key(key, stored.care)
        self._check_read(stored, key, if_match)
        self._check_key_service(bucket, key, stored.care)
        first, last = self._part(bucket, key, stored, part_number)
        if byte_range is not None:
            first, last = byte_range[0], min(byte_range[1], len(stored.data) - 1)
            if first > last:
                raise self._refused(bucket, key, "InvalidRange", 416)
        size = last - first + 1
        if size > len(into):
            raise ProtocolError(f"{self._named(bucket, key)}: {size} bytes came, room was for {len(into)}")
        into[:size] = stored.data[first : last + 1]
        if self.service.on_read:
            self.service.on_read(bucket, key, into[:size])
        return self._head(self._bucket(bucket), stored, size, part_number=part_number, ranged=byte_range is not None)

    @asks("s3:PutObject")
    async def put(
        self,
        bucket: str,
        key: str,
        body: Body,
        *,
        attributes: Attributes = NO_ATTRIBUTES,
        crc64nvme: str = "",
        if_none_match: bool = False,
        if_match: str = "",
        retain_until: str = "",
    ) -> Written:
        place = self._bucket(bucket)
        name = self._stored_name(bucket, key)
        data = await whole(body)
        self._check_checksum(data, crc64nvme, key)
        self._check_write(place, name, if_none_match=if_none_match, if_match=if_match)
        care = self._care(place, bucket, key, attributes, retain_until=retain_until)
        kept, checksum = self._kept(bucket, key, attributes), self._kept_checksum(crc64nvme)
        return self._keep(place, name, Stored("", self._now(), data, md5_of(data), kept, checksum, (), care))

    @asks("s3:PutObject")
    async def create_upload(self, bucket: str, key: str, *, attributes: Attributes = NO_ATTRIBUTES, checksum: bool = True) -> str:
        place = self._bucket(bucket)
        upload_id = self.service.serial()
        place.uploads[upload_id] = Upload(
            self._stored_name(bucket, key),
            self._kept(bucket, key, attributes),
            checksum,
            self._now(),
            self._care(place, bucket, key, attributes),
        )
        return upload_id

    @asks("s3:PutObject")
    async def put_part(self, bucket: str, key: str, upload_id: str, number: int, body: Body, *, crc64nvme: str = "") -> Part:
        upload = self._upload(bucket, key, upload_id)
        self._check_key(key, upload.care)
        data = await whole(body)
        if not 1 <= number <= 10_000:
            raise self._refused(bucket, key, "InvalidArgument")
        self._check_agreed(bucket, upload, crc64nvme)
        self._check_checksum(data, crc64nvme, key)
        kept = self._kept_checksum(crc64nvme) if upload.checksum else ""
        etag = md5_of(data)
        upload.parts[number] = (data, etag, kept)
        return Part(number, etag, kept)

    @asks("s3:PutObject")
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
        place = self._bucket(bucket)
        upload = self._upload(bucket, key, upload_id)
        self._check_key(key, upload.care)
        self._check_parts(bucket, upload, parts)
        chosen = [upload.parts[part.number] for part in parts]
        data = b"".join(piece for piece, _, _ in chosen)
        self._check_checksum(data, crc64nvme, key)
        self._check_write(place, upload.key, if_none_match=if_none_match, if_match=if_match)
        kept = self._kept_checksum(crc64nvme or crc64nvme_of(data)) if upload.checksum else ""
        sums = b"".join(bytes.fromhex(etag) for _, etag, _ in chosen)
        etag = f"{md5_of(sums)}-{len(chosen)}"
        layout = tuple((len(piece), checksum) for piece, _, checksum in chosen)
        del place.uploads[upload_id]
        return self._keep(place, upload.key, Stored("", self._now(), data, etag, upload.attributes, kept, layout, upload.care))

    @asks("s3:AbortMultipartUpload")
    async def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        place = self._bucket(bucket)
        if upload_id in place.uploads or not self.behaviour.forgives_unknown_aborts:
            self._upload(bucket, key, upload_id)
            del place.uploads[upload_id]

    @asks("s3:ListMultipartUploadParts")
    async def list_parts(self, bucket: str, key: str, upload_id: str) -> tuple[ListedPart, ...]:
        parts = self._upload(bucket, key, upload_id).parts
        return tuple(ListedPart(number, len(parts[number][0]), *parts[number][1:]) for number in sorted(parts))

    @asks("s3:GetObjectTagging")
    async def get_tags(self, bucket: str, key: str, *, version_id: str = "") -> tuple[tuple[str, str], ...]:
        return self._find(bucket, key, version_id).attributes.tags

    @asks("s3:GetObjectAcl")
    async def get_acl(self, bucket: str, key: str, *, version_id: str = "") -> Acl:
        return Acl(OWNER, self._find(bucket, key, version_id).care.grants)

    @asks("s3:PutObjectTagging")
    async def put_tags(self, bucket: str, key: str, tags: Sequence[tuple[str, str]], *, version_id: str = "") -> None:
        stored = self._find(bucket, key, version_id)
        versions = self._bucket(bucket).keys[self._stored_name(bucket, key)]
        kept = replace(stored.attributes, tags=self._kept(bucket, key, Attributes(tags=tuple(tags))).tags)
        versions[versions.index(stored)] = replace(stored, attributes=kept)

    @asks("s3:DeleteObject")
    async def delete(self, bucket: str, key: str, *, version_id: str = "", if_match: str = "") -> None:
        place = self._bucket(bucket)
        name = self._stored_name(bucket, key)
        found = place.latest(name)
        if if_match and self.behaviour.if_match_on_delete == "honoured" and (found is None or self._etag(found) != if_match):
            raise PreconditionFailed(f"{self._named(bucket, key)}: another version stands there")
        if version_id or not place.versioning:
            self._erase(place, name, version_id or "null")
        else:
            self._keep(place, name, Stored("", self._now(), marker=True))

    @asks("s3:GetBucketVersioning")
    async def get_versioning(self, bucket: str) -> str:
        return self._bucket(bucket).versioning

    @asks("s3:GetBucketObjectLockConfiguration")
    async def get_object_lock(self, bucket: str) -> bool:
        return self._bucket(bucket).object_lock

    def _version(self, key: str, stored: Stored, *, is_latest: bool) -> ListedVersion:
        size, etag = len(stored.data), self._etag(stored)
        storage_class = stored.attributes.storage_class or "STANDARD"
        return ListedVersion(key, stored.version_id, is_latest, stored.marker, size, etag, iso(stored.modified), storage_class)

    async def server_time(self, bucket: str) -> float:
        self._bucket(bucket)
        return float(int(self._now()))

    async def close(self) -> None:
        """Nothing is open."""


def _listed(key: str, stored: Stored, etag: str) -> Listed:
    return Listed(key, len(stored.data), etag, iso(stored.modified), stored.attributes.storage_class or "STANDARD")


def _page(rows: Sequence[tuple[str, Item]], size: int) -> Page[Item]:
    """Return the first `size` items of (name, item), and the last one's name as token if more would follow."""
    items = tuple(item for _, item in rows[:size])
    return Page(items, rows[size - 1][0] if len(rows) > size else "")


def _row(key: str, id_: str) -> str:
    return f"{quote(key, safe='')}&{id_}"


def _after(rows: list[tuple[str, Item]], token: str) -> list[tuple[str, Item]]:
    """Return the rows behind the one that the token names; where it is gone, those of later keys."""
    names = [name for name, _ in rows]
    if not token or token in names:
        return rows[names.index(token) + 1 :] if token else rows
    key = unquote(token.partition("&")[0])
    return [row for row in rows if unquote(row[0].partition("&")[0]) > key]
