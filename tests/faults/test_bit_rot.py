"""Bytes that rot on the target's drive, and bytes that are altered on their way back: each is named for what it is (S5, S16)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hikkoshi.fault_proxy import Fault, FlipByte
from relocation.transfer import compare, read_back
from tests.faults.stack import MIB, Case, behind_proxies

pytestmark = pytest.mark.server

SEED = 20261122
SMALL = random.Random(SEED).randbytes(4000)


async def seed_and_run(case: Case) -> None:
    for number in range(6):
        case.put(f"small/{number}", SMALL + bytes([number]))
    for number in range(2):
        case.put(f"large/{number}", random.Random(number).randbytes(2 * MIB))
    case.assert_reconciled(await case.run(), objects=8)


def drive(case: Case) -> Path:
    return case.house.state.var / "minio" / "japan" / case.bucket


def flip(file: Path, at: int) -> None:
    """Invert one byte of a file where it lies."""
    with file.open("r+b") as opened:
        opened.seek(at)
        (byte,) = opened.read(1)
        opened.seek(at)
        opened.write(bytes([byte ^ 0xFF]))


def rot(case: Case) -> None:
    """Rot one small object (its bytes lie in `xl.meta`) and one large (they lie in a file of their own) on the target's drive."""
    meta = drive(case) / "small/3/xl.meta"
    flip(meta, meta.read_bytes().index(SMALL) + 1000)
    (part,) = (drive(case) / "large/1").glob("*/part.1")
    flip(part, part.stat().st_size // 2)


@pytest.fixture
def impatient(case) -> Case:
    case.transfer = {"attempts_max": 2}
    return case


async def test_what_rotted_on_the_drive_is_named_and_the_rest_verified(impatient):
    """S5, S16: listings still show the old size and ETag; only reading back tells. The store gives no such bytes out: `failed`."""
    case = impatient
    await seed_and_run(case)
    before = case.listed("japan")
    rot(case)
    assert case.listed("japan") == before
    summary = await case.verify()
    failed = {named.key: named.reason for named in summary.failed}
    assert set(failed) == {"small/3", "large/1"}
    assert "could not be read back: unreadable" in failed["small/3"]
    assert "could not be read back: unreadable" in failed["large/1"]
    assert summary.mismatched == ()
    assert summary.outcomes["verified"].objects == summary.proofs["read_back"] == 6
    assert all(equation.holds for equation in summary.equations)


async def test_bytes_altered_on_the_way_back_are_mismatched_and_told_from_rot(impatient):
    """S5: one byte, same size and ETag: the second reading, over the other HTTP stack, is right, so nothing rotted there."""
    case = impatient
    await seed_and_run(case)
    async with behind_proxies(case) as (_, japan):
        once = [Fault(FlipByte(1234), method="GET", target=f"{key}$", nth=1) for key in ("small/2", "large/0")]
        always = [Fault(FlipByte(1234), method="GET", target="small/5$")]
        japan.faults = [*once, *always]
        summary = await case.verify()
    reasons = {named.key: named.reason for named in summary.mismatched}
    assert set(reasons) == {"small/2", "large/0", "small/5"}
    assert "on the way back changes bytes" in reasons["small/2"]
    assert "on the way back changes bytes" in reasons["large/0"]
    assert "not those that were written" in reasons["small/5"]
    assert summary.failed == ()
    assert summary.outcomes["verified"].objects == 5
    case.assert_reconciled(await case.run(), objects=8)  # past the proxy all is well: proved, not written again
    assert set(case.versions().values()) == {1}


async def test_without_hashing_what_came_back_an_altered_byte_would_pass(impatient, monkeypatch):
    """Negative control: it is the hash over the bytes read back that tells, not their size or ETag."""

    async def by_etag_alone(hands, store, row, expected, tries):
        place = (row.target_bucket, row.target_key)
        hashed = await compare.hash_object(hands, store, place, etag=expected.etag, size=row.size, tries=tries)
        return hashed._replace(xxh3=expected.xxh3)

    monkeypatch.setattr(read_back, "_hash", by_etag_alone)
    with pytest.raises(AssertionError):
        await test_bytes_altered_on_the_way_back_are_mismatched_and_told_from_rot(impatient)
