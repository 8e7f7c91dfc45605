"""Somebody else's look at both countries: boto3 with the auditor's keys, which shares no line of code with the move."""

from __future__ import annotations

from dataclasses import dataclass

import boto3
from botocore.config import Config

from hikkoshi.local import LocalState
from hikkoshi.local.configuration import REGIONS

Listing = dict[str, tuple[int, str]]
"""Key → size and ETag."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides of one place: objects and bytes, and how many keys are on one side only or differ."""

    objects: tuple[int, int]
    bytes: tuple[int, int]
    only: tuple[int, int]
    other_size: int
    other_etag: int

    @property
    def alike(self) -> bool:
        """Return whether every key is on both sides with the same size and ETag."""
        return self.only == (0, 0) and not self.other_size and not self.other_etag


def compare(state: LocalState, bucket: str, prefix: str = "") -> Compared:
    """List a place in both countries and hold the listings against each other."""
    korea, japan = (listing(state, site, bucket, prefix) for site in ("korea", "japan"))
    both = korea.keys() & japan.keys()
    return Compared(
        objects=(len(korea), len(japan)),
        bytes=(sum(size for size, _ in korea.values()), sum(size for size, _ in japan.values())),
        only=(len(korea.keys() - both), len(japan.keys() - both)),
        other_size=sum(korea[key][0] != japan[key][0] for key in both),
        other_etag=sum(korea[key][1] != japan[key][1] for key in both),
    )


def listing(state: LocalState, site: str, bucket: str, prefix: str = "") -> Listing:
    """Return everything that a site lists under a prefix."""
    keys = state.keys(site, "auditor")
    client = boto3.client(
        "s3",
        endpoint_url=state.url(site),
        region_name=REGIONS[site],
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
        config=Config(proxies={}, s3={"addressing_style": "path"}),
    )
    try:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {each["Key"]: (each["Size"], each["ETag"].strip('"')) for page in pages for each in page.get("Contents", ())}
    finally:
        client.close()
