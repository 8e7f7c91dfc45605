"""What our own machine does wrong: a bug in the buffers, a clock that is off (D30, N13)."""

from __future__ import annotations

import pytest

from connectors.clock import SystemClock
from connectors.wire.lean import LeanWire
from relocation.rules.errors import Refusal
from relocation.rules.seen import Seen
from tests.faults.stack import MIB, Case, behind_proxies

pytestmark = pytest.mark.server


async def plant(monkeypatch, case: Case) -> None:
    """Plant a bug in the wire that copies: one byte of each body that it receives into a buffer is lost, always the same."""
    async with case.context():
        pass  # what the probe knows is on record
    request = LeanWire.request

    async def buggy(self, method, target, headers, body=b"", *, into=None, **more):
        response = await request(self, method, target, headers, body, into=into, **more)
        if into is not None and method == "GET" and target.startswith(f"/{case.bucket}/") and response.status in {200, 206}:
            into[3] = 0
        return response

    monkeypatch.setattr(LeanWire, "request", buggy)


def seed(case: Case) -> None:
    case.put("plain", b"as it is at the source")
    case.put("summed", b"as it is, with a checksum", ChecksumAlgorithm="CRC32C")
    case.put_parts("video", (b"a" * 5 * MIB, b"b" * 99))


async def test_a_bug_in_our_buffers_verifies_nothing(case, monkeypatch):
    """D30: bytes that our own wire alters are hashed, sent and read back as equal: the servers' ETags and checksums tell."""
    seed(case)
    await plant(monkeypatch, case)
    summary = await case.run()
    monkeypatch.undo()
    assert {named.key for named in (*summary.failed, *summary.mismatched)} == {"plain", "summed", "video"}
    assert summary.outcomes["verified"].objects == 0
    assert all(equation.holds for equation in summary.equations)
    case.assert_reconciled(await case.run(), objects=3)
    assert case.bodies("japan") == case.bodies("korea")


async def test_without_the_servers_etags_the_bug_would_pass_as_read_back(case, monkeypatch):
    """Negative control: where no ETag is foretold, the altered object is written, read back as equal, and called verified."""
    case.put("plain", b"as it is at the source")
    case.policy = "{keep_etag: prefer, source_proof: never}"  # else the other stack would read it once more, and tell
    monkeypatch.setattr(Seen, "foretells", lambda *_, **__: False)
    await plant(monkeypatch, case)
    summary = await case.run()
    assert summary.proofs["read_back"] == summary.outcomes["verified"].objects == 1
    assert summary.proofs["same_etag"] == summary.proofs["source_checksum"] == 0  # so that it may never be erased on this ground
    assert case.bodies("japan") != case.bodies("korea")


async def test_a_clock_that_is_off_stops_the_run_and_says_so(case, monkeypatch):
    """N13: a store refuses signatures of another time: nothing is written, and the message names the clock, not the keys."""
    case.put("plain", b"1")
    async with behind_proxies(case) as (_, japan):
        async with case.context():
            pass
        now = SystemClock.now
        monkeypatch.setattr(SystemClock, "now", lambda self: now(self) + 20 * 60)
        with pytest.raises(Refusal, match="clock"):
            await case.run()
        assert case.seen(japan, "PUT", "POST", "DELETE") == []
        monkeypatch.undo()
        case.assert_reconciled(await case.run(), objects=1)
