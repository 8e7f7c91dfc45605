"""Sizes on the edge of a part, checksums of parts, equal contents, objects that grow: on real servers (D5, D7, D8, D22, D23)."""

from __future__ import annotations

import asyncio

import pytest

from hikkoshi.fault_proxy import Call, Fault
from relocation.transfer import read
from tests.faults.stack import MIB, Case, behind_proxies

pytestmark = pytest.mark.server

PART = 5 * MIB
BLOCK = bytes(range(256)) * 4096


def of(size: int, salt: int = 0) -> bytes:
    return (bytes([salt]) + BLOCK * (size // len(BLOCK) + 1))[:size]


async def test_objects_on_the_edge_of_a_part_arrive_in_their_own_layout(case: Case):
    """D5: empty, one byte, a part less one, a part, a part and one, two parts, one part alone: size and ETag are the source's."""
    case.policy = f"{{part_bytes: {PART}}}"
    sizes = {"0": 0, "1": 1, "part-1": PART - 1, "part": PART, "part+1": PART + 1, "2part": 2 * PART}
    for name, size in sizes.items():
        case.put(f"whole/{name}", of(size))
    for name in ("1", "part-1", "part"):
        case.put_parts(f"alone/{name}", (of(sizes[name]),))
    for name, last in (("k-exactly", PART), ("k+1", 1), ("k-1", PART - 1)):
        case.put_parts(f"parts/{name}", (of(PART), of(last, 1)))
    summary = await case.run()
    case.assert_reconciled(summary, objects=12)  # the ETags of both sides are equal, so the layouts are
    assert summary.proofs["same_etag"] == 12
    layouts = {fact.source_key: fact.layout for fact in await case.sealed(summary.run_id)}
    assert layouts["whole/part+1"] == f"{PART + 1}"
    assert layouts["parts/k+1"] == f"{PART},1"


async def test_an_etag_of_other_parts_says_nothing_about_the_bytes(case: Case):
    """D7: the same bytes in other parts have another ETag: proved by reading, not copied again, and no `same_etag` is said."""
    body = of(2 * PART + 5)
    case.put_parts("video", (body[:PART], body[PART:]))
    case.put_parts("video", (body[: PART + 1], body[PART + 1 :]), site="japan")
    first, second = await case.run(), await case.run()
    assert (first.counts["prove"].objects, second.counts["keep"].objects) == (1, 1)
    assert first.outcomes["verified"].objects == first.proofs["read_back"] == 1
    assert first.proofs["same_etag"] == 0
    assert case.versions() == {"video": 1}


async def test_a_checksum_of_parts_is_compared_with_parts_only(case: Case):
    """D8: a composite checksum (of the parts' checksums) is no checksum of the bytes; one of the whole object is. All arrive."""
    parts = (of(PART), of(PART, 1), of(9, 2))
    for algorithm, kind in (("CRC32C", "COMPOSITE"), ("SHA256", "COMPOSITE"), ("CRC64NVME", "FULL_OBJECT")):
        _put_summed(case, f"{algorithm}-{kind}", parts, algorithm, kind)
    summary = await case.run()
    case.assert_reconciled(summary, objects=3)
    assert summary.mismatched == ()
    assert summary.proofs["source_checksum"] == 3  # each part against its own, or the whole against the whole


async def test_where_a_stored_checksum_is_never_believed_nothing_arrives(case: Case, monkeypatch):
    """Negative control: the checksums of parts are really looked at, for with a comparison that always fails nothing is copied."""
    monkeypatch.setattr(read, "agrees", lambda *_: False)
    case.transfer = {"attempts_max": 1}
    with pytest.raises(AssertionError):
        await test_a_checksum_of_parts_is_compared_with_parts_only(case)


def _put_summed(case: Case, key: str, parts: tuple[bytes, ...], algorithm: str, kind: str) -> None:
    where = {"Bucket": case.bucket, "Key": key}
    upload = case.korea.create_multipart_upload(**where, ChecksumAlgorithm=algorithm, ChecksumType=kind)["UploadId"]
    done = []
    for number, body in enumerate(parts, 1):
        answer = case.korea.upload_part(**where, UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        done.append({"PartNumber": number, "ETag": answer["ETag"], f"Checksum{algorithm}": answer[f"Checksum{algorithm}"]})
    case.korea.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": done}, ChecksumType=kind)


async def test_equal_contents_are_each_copied_and_proved(case: Case):
    """D22: three keys with the same bytes are three objects: three writes, three read-backs, three facts; nothing is shared."""
    keys = ("a", "b/same", "c/same again")
    for key in keys:
        case.put(key, b"the very same")
    async with behind_proxies(case) as (_, japan):
        summary = await case.run()
        written = case.seen(japan, "PUT")
        read_back = [each for each in case.seen(japan, "GET") if "list-type" not in each.target and "?" not in each.target]
    case.assert_reconciled(summary, objects=3)
    assert (len(written), len(read_back), summary.proofs["read_back"]) == (3, 3, 3)
    assert len({fact.target_key for fact in await case.sealed(summary.run_id)}) == 3


async def test_an_object_that_grows_while_it_is_copied_is_never_half_of_each(case: Case):
    """D23: what is appended to while it is read is drifted, and arrives as it is then with the next run."""
    body = of(3 * PART)
    case.put_parts("log", (body[:PART], body[PART : 2 * PART], body[2 * PART :]))

    async def grow() -> None:
        await asyncio.to_thread(case.put_parts, "log", (body[:PART], body[PART : 2 * PART], body[2 * PART :] + b"one line more"))

    async with behind_proxies(case) as (korea, _):
        korea.faults = [Fault(Call(grow), method="GET", target="log.partNumber=2", nth=1)]
        summary = await case.run()
    assert [named.key for named in summary.drifted] == ["log"]
    assert (case.listed("japan"), case.uploads()) == ({}, [])
    case.assert_reconciled(await case.run(), objects=1)
