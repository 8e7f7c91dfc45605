"""What a vault promises over any store: claims that take a store and its bucket with object lock, run by the tests beside."""

from __future__ import annotations

import hashlib
from datetime import datetime

import pytest

from connectors.vault import StoreVault
from relocation.ports import Clock, Store
from relocation.rules.errors import NotFound, PreconditionFailed, StateMismatch


async def vault_over(store: Store, bucket: str, clock: Clock, *, prefix: str = "korea-to-japan") -> StoreVault:
    return await StoreVault.open(store, bucket, prefix=prefix, retention_days=30, clock=clock)


async def what_was_put_is_read_back(store: Store, bucket: str, clock: Clock) -> None:
    vault = await vault_over(store, bucket, clock)
    for data in (b"", b"x", bytes(range(256)) * 5000):
        name = f"runs/run-1/copy/{len(data):05}.parquet"
        sha256 = await vault.put(name, data)
        assert sha256 == hashlib.sha256(data).hexdigest()
        assert await vault.get(name, sha256=sha256) == data
    head = await store.head(bucket, "korea-to-japan/runs/run-1/copy/00001.parquet")
    assert dict(head.attributes.headers)["content-type"] == "application/octet-stream"
    assert head.checksum("crc64nvme")


async def the_same_bytes_again_are_fine_and_others_are_refused(store: Store, bucket: str, clock: Clock) -> None:
    vault = await vault_over(store, bucket, clock)
    first = await vault.put("plan.json", b"{}", content_type="application/json")
    assert await vault.put("plan.json", b"{}") == first
    with pytest.raises(StateMismatch, match="other bytes"):
        await vault.put("plan.json", b"[]")
    assert await vault.get("plan.json") == b"{}"
    with pytest.raises(PreconditionFailed):
        await store.put(bucket, "korea-to-japan/plan.json", b"[]", if_none_match=True)


async def names_are_listed_over_all_pages_and_by_prefix(store: Store, bucket: str, clock: Clock) -> None:
    vault = await vault_over(store, bucket, clock, prefix="many")
    other = await vault_over(store, bucket, clock, prefix="many-more")
    names = [f"runs/a/{number:05}" for number in range(1030)] + ["runs/b/0"]
    for name in names:
        await vault.put(name, name.encode())
    await other.put("runs/c/0", b"")
    assert await vault.list("") == tuple(names)
    assert await vault.list("runs/b/") == ("runs/b/0",)
    assert await vault.list("plans/") == ()
    assert await other.list("runs/") == ("runs/c/0",)


async def what_is_not_there_or_not_as_sealed_is_named(store: Store, bucket: str, clock: Clock) -> None:
    vault = await vault_over(store, bucket, clock)
    await vault.put("fact", b"one")
    with pytest.raises(StateMismatch, match="the ledger says"):
        await vault.get("fact", sha256=hashlib.sha256(b"two").hexdigest())
    with pytest.raises(NotFound, match="korea-to-japan/nothing"):
        await vault.get("nothing")


async def a_locked_version_outlives_its_retention_only(store: Store, bucket: str, clock: Clock) -> None:
    vault = await vault_over(store, bucket, clock)
    await vault.put("locked", b"kept")
    [version] = (await store.list_versions(bucket, prefix="korea-to-japan/locked")).items
    with pytest.raises(Exception, match=r"(?i)refuse|worm|lock|denied|may not"):
        await store.delete(bucket, version.key, version_id=version.version_id)
    assert await vault.get("locked") == b"kept"


CLAIMS = (
    what_was_put_is_read_back,
    the_same_bytes_again_are_fine_and_others_are_refused,
    names_are_listed_over_all_pages_and_by_prefix,
    what_is_not_there_or_not_as_sealed_is_named,
    a_locked_version_outlives_its_retention_only,
)


def days_until(iso: str, now: float) -> float:
    return (datetime.fromisoformat(iso).timestamp() - now) / 86_400
