"""The control plane by boto3: make and set up buckets. For setting up a place, never for copying.

Guarantees: what is there already stays. Refuses to follow a region redirect: a bucket of another region is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ALREADY_OURS = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


class Control:
    """Buckets of one endpoint. Blocking: call it from a thread, or where nothing else runs."""

    def __init__(
        self, url: str, *, access_key: str, secret_key: str, session_token: str = "", region: str, ca_file: Path | None = None
    ) -> None:
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "max_attempts": 3},
            connect_timeout=10,
            read_timeout=30,
            proxies={},
        )
        self._region = region
        self._client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=session_token or None,
            verify=str(ca_file) if ca_file else True,
            config=config,
        )
        self._client.meta.events.register("before-call.s3", never_redirect)

    def make_bucket(self, name: str, *, object_lock: bool = False, versioning: bool = False) -> None:
        """Make a bucket; one that is ours already stays as it is."""
        place = {} if self._region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        try:
            self._client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=object_lock, **place)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ALREADY_OURS:
                raise
        if versioning:
            self.set_versioning(name, "Enabled")

    def set_versioning(self, name: str, status: str) -> None:
        """Set `Enabled` or `Suspended`; there is no way back to "never turned on"."""
        self._client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})

    def policy(self, name: str) -> str:
        """Return a bucket's policy, empty where it has none."""
        try:
            return str(self._client.get_bucket_policy(Bucket=name)["Policy"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
            return ""

    def set_policy(self, name: str, policy: str) -> None:
        """Set a bucket's policy; an empty one takes it away."""
        if policy:
            self._client.put_bucket_policy(Bucket=name, Policy=policy)
        else:
            self._client.delete_bucket_policy(Bucket=name)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def never_redirect(context: dict[str, Any], **_: object) -> None:
    """Mark a request as redirected already: boto3 would follow the region that an error names, out of the country perhaps."""
    context.setdefault("s3_redirect", {})["redirected"] = True
