"""Make the buckets of a MinIO on this machine: plain, versioned, or locked for evidence.

Making what is there already changes nothing. Refuses a bucket that is there without the object lock it should have: a lock can
only be had when a bucket is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

from connectors.s3.control import never_redirect
from hikkoshi.local.state import Keys
from relocation.rules.errors import Refusal


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket to be made. `locked` (object lock) brings versioning with it."""

    name: str
    versioned: bool = False
    locked: bool = False


def make_buckets(url: str, region: str, owner: Keys, wanted: Sequence[Bucket], *, ca_file: Path | None = None) -> None:
    """Make those of the buckets that are not there yet."""
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=owner.access,
        aws_secret_access_key=owner.secret,
        verify=str(ca_file) if ca_file else True,
        config=Config(proxies={}, connect_timeout=5, read_timeout=30, retries={"max_attempts": 3}, s3={"addressing_style": "path"}),
    )
    client.meta.events.register("before-call.s3", never_redirect)
    try:
        there = {each["Name"] for each in client.list_buckets()["Buckets"]}
        for bucket in wanted:
            if bucket.name not in there:
                client.create_bucket(
                    Bucket=bucket.name,
                    CreateBucketConfiguration={"LocationConstraint": region},
                    ObjectLockEnabledForBucket=bucket.locked,
                )
            elif bucket.locked and client.get_bucket_versioning(Bucket=bucket.name).get("Status") != "Enabled":
                raise Refusal(f"{url}: the bucket {bucket.name} is there without object lock; remove it first")
            if bucket.versioned and not bucket.locked:
                client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    finally:
        client.close()
