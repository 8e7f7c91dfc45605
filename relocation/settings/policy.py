"""How an object of a category is kept and proved."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StrictBool, model_validator

from relocation.rules import values
from relocation.rules.keys import shown
from relocation.settings.values import GIB, MIB, Bytes, CannedAcl, FilePath, Reference, Settings, StorageClass

PART_BYTES_MIN, PART_BYTES_MAX = 5 * MIB, 5 * GIB  # S3's limits of one part of a multipart upload


class Sse(Settings):
    """How objects are encrypted at the target: with keys of the store (`s3`) or of a key service (`kms`; no `key`: its default)."""

    type: Literal["s3", "kms"]
    key: str = ""

    @model_validator(mode="after")
    def _key_of_a_key_service(self) -> Self:
        if self.key and self.type != "kms":
            raise ValueError("`key` goes with `type: kms` alone; the store has keys of its own")
        if any(not "!" <= character <= "~" or character == "=" for character in self.key):
            raise ValueError("`key` is the id, alias or ARN of a key: no spaces, no `=`")
        return self


class CustomerKeys(Settings):
    """References to the customer's keys (SSE-C) that encrypt a category's objects at either side; never the keys themselves."""

    source: Reference | None = None
    target: Reference | None = None


class Excluded(Settings):
    """A file of whole source keys that are never moved (legal hold, take-down), each with the reason that the file gives."""

    path: FilePath
    reasons: Annotated[dict[str, str], Field(repr=False)]


DECIDES_NO_ACTION = ("shrink_max", "second_listing", "keys")
"""Fields of a policy that say when not to plan, or what to look at besides: a plan that was made is the same with any of them."""


class Policy(Settings):
    """How an object is kept and proved. `part_bytes` is used where the source's own part layout can't be.

    `source_proof` says when the source is read a second time, over the other HTTP stack: where nothing else proves its side,
    always, or never. With `sha256`, a SHA-256 is taken and compared beside the XXH3-128.

    `storage_class_map` and `acl_map` (canned ACLs) say what the source's words are at the target. With an `acl_map`, each object's
    ACL is read; without, ACLs are not carried. `source_modified_in_metadata` notes the source's Last-Modified in user metadata.

    `shrink_max`: which part of a wave's objects (in parts of a million) may be gone at the source since its last plan; more is
    taken for a listing that lies, and nothing is planned.

    `versions`: whether just the latest version of an object comes home, or all of them, in their order, with delete markers.

    `excluded`: a file of keys that stay where they are.

    `deletions`: whether a catch-up removes from the target what we brought there and people deleted at the source since. On a
    target that keeps versions a removal lays a delete marker; `removals: version` deletes the version that we wrote as well.

    `second_listing`: what a source's listing is held against: its versions listing, where the bucket keeps versions (it is walked
    anyway), a walk folder by folder, or the one else the other (`auto`); where all versions are moved, and their listing is the
    first, the listing of objects. `keys`: a file of all whole keys that somebody else knows
    of, one a line or as an S3 Inventory has them (`.csv`, `.csv.gz`); what no listing shows of them is asked for one by one.
    """

    keep_etag: Literal["require", "prefer", "no"] = "prefer"
    verify: Literal["read_back"] = "read_back"
    source_proof: Literal["when_missing", "always", "never"] = "when_missing"
    sha256: StrictBool = False
    part_bytes: Annotated[Bytes, Field(ge=PART_BYTES_MIN, le=PART_BYTES_MAX)] = 16 * MIB
    storage_class_map: dict[StorageClass, StorageClass] = {}
    acl_map: dict[CannedAcl, CannedAcl] = {}
    source_modified_in_metadata: StrictBool = False
    sse: Sse | None = None
    customer_keys: CustomerKeys = CustomerKeys()
    versions: Literal["latest", "all"] = "latest"
    shrink_max: Annotated[int, BeforeValidator(values.share_ppm), Field(validate_default=False)] = 500_000
    deletions: Literal["follow", "keep"] = "follow"
    removals: Literal["marker", "version"] = "marker"
    excluded: Excluded | None = None
    second_listing: Literal["auto", "versions", "delimiter", "none"] = "versions"
    keys: FilePath | None = None

    @property
    def held_back(self) -> dict[str, str]:
        """Why each key of the exclusion list is on it."""
        return self.excluded.reasons if self.excluded else {}

    @model_validator(mode="after")
    def _encrypted_in_one_way(self) -> Self:
        if self.sse is not None and self.customer_keys.target is not None:
            raise ValueError("has both `sse` and `customer_keys.target`; an object is encrypted in one way: take one of them out")
        return self

    def that_decides(self) -> dict[str, object]:
        """Return what of it goes into the configuration's hash: a field that came later only where it is not at its default, so
        that a new version of the program voids nothing that was signed before. Of customer's keys, which sides have one."""
        always = {"keep_etag", "verify", "part_bytes"}
        changed = self.model_dump(mode="json", exclude_defaults=True, exclude=set(DECIDES_NO_ACTION))
        decides = {**self.model_dump(mode="json", include=always), **changed}
        if "customer_keys" in decides:
            decides["customer_keys"] = sorted(self.customer_keys.model_dump(exclude_none=True))
        if "excluded" in decides:
            decides["excluded"] = hashlib.sha256("\n".join(sorted(map(shown, self.held_back))).encode()).hexdigest()
        return decides
