"""Acknowledgements that are not true: a write that never was, old bytes that stayed, an error under a 200 (S4, N11).

Only reading back tells; nothing is called verified because a store said so.
"""

from __future__ import annotations

import hashlib

import pytest

from connectors.s3 import xml
from connectors.s3.store import S3Store
from hikkoshi.fault_proxy import Answer, Fault
from relocation.rules.records import Outcome
from relocation.rules.summary import Summary
from relocation.transfer.endings import ended
from tests.faults.stack import MIB, Case, behind_proxies

pytestmark = pytest.mark.server

OLD, NEW = b"as it was" * 50, b"as it is!" * 50
INTERNAL = b'<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>'


def acknowledged(case: Case, key: str, body: bytes) -> Fault:
    """Say yes to a PUT as the store would, and let it never see the request."""
    return Fault(
        Answer(200, b"", (("ETag", f'"{hashlib.md5(body).hexdigest()}"'),)), method="PUT", target=f"^/{case.bucket}/{key}$"
    )


async def acknowledge_in_vain(case: Case) -> Summary:
    """Have a new object and a replacement acknowledged that the target never sees, and return what the run says of them."""
    case.put("forgotten", NEW)
    case.put("kept", NEW)
    case.put("stale", OLD)
    await case.run()
    case.japan.delete_object(Bucket=case.bucket, Key="forgotten", VersionId=_version(case, "forgotten"))
    case.put("stale", NEW)
    case.put("forgotten", OLD)
    async with behind_proxies(case) as (_, japan):
        japan.faults = [acknowledged(case, "stale", NEW), acknowledged(case, "forgotten", OLD)]
        return await case.run()


def _version(case: Case, key: str) -> str:
    return case.japan.head_object(Bucket=case.bucket, Key=key)["VersionId"]


async def test_a_write_that_was_acknowledged_and_lost_is_found_out(case):
    """S4: a 200 with the right ETag for an object that is not there, or under which the old bytes stayed, verifies nothing."""
    summary = await acknowledge_in_vain(case)
    assert {named.key for named in summary.failed} == {"stale", "forgotten"}
    assert summary.proofs["read_back"] == summary.outcomes["verified"].objects == 1
    assert all(equation.holds for equation in summary.equations)
    again = await case.run()
    assert [named.key for named in again.conflicts] == ["stale"]  # not what we last wrote: left alone, until a person looks
    assert case.listed("japan")["forgotten"] == case.listed("korea")["forgotten"]
    case.japan.delete_object(Bucket=case.bucket, Key="stale", VersionId=_version(case, "stale"))
    case.assert_reconciled(await case.run(), objects=3)


async def test_without_reading_back_a_lost_write_would_be_called_verified(case, monkeypatch):
    """Negative control: a verification that trusts what the copy was told proves an object whose old bytes stayed."""

    async def trusting(hands, _other, row, expected):
        return ended(row, Outcome.VERIFIED, "", hands.tries(), stage="verify")._replace(
            target_etag=expected.etag, proofs=("read_back",)
        )

    monkeypatch.setattr("relocation.transfer.read_back.read_back", trusting)
    summary = await acknowledge_in_vain(case)
    assert case.japan.get_object(Bucket=case.bucket, Key="stale")["Body"].read() == OLD
    reasons = {named.key: named.reason for named in summary.failed}
    assert "read back well" in reasons["stale"]  # only that a listing tells another ETag keeps it from counting


async def test_an_error_under_a_200_completes_nothing(case):
    """N11: where a completion's 200 holds an `<Error>`, there is no object and no upload, and the copy has failed by name."""
    case.put_parts("video", (b"a" * 5 * MIB, b"b" * 9))
    async with behind_proxies(case) as (_, japan):
        japan.faults = [Fault(Answer(200, INTERNAL), method="POST", target="video.uploadId")]
        summary = await case.run(until="copy")
        (failed,) = [fact for fact in await case.sealed(summary.run_id) if fact.outcome != "copied"]
    assert "InternalError" in failed.reason
    assert case.listed("japan") == {}
    assert case.uploads() == []
    await case.run()  # goes on with its own plan, in which it has failed
    case.assert_reconciled(await case.run(), objects=1)


async def test_where_a_200_were_believed_an_upload_would_count_that_never_completed(case, monkeypatch):
    """Negative control: without a look into the body of the 200 the copy ends as done, though nothing is there."""
    monkeypatch.setattr("connectors.s3.requests.is_error_body", lambda _body: False)
    etag = hashlib.md5(hashlib.md5(b"a" * 5 * MIB).digest() + hashlib.md5(b"b" * 9).digest()).hexdigest() + "-2"
    monkeypatch.setattr(xml, "parse_completed", lambda _body: (etag, ""))
    monkeypatch.setattr(S3Store, "complete_upload", S3Store.complete_upload)  # the store's own, with these two taken out
    with pytest.raises((AssertionError, ValueError)):
        await test_an_error_under_a_200_completes_nothing(case)
