"""What a write fence claims, tried as the application's user: a write, a deletion and a change of tags, below each of its prefixes.

Guarantees: nothing of the application's is touched: each try names a key that nobody ever had, under a condition that can't be met
where S3 has one. What a store wrote all the same is taken away again.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping

from relocation.ports import Store
from relocation.rules.errors import BadRequest, Forbidden, NoSpace, NotFound, PreconditionFailed, Refusal, WrongCredentials
from relocation.rules.fences import DENIES, Change, FenceRecord
from relocation.rules.keys import CANARY_PREFIX, shown

NEVER = "0" * 32
"""An ETag that no object has."""
NO_TAGS = ("NotImplemented", "MethodNotAllowed")
"""What a store says that keeps no tags: nobody changes any there."""


async def gets_through(store: Store, fence: FenceRecord) -> str:
    """Return the first of the changes that a fence claims to bar and that the application may make all the same; "" if it holds.

    A deletion is tried only where writes are refused: where there is no fence at all, none is sent.
    """
    for prefix in fence.prefixes:
        for change in DENIES[fence.kind]:
            if not await _is_barred(store, fence.bucket, prefix, change):
                return change
    return ""


async def stays_barred(store: Store, fence: FenceRecord) -> str:
    """Return what is still refused below a prefix where a fence was taken away: "" if the application may write everywhere."""
    for prefix in fence.prefixes:
        if await _is_barred(store, fence.bucket, prefix, "writes"):
            return "writes"
    return ""


async def _is_barred(store: Store, bucket: str, prefix: str, change: Change) -> bool:
    key = f"{prefix}{CANARY_PREFIX}{secrets.token_hex(6)}/fence"
    try:
        await _TRIES[change](store, bucket, key)
    except (Forbidden, NoSpace):
        return True
    except (PreconditionFailed, NotFound):
        return False
    except BadRequest as error:
        if change == "changes of tags" and error.code in NO_TAGS:
            return True
        raise
    except WrongCredentials as error:
        raise Refusal(f"the application's own keys are not accepted, so no fence can be tried: {error}") from error
    await _take_away(store, bucket, key)
    if change == "writes":
        raise Refusal(
            f"{store.endpoint}/{bucket} ignored If-Match on a PUT: the fence's try was written to {shown(key)}, and taken away "
            "again; on such a store no fence can be tried without writing"
        )
    return False


async def _take_away(store: Store, bucket: str, key: str) -> None:
    """Remove what a try left: the object that was let in, or the marker that a store with versions lays for a key it never had."""
    try:
        for left in (await store.list_versions(bucket, prefix=key)).items:
            await store.delete(bucket, left.key, version_id=left.version_id)
    except Refusal as error:
        where = f"{store.endpoint}/{bucket}/{shown(key)}"
        raise Refusal(f"what the fence's try left at {where} is to be removed by hand: {error}") from error


async def _write(store: Store, bucket: str, key: str) -> None:
    await store.put(bucket, key, b"x", if_match=NEVER)


async def _delete(store: Store, bucket: str, key: str) -> None:
    await store.delete(bucket, key, if_match=NEVER)


async def _tag(store: Store, bucket: str, key: str) -> None:
    await store.put_tags(bucket, key, (("hikkoshi", "fence"),))


_TRIES: Mapping[Change, Callable[[Store, str, str], Awaitable[None]]] = {
    "writes": _write,
    "deletions": _delete,
    "changes of tags": _tag,
}
