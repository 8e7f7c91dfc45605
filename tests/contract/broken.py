"""The ways in which a store can be broken: what the mutants of `mutants_table.py` are made of.

Each function stands in for one method of the reference store; it is called as (self, the method itself, *arguments).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from connectors.memory import MemoryStore
from connectors.memory.service import Stored
from relocation.ports import Blocks
from relocation.rules.errors import BadRequest, BucketMissing, NotFound, PreconditionFailed
from relocation.rules.objects import Head, Listed, ListedPart, Page, Written
from tests.contract.mutants import Change

NOTHING = Head(0, "", "")
LISTED = Page((Listed("k", 0, "", ""),))


def items(page: Page[Any], **changes: Any) -> Page[Any]:
    return replace(page, items=tuple(item._replace(**changes) for item in page.items))


def attributes(head: Head, **changes: Any) -> Head:
    return head._replace(attributes=replace(head.attributes, **changes))


async def put_in_two_steps(self: MemoryStore, original: Change, bucket: str, key: str, body: bytes, **asked: Any) -> Written:
    """Look, wait, write: what a store without a lock does."""
    if asked.pop("if_none_match", False) and self._bucket(bucket).latest(key):
        raise PreconditionFailed("something stands there already")
    await asyncio.sleep(0)
    return await original(bucket, key, body, **asked)


async def put_makes_buckets(self: MemoryStore, original: Change, bucket: str, *args: Any, **asked: Any) -> Any:
    if bucket not in self.service.buckets:
        self.service.make_bucket(bucket)
    return await original(bucket, *args, **asked)


async def put_then_check(self: MemoryStore, original: Change, bucket: str, key: str, body: bytes, **asked: Any) -> Written:
    """Store first, refuse later."""
    if asked.get("crc64nvme"):
        place = self._bucket(bucket)
        self._keep(place, key, Stored("", self._now(), bytes(body), "0" * 32))
    return await original(bucket, key, body, **asked)


async def delete_takes_all(self: MemoryStore, original: Change, bucket: str, key: str, **asked: Any) -> None:
    self._bucket(bucket).keys.pop(key, None)


async def delete_takes_nothing(self: MemoryStore, original: Change, bucket: str, key: str, **asked: Any) -> None:
    return


async def delete_must_find(self: MemoryStore, original: Change, bucket: str, key: str, **asked: Any) -> None:
    self._find(bucket, key, asked.get("version_id", ""))
    await original(bucket, key, **asked)


async def get_fills_up(self: MemoryStore, original: Change, bucket: str, key: str, into: memoryview, **asked: Any) -> Head:
    """Cut what does not fit, as a reader without a check of the length does."""
    room = memoryview(bytearray(8 * 1024 * 1024))
    head: Head = await original(bucket, key, room, **asked)
    size = min(head.size, len(into))
    into[:size] = room[:size]
    return head._replace(size=size)


def changed_bytes(change: Change) -> Change:
    async def get(self: MemoryStore, original: Change, bucket: str, key: str, into: memoryview, **asked: Any) -> Head:
        head: Head = await original(bucket, key, into, **asked)
        body = change(bytes(into[: head.size]))
        into[: len(body)] = body
        return head._replace(size=len(body))

    return get


async def get_by_exclusive_end(self: MemoryStore, original: Change, bucket: str, key: str, into: memoryview, **asked: Any) -> Head:
    first, last = asked.pop("byte_range")
    return await original(bucket, key, into, **asked, byte_range=(first, max(first, last - 1)))


async def get_past_ranges(self: MemoryStore, original: Change, bucket: str, key: str, into: memoryview, **asked: Any) -> Head:
    first, last = asked.pop("byte_range")
    if last >= len(self._find(bucket, key, "").data):
        raise BadRequest("the range ends behind the end", code="InvalidRange", status=416)
    return await original(bucket, key, into, **asked, byte_range=(first, last))


async def complete_in_any_order(self: MemoryStore, original: Change, *where: Any, **asked: Any) -> Any:
    *upload, parts = where
    return await original(*upload, sorted(parts, key=lambda part: part.number), **asked)


async def complete_in_order_of_arrival(self: MemoryStore, original: Change, *where: Any, **asked: Any) -> Any:
    *upload, parts = where
    sent = self._upload(*upload).parts
    for number, body in zip(sorted(sent), list(sent.values()), strict=True):
        sent[number] = body
    return await original(*upload, [replace(part, etag=sent[part.number][1]) for part in parts], **asked)


async def complete_the_known(self: MemoryStore, original: Change, *where: Any, **asked: Any) -> Any:
    *upload, parts = where
    known = self._upload(*upload).parts
    return await original(*upload, [part for part in parts if part.number in known and known[part.number][1] == part.etag], **asked)


async def complete_an_empty_one(self: MemoryStore, original: Change, *where: Any, **asked: Any) -> Any:
    return await original(*where, **asked) if where[-1] else await self.put(*where[:2], b"")


async def put_part_under_the_key(self: MemoryStore, original: Change, *where: Any, **asked: Any) -> Any:
    """A part can be seen as if it were the object."""
    await self.put(*where[:2], where[-1])
    return await original(*where, **asked)


async def last_block_turned(self: MemoryStore, original: Change, *where: Any, **asked: Any) -> Any:
    """What comes in blocks is kept, but for the order of the last one's bytes."""
    *place, body = where
    blocks = [bytes(block) async for block in body.blocks] if isinstance(body, Blocks) else [bytes(body)]
    return await original(*place, b"".join([*blocks[:-1], blocks[-1][::-1]]), **{**asked, "crc64nvme": ""})


async def keeps_what_came(self: MemoryStore, original: Change, *where: Any, **asked: Any) -> Any:
    """A body that broke off is an object all the same."""
    *place, body = where
    came: list[bytes] = []
    try:
        if isinstance(body, Blocks):
            async for block in body.blocks:
                came.append(bytes(block))  # noqa: PERF401 — an error must not lose what came
    finally:
        await original(*place, b"".join(came) if isinstance(body, Blocks) else body, **asked)


def wrong_checksums(parts: tuple[ListedPart, ...]) -> tuple[ListedPart, ...]:
    return tuple(replace(part, crc64nvme="AAAAAAAAAAA=") for part in parts)


async def put_part_once(self: MemoryStore, original: Change, *where: Any, **asked: Any) -> Any:
    """The first part that came under a number stays."""
    *upload, number, body = where
    return await original(*upload, number, self._upload(*upload).parts.get(number, (body,))[0], **asked)


async def abort_forgets_nothing(self: MemoryStore, original: Change, bucket: str, key: str, upload: str) -> None:
    self._upload(bucket, key, upload)


async def list_once_more(self: MemoryStore, original: Change, bucket: str, **asked: Any) -> Any:
    """Pages overlap by one key."""
    token = asked.pop("token", "")
    return await original(bucket, **asked, token=token[:-1] + chr(ord(token[-1]) - 1) if token else "")


def not_listed(wanted: Change) -> Change:
    async def list_objects(self: MemoryStore, original: Change, bucket: str, **asked: Any) -> Any:
        page = await original(bucket, **asked)
        return replace(page, items=tuple(item for item in page.items if not wanted(item.key)))

    return list_objects


async def list_all_the_folders(self: MemoryStore, original: Change, bucket: str, **asked: Any) -> Any:
    """Forget on the next page that a folder was there."""
    asked["token"] = asked.get("token", "").removesuffix("/")
    return await original(bucket, **asked)


async def list_stale(self: MemoryStore, original: Change, bucket: str, **asked: Any) -> Any:
    """Answer from the first listing that was ever made of a bucket."""
    stale = self.__dict__.setdefault("stale", {})
    if bucket not in stale:
        stale[bucket] = await original(bucket, **asked)
    return stale[bucket]


async def list_deleted(self: MemoryStore, original: Change, bucket: str, **asked: Any) -> Any:
    """Show every key that was ever written."""
    keys = sorted({call.key for call in self.service.calls if call.bucket == bucket and call.action == "s3:PutObject"})
    return Page(tuple(Listed(key, 1, "e", "") for key in keys))


async def list_nothing(self: MemoryStore, original: Change, bucket: str, **asked: Any) -> Any:
    return await original(bucket, **asked) if bucket in self.service.buckets else Page(())


async def list_by_words(self: MemoryStore, original: Change, bucket: str, **asked: Any) -> Any:
    """Decode a prefix once too often."""
    return await original(bucket, **{**asked, "prefix": unquote_plus(asked["prefix"])})


async def list_by_words_stripped(self: MemoryStore, original: Change, bucket: str, **asked: Any) -> Any:
    return await original(bucket, **{**asked, "prefix": asked["prefix"].rstrip("/")})


def loses(**lost: Any) -> Change:
    """Attributes are lost on a PUT."""

    def kept(self: MemoryStore, original: Change, bucket: str, key: str, given: Any) -> Any:
        return original(bucket, key, replace(given, **lost))

    return kept


def refuses_if_match(self: MemoryStore, original: Change, stored: Stored, key: str, if_match: str) -> None:
    original(stored, key, if_match and "x")


def refuses_if_none_match(self: MemoryStore, original: Change, place: Any, key: str, **asked: Any) -> None:
    if asked["if_none_match"]:
        raise PreconditionFailed("something may stand there")


def keeps_line_breaks(self: MemoryStore, original: Change, bucket: str, key: str, given: Any) -> Any:
    return given


def backwards(page: Page[Any]) -> Page[Any]:
    return replace(page, items=page.items[::-1])


def without_empty(head: Head) -> Head:
    return attributes(head, metadata=tuple(pair for pair in head.attributes.metadata if pair[1]))


def keeps_old_metadata(self: MemoryStore, original: Change, place: Any, key: str, stored: Stored) -> Written:
    old = place.latest(key)
    metadata = (old or stored).attributes.metadata
    return original(place, key, replace(stored, attributes=replace(stored.attributes, metadata=metadata)))


def keeps_no_versions(self: MemoryStore, original: Change, place: Any, key: str, stored: Stored) -> Written:
    written: Written = original(place, key, stored)
    place.keys[key] = place.keys[key][-1:]
    return written


def new_tags_touch(self: MemoryStore, original: Change, bucket: str, key: str, version_id: str) -> Stored:
    return original(bucket, key, "")


async def tags_join(self: MemoryStore, original: Change, bucket: str, key: str, tags: Any, **asked: Any) -> None:
    await original(bucket, key, tuple({**dict(self._find(bucket, key, "").attributes.tags), **dict(tags)}.items()), **asked)


async def tags_rewrite(self: MemoryStore, original: Change, bucket: str, key: str, tags: Any, **asked: Any) -> None:
    await original(bucket, key, tags, **asked)
    versions = self._bucket(bucket).keys[key]
    versions[-1] = replace(versions[-1], modified=versions[-1].modified + 10, etag="f" * 32)


def latest_answers(self: MemoryStore, original: Change, bucket: str, key: str, version_id: str) -> Stored:
    """An unknown version is answered with the newest."""
    try:
        return original(bucket, key, version_id)
    except NotFound:
        return original(bucket, key, "")


def any_case(self: MemoryStore, original: Change, bucket: str, key: str, version_id: str) -> Stored:
    for other in self._bucket(bucket).keys:
        if other.lower() == key.lower():
            return original(bucket, other, version_id)
    return original(bucket, key, version_id)


def no_such_key(self: MemoryStore, original: Change, name: str) -> Any:
    try:
        return original(name)
    except BucketMissing as error:
        raise NotFound(str(error)) from None


def nameless(kind: type[Exception]) -> Change:
    def check(self: MemoryStore, original: Change, *args: Any) -> Any:
        try:
            return original(*args)
        except kind as error:
            raise kind("no") from error

    return check


def never_deleted(self: MemoryStore, original: Change, bucket: str, key: str, version_id: str) -> Stored:
    try:
        return original(bucket, key, version_id)
    except NotFound as error:
        raise NotFound(str(error)) from None


def always_deleted(self: MemoryStore, original: Change, bucket: str, key: str, version_id: str) -> Stored:
    try:
        return original(bucket, key, version_id)
    except NotFound as error:
        raise NotFound(str(error), deleted=True) from None


def anything_goes(self: MemoryStore, original: Change, *args: Any, **kwargs: Any) -> None:
    return


def layout_of_one(self: MemoryStore, original: Change, *args: Any, **kwargs: Any) -> Head:
    return original(*args, **kwargs)._replace(parts_count=0)


def head_of_whole(self: MemoryStore, original: Change, place: Any, stored: Stored, size: int, **asked: Any) -> Head:
    return original(place, stored, size)


def sum_of_the_whole(self: MemoryStore, original: Change, place: Any, stored: Stored, size: int, **asked: Any) -> Head:
    return original(place, stored, size, **asked)._replace(checksums=(("crc64nvme", stored.crc64nvme),))


def whole_for_part(self: MemoryStore, original: Change, *where: Any) -> tuple[int, int]:
    *place, stored, number = where
    return original(*place, stored, number if number <= len(stored.parts) else 0)


def only_multipart_parts(self: MemoryStore, original: Change, *where: Any) -> tuple[int, int]:
    *place, stored, number = where
    if number and not stored.parts:
        raise BadRequest("written in one request", code="InvalidPart", status=400)
    return original(*place, stored, number)


def any_name(self: MemoryStore, original: Change, bucket: str, key: str) -> str:
    try:
        return original(bucket, key)
    except BadRequest:
        return key.encode(errors="replace").decode()[:1024] or "?"


def short_names(limit: int) -> Change:
    def check(self: MemoryStore, original: Change, bucket: str, key: str) -> str:
        if len(key.encode()) > limit:
            raise BadRequest("too long", code="KeyTooLongError", status=400)
        return original(bucket, key)

    return check


def ids_without_keys(self: MemoryStore, original: Change, bucket: str, key: str, upload_id: str) -> Any:
    return self._bucket(bucket).uploads[upload_id]


def erase_all(self: MemoryStore, original: Change, place: Any, key: str, version_id: str) -> None:
    place.keys.pop(key, None)
