"""The table of all that an object has beside its bytes: kept, mapped or waived, and what of it is a loss that is known in advance.

Guarantees: what can't be kept, whatever object it is, stands in every report with its reason, before anything was copied; what only
a single object loses is in its fact. Refuses nothing: that is `rules/fidelity.py`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from relocation.rules.capabilities import losses
from relocation.rules.fidelity import CUSTOMERS, SOURCE_MODIFIED, Fidelity, label_of
from relocation.rules.objects import Attributes
from relocation.rules.records import Answers


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that an object has beside its bytes, what becomes of it, and why it is not simply kept (empty: it is)."""

    name: str
    treatment: Literal["kept", "mapped", "waived"]
    reason: str = ""


FIELDS = (
    Field("Cache-Control", "kept"),
    Field("Content-Disposition", "kept"),
    Field("Content-Encoding", "kept"),
    Field("Content-Language", "kept"),
    Field("Content-Type", "kept"),
    Field("Expires", "kept", "as text: one that is no date too"),
    Field("website redirect", "kept"),
    Field("user metadata", "kept", "byte for byte"),
    Field("tags", "kept", "but those beyond ASCII where the target was seen not to take them"),
    Field("retention", "kept", "never less than the source's; one that has run out holds nothing, and is left out"),
    Field("legal hold", "kept"),
    Field("storage class", "mapped", "by policy.storage_class_map; one without a mapping must have been seen to be taken"),
    Field("ACL", "mapped", "by policy.acl_map; a grant without a mapping is a loss; without a map no ACL is carried"),
    Field("encryption", "mapped", "by policy.sse or policy.customer_keys; without them, the target's bucket decides"),
    Field("Last-Modified", "waived", "the target sets its own; the original stays in the facts"),
    Field(
        "former versions", "mapped", "by policy.versions: all of them in their order, or the latest alone; the others are counted"
    ),
    Field("delete markers", "mapped", "by policy.versions; the remover lays them, no copy does"),
    Field("version id", "waived", "the target gives its own; both are in the facts"),
    Field("owner", "waived", "what is written belongs to the writer's account"),
)

_ONE_OF_EACH = Attributes(
    headers=(("x-amz-website-redirect-location", "/"),), metadata=(("album", "写真"),), tags=(("album", "写真"),)
)
"""An object with all that the probe tries: what of it is lost says what would be lost of any."""


def declared(policy: Fidelity, target: Answers, *, written: int) -> dict[str, int]:
    """Return what will not arrive as it was, in words, with the number of objects that it concerns.

    `written` is how many objects are to be written. 0 stands where only the objects themselves can tell how many have it.
    """
    note = f"; it is noted in x-amz-meta-{SOURCE_MODIFIED}" if policy.source_modified else ""
    found = {f"Last-Modified: the target sets its own; the original stays in the facts{note}": written}
    found |= dict.fromkeys((f"{name}: the target was seen not to keep it" for name in losses(_ONE_OF_EACH, target)), 0)
    if not policy.acls:
        found["ACL: not carried, the policy has no acl_map; objects get the target's default"] = written
    found |= {f"ACL: {one} becomes {other} (policy.acl_map)": 0 for one, other in sorted(policy.acls.items()) if one != other}
    found |= {
        f"storage class: {one} becomes {other} (policy.storage_class_map)": 0
        for one, other in sorted(policy.storage_classes.items())
        if one != other
    }
    if policy.encryption and label_of(policy.encryption) == CUSTOMERS:
        found["encryption: SSE-C (policy.customer_keys.target); ETags of a customer's key are no MD5, and are not compared"] = (
            written
        )
    elif policy.encryption:
        found[f"encryption: {label_of(policy.encryption)} (policy.sse), whatever the source's is"] = written
    return found
