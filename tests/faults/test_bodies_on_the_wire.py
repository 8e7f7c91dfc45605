"""Bodies that break, end early, go on too long or lose their length on the way, each on its own object of one wave (N2-N5).

Struck once, an object arrives whole at the next try; an answer that is complete in itself and is not the object never counts.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.s3.store import S3Store
from hikkoshi.fault_proxy import Answer, Blackhole, Fault, FaultProxy, Reset, Stall, StripResponseHeader, Truncate
from relocation.rules.keys import is_canary
from relocation.rules.summary import Summary
from tests.faults.stack import MIB, Case, behind_proxies, case_of

pytestmark = pytest.mark.server

KIB = 1024
BODY = random.Random(20261122).randbytes(4 * 64 * KIB)
PARTS = (BODY * 20 + b"!", BODY * 20, BODY[:77])
LAST = len(BODY) - 1

EVERY_64_KIB = tuple(range(0, len(BODY) + 1, 64 * KIB))
"""From before the first byte to after the last."""
BROKEN_READS = {f"get/reset-at-{at}": (at, Reset(at)) for at in EVERY_64_KIB[:-1]}
SHORT_READS = {f"get/ends-at-{at}": (at, Truncate(at)) for at in (0, 1, LAST)}
BROKEN_WRITES = {f"put/reset-at-{at}": (at, Reset(at, of="request")) for at in EVERY_64_KIB}
SHORT_PARTS = {f"parts/ends-at-{at}": (at, Truncate(at)) for at in (0, 1, len(PARTS[0]) - 1)}
SILENT_READS = {"get/stalls": (LAST, Stall(LAST)), "get/says-nothing": (0, Blackhole())}
SILENT_WRITES = {"put/stalls": (LAST, Stall(LAST, of="request")), "put/says-nothing": (0, Blackhole())}
STALL_S = 3.0
NO_LENGTH = "get/no-length"
NEVER_WHOLE = {"get/a-byte-less": BODY[:-1], "get/a-byte-more": BODY + b"+", "get/nothing": b""}
"""Complete answers with the planned ETag, whose length is that of their body and not that of the object."""


def faults_of(bucket: str) -> tuple[list[Fault], list[Fault]]:
    """Return Korea's faults and Japan's. All but the last kind strike the first request for their object alone."""
    place = f"^/{bucket}/"
    korea = [
        Fault(action, method="GET", target=f"{place}{key}$", nth=1)
        for key, (_, action) in (BROKEN_READS | SHORT_READS | SILENT_READS).items()
    ]
    korea += [Fault(action, method="GET", target=f"{place}{key}.partNumber=1$", nth=1) for key, (_, action) in SHORT_PARTS.items()]
    korea += [
        Fault(action, method="GET", target=f"{place}{NO_LENGTH}$", nth=1)
        for action in (StripResponseHeader("Content-Length"), Truncate(LAST))
    ]
    as_planned = (("ETag", f'"{hashlib.md5(BODY).hexdigest()}"'), ("Last-Modified", "Wed, 12 Feb 2025 20:18:48 GMT"))
    korea += [Fault(Answer(200, body, as_planned), method="GET", target=f"{place}{key}$") for key, body in NEVER_WHOLE.items()]
    japan = [
        Fault(action, method="PUT", target=f"{place}{key}$", nth=1) for key, (_, action) in (BROKEN_WRITES | SILENT_WRITES).items()
    ]
    return korea, japan


def seed(case: Case) -> None:
    case.transfer = {"stall_s": STALL_S, "concurrency": 16}
    for key in (*BROKEN_READS, *SHORT_READS, *SILENT_READS, *BROKEN_WRITES, *SILENT_WRITES, NO_LENGTH, *NEVER_WHOLE):
        case.put(key, BODY)
    for key in SHORT_PARTS:
        case.put_parts(key, PARTS)


async def strike(case: Case) -> tuple[Summary, FaultProxy]:
    async with behind_proxies(case) as (korea, japan):
        korea.faults, japan.faults = faults_of(case.bucket)
        return await case.run(), korea


@contextmanager
def struck_case(house, folder) -> Iterator[tuple[Case, Summary, FaultProxy]]:
    with case_of(house, folder) as case:
        seed(case)
        yield case, *asyncio.run(strike(case))


@pytest.fixture(scope="module")
def struck(house, tmp_path_factory) -> Iterator[tuple[Case, Summary, FaultProxy]]:
    with struck_case(house, tmp_path_factory.mktemp("bodies")) as made:
        yield made


def arrived(case: Case, key: str) -> bool:
    return case.listed("japan").get(key) == case.listed("korea")[key] and case.versions().get(key) == 1


@pytest.mark.parametrize("key", [*BROKEN_READS, *BROKEN_WRITES])
def test_a_transfer_that_is_reset_at_any_byte_is_made_again_and_whole(struck, key):
    """N2: whether a read or a write breaks before its first byte, every 64 KiB, or after its last: one whole version arrives."""
    case, summary, _ = struck
    assert arrived(case, key)
    assert key not in {named.key for named in (*summary.failed, *summary.drifted, *summary.conflicts)}


@pytest.mark.parametrize("key", [*SILENT_READS, *SILENT_WRITES])
def test_where_nothing_comes_any_more_the_transfer_is_given_up_and_made_again(struck, key):
    """N3: no byte for `stall_s`, before an answer or in the middle of a body, the connection still open: tried again, whole."""
    case, summary, _ = struck
    assert arrived(case, key)
    assert key not in {named.key for named in summary.failed}


@pytest.mark.parametrize("key", [*SHORT_READS, *SHORT_PARTS])
def test_a_body_that_ends_early_is_read_again(struck, key):
    """N4: a clean end after 0, 1 or all but one byte of an object or a part is never taken for the whole."""
    case, _, korea = struck
    assert arrived(case, key)
    name = f"{key}?partNumber=1" if key in SHORT_PARTS else key
    assert len([each for each in korea.requests if each.method == "GET" and each.target.endswith(name)]) == 2


def test_a_whole_answer_of_another_length_is_never_the_object(struck):
    """N4, N5: a byte less, a byte more, or none under the planned ETag, announced as such or not at all: not copied, and named."""
    case, summary, _ = struck
    named = {each.key: each.reason for each in (*summary.drifted, *summary.failed)}
    assert set(named) == {*NEVER_WHOLE, NO_LENGTH}
    assert not set(named) & set(case.listed("japan"))
    assert all(equation.holds for equation in summary.equations)
    case.assert_reconciled(asyncio.run(case.run()))
    assert set(case.versions().values()) == {1}


def test_without_the_comparison_of_sizes_a_short_body_would_be_written(house, tmp_path, monkeypatch):
    """Negative control: an answer that is taken to be as long as what was asked for ends as an object at the target."""
    get = S3Store.get

    async def believing(self, bucket, key, into, **more):
        head = await get(self, bucket, key, into, **more)
        return head if is_canary(key) else head._replace(size=len(into))

    monkeypatch.setattr(S3Store, "get", believing)
    with struck_case(house, tmp_path) as (case, summary, _):
        assert "get/a-byte-less" in case.listed("japan")  # and its ETag, the last line of defence, has it named:
        assert "get/a-byte-less" in {named.key for named in (*summary.failed, *summary.mismatched)}


def test_parts_and_sizes_are_what_the_faults_say():
    """The boundaries struck are real ones: parts that S3 takes, a body of whole 64 KiB blocks."""
    assert len(PARTS[0]) > 5 * MIB
    assert EVERY_64_KIB[-1] == len(BODY)
