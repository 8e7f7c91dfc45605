"""What a fence denies, as policy documents. Pure.

Reading stays allowed: people go on looking at their pictures while the last pass is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from relocation.rules.fences import FenceRecord

WRITES = (
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject*",
    "s3:PutObject*",
    "s3:Replicate*",
    "s3:RestoreObject",
)
"""All that changes an object, of AWS's list of actions: versions, tags, ACLs, locks and annotations are in the stars (to encrypt an
object anew asks for PutObject too). By stars, since a store refuses a policy that names an action it does not know: MinIO has no
right to write ACLs."""


def resources(fence: FenceRecord) -> list[str]:
    """Return the ARNs of all keys that a fence bars. `*` and `?` in a prefix are S3's own wildcards: they bar more, never less."""
    return [f"arn:aws:s3:::{fence.bucket}/{prefix}*" for prefix in fence.prefixes]


def for_users(fence: FenceRecord) -> dict[str, object]:
    """Return the policy that is attached to users."""
    statement = {"Sid": "Fence", "Effect": "Deny", "Action": list(WRITES), "Resource": resources(fence)}
    return {"Version": "2012-10-17", "Statement": [statement]}


def in_bucket_policy(before: str, fence: FenceRecord) -> str:
    """Return a bucket's policy with the fence's statement added; what stands in it otherwise stays."""
    document: dict[str, Any] = json.loads(before) if before else {"Version": "2012-10-17", "Statement": []}
    statement = {
        "Sid": sid_of(fence),
        "Effect": "Deny",
        "Principal": {"AWS": list(fence.users)} if all(user.startswith("arn:") for user in fence.users) else "*",
        "Action": list(WRITES),
        "Resource": resources(fence),
    }
    return json.dumps({**document, "Statement": [*_others(document["Statement"], fence), statement]})


def without_fence(policy: str, fence: FenceRecord) -> str:
    """Return a bucket's policy without the fence's statement; empty where nothing is left."""
    document: dict[str, Any] = json.loads(policy) if policy else {"Statement": []}
    left = _others(document["Statement"], fence)
    return json.dumps({**document, "Statement": left}) if left else ""


def sid_of(fence: FenceRecord) -> str:
    """Return the name of a fence's statement: letters and digits alone."""
    return "HikkoshiFence" + "".join(letter for letter in fence.id if letter.isalnum())


def _others(statements: Sequence[Mapping[str, object]], fence: FenceRecord) -> list[Mapping[str, object]]:
    return [each for each in statements if each.get("Sid") != sid_of(fence)]
