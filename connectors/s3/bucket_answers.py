"""What a store says of one aspect of a bucket → a `Setting`: its few words, and all of it in a form that can be compared.

Guarantees: an answer that is another document than the one asked for is "not read", and never "none".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from connectors.s3.lifecycle import rules_in
from connectors.s3.xml import below, children, fields, local, parse
from relocation.rules.amounts import amount
from relocation.rules.bucket_settings import Aspect, LifecycleRule, Setting, State
from relocation.rules.errors import ProtocolError

STAMPS = frozenset({"ExpiryUpdatedAt"})
"""What MinIO writes into a lifecycle when it is set: two buckets with the same rules would differ by it."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A setting, and what of it is more than words."""

    setting: Setting
    rules: tuple[LifecycleRule, ...] = ()
    default_retention: str = ""


def understood(aspect: Aspect, body: bytes | memoryview, bucket: str) -> Understood:
    """Return what a store's answer about this bucket says."""
    try:
        if aspect is Aspect.POLICY:
            return _policy(body, bucket)
        root, read = _KINDS[aspect]
        return read(parse(body, root, also="GetBucketVersioningResponse" if aspect is Aspect.VERSIONING else ""), bucket)  # moto
    except (ProtocolError, ValueError):
        return Understood(Setting(State.NOT_READ, "not read (another document)"))


def _versioning(answer: Element, _: str) -> Understood:
    status = fields(answer).get("Status", "").lower()
    return Understood(Setting(State.SET, status, status) if status else Setting(State.NONE, "off"))


def _object_lock(answer: Element, _: str) -> Understood:
    if fields(answer).get("ObjectLockEnabled") != "Enabled":
        return Understood(Setting(State.NONE, "off"))
    default = {name: text for each in below(answer, "Rule", "DefaultRetention") for name, text in fields(each).items()}
    unit = "Days" if "Days" in default else "Years"
    held = f"{default.get('Mode')} {amount(int(default.get(unit, '')), unit[:-1].lower())}" if default else ""
    return Understood(Setting(State.SET, "on", _whole(answer, "")), default_retention=held)


def _encryption(answer: Element, bucket: str) -> Understood:
    applied = below(answer, "Rule", "ApplyServerSideEncryptionByDefault")
    kinds = {fields(each).get("SSEAlgorithm", "") for each in applied} - {""}
    return Understood(Setting(State.SET, ", ".join(sorted(kinds)), _whole(answer, bucket)) if kinds else Setting(State.NONE))


def _lifecycle(answer: Element, bucket: str) -> Understood:
    return Understood(_switched_on(answer, bucket), rules_in(answer))


def _notifications(answer: Element, bucket: str) -> Understood:
    return Understood(_several(tuple(answer), _whole(answer, bucket)))


def _cors(answer: Element, bucket: str) -> Understood:
    return Understood(_several(tuple(children(answer, "CORSRule")), _whole(answer, bucket)))


def _replication(answer: Element, bucket: str) -> Understood:
    return Understood(_switched_on(answer, bucket))


def _policy(body: bytes | memoryview, bucket: str) -> Understood:
    stated = json.loads(bytes(body) or b"{}")
    if not isinstance(stated, dict):
        raise ProtocolError("a policy that is no object")
    statements = stated.get("Statement", [])
    whole = _anonymous(json.dumps(stated, sort_keys=True), bucket)
    return Understood(_several(statements if isinstance(statements, list) else [statements], whole))


_KINDS: dict[Aspect, tuple[str, Callable[[Element, str], Understood]]] = {
    Aspect.VERSIONING: ("VersioningConfiguration", _versioning),
    Aspect.OBJECT_LOCK: ("ObjectLockConfiguration", _object_lock),
    Aspect.LIFECYCLE: ("LifecycleConfiguration", _lifecycle),
    Aspect.ENCRYPTION: ("ServerSideEncryptionConfiguration", _encryption),
    Aspect.CORS: ("CORSConfiguration", _cors),
    Aspect.NOTIFICATIONS: ("NotificationConfiguration", _notifications),
    Aspect.REPLICATION: ("ReplicationConfiguration", _replication),
}
"""The document that is due for each, and what reads it."""


def _switched_on(answer: Element, bucket: str) -> Setting:
    """Return the rules that are switched on; the others are counted, go out of the answer, and are nothing to differ in."""
    off = [rule for rule in children(answer, "Rule") if fields(rule).get("Status") != "Enabled"]
    for rule in off:
        answer.remove(rule)
    working = _several(tuple(children(answer, "Rule")), _whole(answer, bucket))
    return replace(working, says=f"{working.words}, {len(off)} switched off") if off else working


def _several(found: Sequence[object], whole: str) -> Setting:
    if not found:
        return Setting(State.NONE)
    return Setting(State.SET, amount(len(found), "rule"), whole)


def _whole(answer: Element, bucket: str) -> str:
    """Return a document in one form, whatever its namespace, its white space and the order of elements of different names."""
    return _anonymous(json.dumps(_plain(answer)), bucket)


def _plain(element: Element) -> list[object]:
    inner = [child for child in element if local(child.tag) not in STAMPS]
    text = "" if inner else (element.text or "").strip()
    return [local(element.tag), text, *(_plain(child) for child in sorted(inner, key=lambda child: local(child.tag)))]


def _anonymous(text: str, bucket: str) -> str:
    """Return it without the bucket's name: that the two buckets have different names makes no difference."""
    return text.replace(f":::{bucket}/", ":::BUCKET/").replace(f':::{bucket}"', ':::BUCKET"') if bucket else text
