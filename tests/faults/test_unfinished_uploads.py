"""What lies at a real store beside its objects: uploads that nobody completed, former versions, delete markers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hikkoshi.local.configuration import REGIONS
from relocation.stages.wave import WaveRequest, dry_run
from tests.faults.stack import CATEGORY, MIB, Case

pytestmark = pytest.mark.server


def begin(case: Case, key: str, *, site: str = "korea") -> None:
    """Begin an upload of one part, and leave it."""
    client, where = case.client(site), {"Bucket": case.bucket, "Key": key}
    upload = client.create_multipart_upload(**where)["UploadId"]
    client.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"x" * 5 * MIB)


@pytest.fixture
def forgotten(case: Case) -> Iterator[str]:
    """A bucket of nobody's that keeps versions, and of which everything was overwritten, then deleted."""
    name, korea = f"{case.bucket}-forgotten", case.korea
    korea.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGIONS["korea"]})
    korea.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"22"):
        korea.put_object(Bucket=name, Key="albums/写真", Body=body)
    korea.delete_object(Bucket=name, Key="albums/写真")
    yield name
    korea.delete_bucket(Bucket=name)


async def test_a_dry_run_counts_what_lies_beside_the_objects_of_real_stores(case, forgotten):
    """D24, X5: uploads in progress with their bytes, at least, for MinIO does not say; the history of nobody's bucket, exactly."""
    case.put("whole", b"an object")
    for key in ("u1/a", "u2/b"):
        begin(case, key)
    begin(case, "theirs", site="japan")
    async with case.context() as context:
        summary = await dry_run(context, WaveRequest(CATEGORY, "all"))
    found = {(each.side, each.place): each for each in summary.unfinished}
    source, target = found["source", f"korea/{case.bucket}/"], found["target", f"japan/{case.bucket}/"]
    assert (source.uploads, source.looked_into, source.bytes, source.ours) == (2, 2, 10 * MIB, 0)
    assert (target.uploads, target.bytes, target.ours) == (1, 5 * MIB, 0)
    assert {"may forget others" in each.doubt for each in (source, target)} == {True}
    assert [text for text in summary.unknown if text.startswith(f"korea/{case.bucket}/ has unfinished uploads (2,")]
    (history,) = [each for each in summary.unclaimed if each.place == f"korea/{forgotten}"]
    assert (history.objects, history.versions, history.version_bytes, history.markers) == (0, 2, 3, 1)
