"""Claims about what holds an object, and who may read it: locks and ACLs beside the bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from relocation.rules.errors import BadRequest
from relocation.rules.objects import LOCK_HOLD, LOCK_MODE, LOCK_UNTIL, Attributes
from tests.contract.lab import CLAIMS, Lab, refused

care = CLAIMS.add("care")
refuses = CLAIMS.add("care", refusal=True)


def until(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@care
async def an_object_is_its_owners_alone(lab: Lab) -> None:
    """Without an ACL nobody but the owner has a grant, and the store tells so."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "k", b"hello")
    acl = await lab.store.get_acl(bucket, "k")
    assert acl.grants == ((acl.owner, "FULL_CONTROL"),)


@care
async def a_hold_and_a_retention_show_in_head(lab: Lab) -> None:
    """Mode, end and legal hold that were written with an object are in the answer to HEAD."""
    bucket = await lab.bucket(object_lock=True)
    lock = {LOCK_MODE: "GOVERNANCE", LOCK_UNTIL: until(60), LOCK_HOLD: "ON"}
    await lab.store.put(bucket, "k", b"hello", attributes=Attributes(headers=tuple(lock.items())), crc64nvme="M3eFcAZSQlc=")
    shown = dict((await lab.store.head(bucket, "k")).rarer)
    assert (shown.get(LOCK_MODE), shown.get(LOCK_HOLD)) == ("GOVERNANCE", "ON")
    assert datetime.fromisoformat(shown[LOCK_UNTIL]) == datetime.fromisoformat(lock[LOCK_UNTIL])


@refuses
async def a_retention_in_the_past_is_refused(lab: Lab) -> None:
    """A retention that has run out holds nothing: no store takes one."""
    bucket = await lab.bucket(object_lock=True)
    lock = Attributes(headers=((LOCK_MODE, "GOVERNANCE"), (LOCK_UNTIL, until(-60))))
    await refused(lab.store.put(bucket, "k", b"hello", attributes=lock, crc64nvme="M3eFcAZSQlc="), BadRequest)
