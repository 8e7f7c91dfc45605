"""Bytes are moved as they are stored: never decoded, never encoded, whatever a header or a box in between says (D20, D21); and far
away is no fault (N1)."""

from __future__ import annotations

import gzip
import time

import pytest

from connectors.s3.store import S3Store
from hikkoshi.fault_proxy import Answer, Call, Delay, Fault
from tests.faults.stack import MIB, Case, behind_proxies

pytestmark = pytest.mark.server

TEXT = "同じ文 ".encode() * 300
ZIPPED = gzip.compress(TEXT, mtime=0)


def seed(case: Case) -> None:
    case.put("zipped", ZIPPED, ContentEncoding="gzip", ContentType="application/json")
    case.put("said to be zipped", TEXT, ContentEncoding="gzip")
    case.put("stuck", TEXT, ContentEncoding="aws-chunked,gzip")


async def test_what_says_that_it_is_encoded_arrives_as_the_very_bytes_with_its_header(case: Case):
    """D20, D21: gzip bytes, bytes that are only said to be gzip, and an `aws-chunked` that stuck at the source: as stored."""
    seed(case)
    case.assert_reconciled(await case.run(), objects=3)
    assert case.bodies("japan") == case.bodies("korea")
    for key in case.listed("korea"):
        korea, japan = (client.head_object(Bucket=case.bucket, Key=key) for client in (case.korea, case.japan))
        assert korea.get("ContentEncoding") == japan.get("ContentEncoding")


async def test_where_bodies_were_decoded_nothing_encoded_would_arrive(case: Case, monkeypatch):
    """Negative control: a client that undoes `Content-Encoding`, as most do, has other bytes than the store."""
    get = S3Store.get

    async def decoding(self, bucket, key, into, **more):
        head = await get(self, bucket, key, into, **more)
        if bytes(into[:2]) != b"\x1f\x8b":
            return head
        plain = gzip.decompress(bytes(into[: head.size]))
        into[:] = plain[: len(into)].ljust(len(into))
        return head._replace(size=len(plain))

    monkeypatch.setattr(S3Store, "get", decoding)
    with pytest.raises(AssertionError):
        await test_what_says_that_it_is_encoded_arrives_as_the_very_bytes_with_its_header(case)


async def test_we_never_introduce_an_encoding_of_our_own(case: Case):
    """D21: no request of ours carries a trailer, a transfer coding or a signature of chunks; checksums travel in headers."""
    seed(case)
    case.put_parts("video", (b"a" * 5 * MIB, b"b" * 9))
    seen: list[str] = []

    async def note() -> None:
        seen.append("an encoding")

    async with behind_proxies(case) as (_, japan):
        japan.faults = [
            Fault(Call(note), header=name) for name in ("x-amz-trailer", "transfer-encoding", "x-amz-decoded-content-length")
        ]
        case.assert_reconciled(await case.run(), objects=4)
    assert seen == []


async def test_a_box_that_compresses_on_the_way_is_not_believed(case: Case):
    """D20: an answer that somebody in between has compressed is not the object: it is named and not copied."""
    seed(case)
    case.put("plain", TEXT)
    etag = case.listed("korea")["plain"][1]
    headers = (("ETag", f'"{etag}"'), ("Content-Encoding", "gzip"), ("Last-Modified", "Wed, 12 Feb 2025 20:18:48 GMT"))
    async with behind_proxies(case) as (korea, _):
        korea.faults = [Fault(Answer(200, ZIPPED, headers), method="GET", target="/plain$")]
        summary = await case.run()
    assert {named.key for named in (*summary.drifted, *summary.failed)} == {"plain"}
    assert "plain" not in case.listed("japan")
    case.assert_reconciled(await case.run(), objects=4)


async def test_a_store_that_is_far_away_is_waited_for_many_at_once(case: Case):
    """N1: with 50 ms on every request nothing fails, and the whole takes a fraction of what one after the other would."""
    case.transfer = {"concurrency": 32}
    for number in range(120):
        case.put(f"{number:03}", number.to_bytes(2, "big") * 100)
    async with behind_proxies(case) as proxies:
        async with case.context():
            pass
        for proxy in proxies:
            proxy.requests.clear()
            proxy.faults = [Fault(Delay(0.05), target=f"^/{case.bucket}/[^?]")]
        begun = time.monotonic()
        summary = await case.run()
        took_s = time.monotonic() - begun
        one_by_one_s = 0.05 * sum(len(case.seen(proxy, "GET", "PUT", "HEAD")) for proxy in proxies)
    case.assert_reconciled(summary, objects=120)
    assert one_by_one_s > 0.05 * 3 * 120
    assert took_s < one_by_one_s / 2
