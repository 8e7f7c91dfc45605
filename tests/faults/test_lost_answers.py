"""Answers that are lost, cut, altered or untrue, each on an object of its own in one wave (N2, N4, N7-N11, N17).

A write whose answer was lost is settled by looking; what the store did not keep is never counted as done; nothing is written twice.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from hikkoshi.fault_proxy import Answer, AnswerAfter, Fault, FaultProxy, FlipByte, Reset, Seen, Truncate
from relocation.rules import capabilities
from relocation.rules.errors import ProtocolError, Refusal
from relocation.rules.summary import Summary
from relocation.transfer import copy_parts, write
from tests.faults.stack import MIB, Case, behind_proxies, case_of

pytestmark = pytest.mark.server

SEED = 20261122
BODY = random.Random(SEED).randbytes(3000)
PARTS = (BODY * 1748, random.Random(SEED + 1).randbytes(321))  # 5 MiB and a bit, and the rest
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
STARTING = b"<Error><Code>XMinioIAMNotInitialized</Code><Message>IAM sub-system not initialized yet.</Message></Error>"
INTERNAL = b'<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>'

AT_THE_TARGET = {
    "put/lost": [Fault(AnswerAfter(), method="PUT", target="put/lost$", nth=1)],
    "put/lost-as-500": [Fault(AnswerAfter(500, INTERNAL), method="PUT", target="put/lost-as-500", nth=1)],
    "put/altered": [Fault(FlipByte(1000, of="request"), method="PUT", target="put/altered", nth=1)],
    "put/burst": [Fault(Answer(503, SLOW_DOWN), method="PUT", target="put/burst", nth=nth) for nth in (1, 2, 3)],
    "put/starting": [Fault(Answer(503, STARTING, (("Retry-After", "60"),)), method="PUT", target="put/starting", nth=1)],
    "put/reset": [Fault(Reset(1500, of="request"), method="PUT", target="put/reset", nth=1)],
    "parts/lost-begin": [Fault(AnswerAfter(), method="POST", target="lost-begin.uploads", nth=1)],
    "parts/lost-part": [Fault(AnswerAfter(), method="PUT", target="lost-part.partNumber=1", nth=1)],
    "parts/lost-end": [Fault(AnswerAfter(), method="POST", target="lost-end.uploadId", nth=1)],
    "parts/altered": [Fault(FlipByte(4 * MIB, of="request"), method="PUT", target="parts/altered.partNumber=1", nth=1)],
    "parts/error-once-in-200": [Fault(Answer(200, INTERNAL), method="POST", target="error-once-in-200.uploadId", nth=1)],
}
AT_THE_SOURCE = {
    "get/truncated": [Fault(Truncate(1234), method="GET", target="get/truncated", nth=1)],
    "get/reset": [Fault(Reset(1234), method="GET", target="get/reset", nth=1)],
    "get/altered-once": [Fault(FlipByte(77), method="GET", target="get/altered-once", nth=1)],
    "get/burst": [Fault(Answer(503, SLOW_DOWN, (("Retry-After", "1"),)), method="GET", target="get/burst", nth=1)],
    "parts/reset-get": [Fault(Reset(2 * MIB), method="GET", target="reset-get.partNumber=1", nth=1)],
}
NEVER_RIGHT = {
    "get/altered-always": [Fault(FlipByte(77), method="GET", target="get/altered-always")],
    "parts/error-in-200": [Fault(Answer(200, INTERNAL), method="POST", target="error-in-200.uploadId")],
}


@dataclass(frozen=True)
class Struck:
    """What came of the wave."""

    case: Case
    summary: Summary
    korea: list[Seen]
    japan: list[Seen]
    seconds: float

    def asked(self, method: str, key: str) -> list[Seen]:
        return [each for each in (*self.korea, *self.japan) if each.method == method and key in each.target]


def seed(case: Case) -> None:
    for key in (*AT_THE_TARGET, *AT_THE_SOURCE, *NEVER_RIGHT):
        if key.startswith("parts/"):
            case.put_parts(key, PARTS)
        else:
            case.put(key, BODY, ChecksumAlgorithm="CRC32C")  # the source holds a checksum of it


async def strike(case: Case) -> Struck:
    """Run the wave with every fault in force: one for each key."""
    async with behind_proxies(case) as (korea, japan):
        korea.faults = [fault for faults in AT_THE_SOURCE.values() for fault in faults] + NEVER_RIGHT["get/altered-always"]
        japan.faults = [fault for faults in AT_THE_TARGET.values() for fault in faults]
        japan.faults = [*japan.faults, *NEVER_RIGHT["parts/error-in-200"]]
        begun = time.monotonic()
        summary = await case.run()
        seconds = time.monotonic() - begun
        return Struck(case, summary, list(korea.requests), list(japan.requests), seconds)


@contextmanager
def struck_case(house, folder) -> Iterator[Struck]:
    with case_of(house, folder) as case:
        seed(case)
        yield asyncio.run(strike(case))


@pytest.fixture(scope="module")
def struck(house, tmp_path_factory) -> Iterator[Struck]:
    with struck_case(house, tmp_path_factory.mktemp("struck")) as made:
        yield made


@pytest.mark.parametrize("key", [*AT_THE_TARGET, *AT_THE_SOURCE])
def test_an_object_struck_once_arrives_whole_in_one_version(struck, key):
    """N2, N4, N9, N10: whatever went wrong on the way, the next try is right: the same ETag on both sides, and one version."""
    case = struck.case
    assert case.listed("japan")[key] == case.listed("korea")[key]
    assert case.versions()[key] == 1
    assert key not in {named.key for named in (*struck.summary.failed, *struck.summary.conflicts, *struck.summary.mismatched)}


def test_what_was_struck_each_time_failed_by_name_and_nothing_else_did(struck):
    """No object is lost in silence, and none is called done that is not at the target."""
    summary = struck.summary
    assert {named.key for named in summary.failed} == set(NEVER_RIGHT)
    assert summary.outcomes["verified"].objects == summary.proofs["read_back"] == len(AT_THE_TARGET) + len(AT_THE_SOURCE)
    assert all(equation.holds for equation in summary.equations)
    assert not set(NEVER_RIGHT) & set(struck.case.listed("japan"))


def test_no_upload_is_left_behind(struck):
    """Neither by an upload whose beginning was acknowledged in vain, nor by one that could not be completed."""
    assert struck.case.uploads() == []


def test_a_write_whose_answer_was_lost_is_settled_by_looking(struck):
    """N10: the second PUT meets our own object (412), and a HEAD says whose it is."""
    for key in ("put/lost", "put/lost-as-500"):
        assert [each.status for each in struck.asked("PUT", key)][-1] == 412
        assert struck.asked("HEAD", key)
    assert struck.asked("HEAD", "parts/lost-end")


def test_an_error_in_a_200_is_no_success(struck):
    """N11: a 200 whose body is an `<Error>` completes nothing: asked again, and failed where it stays so."""
    (failed,) = [named for named in struck.summary.failed if named.key == "parts/error-in-200"]
    assert "InternalError" in failed.reason
    assert len([each for each in struck.asked("POST", "error-in-200?") if "uploadId" in each.target]) == 4


def test_a_server_that_is_only_just_starting_is_not_left_alone_for_a_minute(struck):
    """S1: MinIO asks for 60 s while it starts, and is up a moment later: it is asked again soon, as one that is not there yet."""
    assert [each.status for each in struck.asked("PUT", "put/starting")] == [503, 200]
    assert struck.seconds < 55


async def test_a_redirect_is_never_followed(case):
    """N17: no byte goes to where a 307 points: residency. The run stops and says why; past it, the same run goes on."""
    for number in range(6):
        case.put(f"{number}", BODY)
    async with FaultProxy(case.house.url("korea")) as elsewhere, behind_proxies(case) as (_, japan):
        away = Answer(307, b"", (("Location", f"{elsewhere.url}/{case.bucket}/3"),))
        japan.faults = [Fault(away, method="PUT", target=f"^/{case.bucket}/3$")]
        with pytest.raises(Refusal, match="never followed"):
            await case.run()
        assert elsewhere.requests == []
    assert "3" not in case.listed("japan")
    case.assert_reconciled(await case.run(), objects=6)
    assert set(case.versions().values()) == {1}


def test_bytes_altered_on_the_way_in_are_held_against_the_stored_checksum(struck):
    """N7, D30: read again until they agree with the checksum that the source had stored; never copied where they do not."""
    assert len(struck.asked("GET", "get/altered-once")) == 3  # altered, right, and read back at the target
    (failed,) = [named for named in struck.summary.failed if named.key == "get/altered-always"]
    assert "do not match the checksum" in failed.reason


def test_bytes_altered_on_the_way_out_are_refused_by_the_target_and_sent_again(struck):
    """N8: the checksum was computed before the bytes left us."""
    for key in ("put/altered", "parts/altered"):
        statuses = [each.status for each in struck.asked("PUT", key) if "partNumber=2" not in each.target]
        assert statuses == [400, 200], key


def test_the_next_run_brings_home_what_failed(struck):
    """What failed is a fact with its reason, and can be retried alone: past the faults all is well."""
    struck.case.assert_reconciled(asyncio.run(struck.case.run()))
    assert set(struck.case.versions().values()) == {1}


def test_without_settling_a_lost_answer_would_end_in_a_doubt(house, tmp_path, monkeypatch):
    """Negative control: without the look after a 412, our own object is somebody else's, and is read on both sides again."""

    async def not_looking(hands, row, _expected_etag, tries, **_):
        raise write.Occupied(await hands.target.head(row.target_bucket, row.target_key))

    monkeypatch.setattr(write, "settle", not_looking)
    monkeypatch.setattr(copy_parts, "settle", not_looking)
    with struck_case(house, tmp_path) as struck:
        assert struck.summary.proofs["received"] < len(AT_THE_TARGET) + len(AT_THE_SOURCE)


async def test_without_a_checksum_the_target_would_keep_what_was_altered_on_the_way_out(case, monkeypatch):
    """Negative control for N8: with no checksum sent, altered bytes are stored; only the ETags name it then, and nothing counts."""
    monkeypatch.setattr(capabilities, "sends_checksum", lambda *_, **__: False)
    case.put("put/altered", BODY)
    async with behind_proxies(case) as (_, japan):
        japan.faults = AT_THE_TARGET["put/altered"]
        summary = await case.run()
        assert [each.status for each in case.seen(japan, "PUT")] == [200]
    assert (summary.outcomes["verified"].objects, summary.proofs["received"]) == (0, 0)
    assert case.listed("japan") != case.listed("korea")


async def test_a_listing_that_is_none_stops_the_run_before_it_plans(case):
    """S10: a page of HTML under a 200, again and again, is no inventory: nothing is planned, nothing written, nothing removed."""
    case.put("here", b"1")
    async with behind_proxies(case) as (korea, japan):
        korea.faults = [Fault(Answer(200, b"<html>Welcome</html>"), method="GET", target="list-type=2")]
        with pytest.raises(ProtocolError):
            await case.run()
        assert case.seen(japan, "PUT", "POST", "DELETE") == []
    case.assert_reconciled(await case.run(), objects=1)
