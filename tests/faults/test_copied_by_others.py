"""What somebody else copied is verified alone: listed, compared and proved as our own is, and nothing is written.

The target is filled by the real rclone, with part sizes that are not the source's.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from hikkoshi.local.configuration import REGIONS
from relocation.rules.summary import Summary
from relocation.stages.wave import WaveRequest, dry_run
from relocation.transfer import prove
from tests.faults.stack import CATEGORY, MIB, WRITES, Case, behind_proxies

pytestmark = pytest.mark.server
FLIPPED, MISSING, EXTRA = "u7/写真 7.jpg", "u11/写真 11.jpg", "not/ours.bin"
LARGE = {"video/even.mp4": (6 * MIB, 6 * MIB), "video/uneven.mp4": (5 * MIB, 7 * MIB, 99), "video/plain.mp4": (11 * MIB,)}


def rclone(case: Case) -> tuple[list[str], dict[str, str]]:
    """Return `rclone copy` with its own part size, and its surroundings."""
    surroundings = {"RCLONE_CONFIG": os.devnull}
    for site in ("korea", "japan"):
        keys = case.house.state.keys(site, "root")
        values = {"TYPE": "s3", "PROVIDER": "Minio", "ENDPOINT": case.house.url(site), "REGION": REGIONS[site]}
        values |= {"ACCESS_KEY_ID": keys.access, "SECRET_ACCESS_KEY": keys.secret}
        surroundings |= {f"RCLONE_CONFIG_{site.upper()}_{name}": value for name, value in values.items()}
    flags = ["--transfers", "8", "--checkers", "8", "--s3-no-check-bucket", "--s3-upload-cutoff", "8M", "--s3-chunk-size", "5M"]
    program = str(Path(sys.executable).with_name("rclone"))
    return [program, "copy", f"korea:{case.bucket}", f"japan:{case.bucket}", *flags], surroundings


async def copied_by_rclone(case: Case) -> None:
    """Have rclone copy the whole bucket, then flip a bit of one object, lose another, and add a third."""
    command, surroundings = rclone(case)
    plain = {"PATH": os.environ["PATH"], "HOME": str(case.folder), "LANG": "C.UTF-8"}
    done = await asyncio.to_thread(
        subprocess.run, command, env=plain | surroundings, cwd=case.folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert case.listed("japan").keys() == case.listed("korea").keys()
    body = bytearray(case.japan.get_object(Bucket=case.bucket, Key=FLIPPED)["Body"].read())
    body[5] ^= 1
    case.put(FLIPPED, bytes(body), site="japan")
    case.japan.delete_object(Bucket=case.bucket, Key=MISSING)
    case.put(EXTRA, b"somebody else's", site="japan")


async def fill(case: Case, small: int) -> None:
    """Put many small objects and three large ones at the source, in parts of its own."""
    dice = random.Random(8)
    await case.house.seed(case.bucket, ((f"u{number}/写真 {number}.jpg", dice.randbytes(200)) for number in range(small)))
    for key, sizes in LARGE.items():
        case.put_parts(key, [dice.randbytes(size) for size in sizes])


def assert_named(summary: Summary, *, objects: int) -> None:
    """All but two are verified, and each of these is named, as is what nobody asked for; the sums hold."""
    (flipped,) = summary.conflicts
    assert (flipped.key, flipped.reason) == (FLIPPED, "the target holds other bytes of the same size, which are not ours")
    assert [(each.key, each.reason) for each in summary.failed] == [(MISSING, "not at the target; a run copies it")]
    assert {each.key for each in summary.foreign} == {FLIPPED, EXTRA}
    assert summary.outcomes["verified"].objects == summary.proofs["read_back"] == objects - 2
    assert all(equation.holds for equation in summary.equations)
    assert (summary.mismatched, summary.drifted, summary.gone, summary.refused) == ((), (), (), ())


async def test_what_somebody_else_copied_is_proved_as_our_own_is_and_nothing_is_written(case):
    """D29: a target filled by rclone: each object is read on both sides; the flipped, the missing and the extra are named."""
    small = 1500
    await fill(case, small)
    objects = small + len(LARGE)
    await copied_by_rclone(case)
    before, versions = case.listed("japan"), case.versions()
    alike = sum(before.get(key) == stands for key, stands in case.listed("korea").items())
    assert small - 2 <= alike < objects  # the large ones are in other parts than the source's
    async with case.context() as context:
        plan = await dry_run(context, WaveRequest(CATEGORY, "all"))
    assert (plan.counts["prove"].objects, plan.counts["copy"].objects) == (objects - 1, 1)
    summary = await case.verify()
    assert_named(summary, objects=objects)
    assert summary.proofs["same_etag"] == alike
    assert (case.listed("japan"), case.versions(), case.uploads()) == (before, versions, [])


async def test_a_second_verification_of_it_finds_the_same_and_sends_the_target_no_write(case):
    """D29: what was proved is kept and read again to the same proofs; of all requests to both sides, none is a write."""
    await fill(case, 40)
    await copied_by_rclone(case)
    async with behind_proxies(case) as (korea, japan):
        first, second = await case.verify(), await case.verify()
        assert case.seen(japan, *WRITES) == case.seen(korea, *WRITES) == []
    for summary in (first, second):
        assert_named(summary, objects=40 + len(LARGE))
    assert (first.counts["prove"].objects, second.counts["keep"].objects) == (42, 41)
    assert second.proofs["same_etag"] == first.proofs["same_etag"]


async def test_without_the_comparison_a_flipped_byte_would_be_proved(case, monkeypatch):
    """Negative control: were both sides' hashes not compared, the same size alone would be enough."""
    real = prove.hash_object

    async def alike(*given, **more):
        return (await real(*given, **more))._replace(xxh3="0" * 32)

    monkeypatch.setattr(prove, "hash_object", alike)
    await fill(case, 20)
    await copied_by_rclone(case)
    summary = await case.verify()
    assert (summary.conflicts, summary.outcomes["verified"].objects) == ((), 22)
