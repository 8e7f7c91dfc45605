"""What a store says of one aspect of a bucket → a `Setting`: its few words, and all of it in a form that can be compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connectors.s3.lifecycle import rules_in
from relocation.rules.bucket_settings import Aspect, LifecycleRule, Setting, State

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Understood:
    """A setting, and what of it is more than words."""

    setting: Setting
    rules: tuple[LifecycleRule, ...] = ()
    default_retention: str = ""


def understood(aspect: Aspect, answer: Shown, bucket: str) -> Understood:
    """Return what an answer of boto3 about this bucket says."""
    return _KINDS[aspect](answer, bucket)


def _versioning(answer: Shown, _: str) -> Understood:
    status = str(answer.get("Status", "")).lower()
    return Understood(Setting(State.SET, status, status) if status else Setting(State.NONE, "off"))


def _object_lock(answer: Shown, _: str) -> Understood:
    lock = answer.get("ObjectLockConfiguration", {})
    if lock.get("ObjectLockEnabled") != "Enabled":
        return Understood(Setting(State.NONE, "off"))
    default = lock.get("Rule", {}).get("DefaultRetention", {})
    time = f"{default['Days']} days" if "Days" in default else f"{default.get('Years')} years"
    held = f"{default.get('Mode')} {time}" if default else ""
    return Understood(Setting(State.SET, "on", _whole(lock, "")), default_retention=held)


def _lifecycle(answer: Shown, bucket: str) -> Understood:
    return Understood(_several(answer.get("Rules", []), answer, bucket), rules_in(answer))


def _encryption(answer: Shown, bucket: str) -> Understood:
    applied = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    kinds = {rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in applied} - {""}
    return Understood(Setting(State.SET, ", ".join(sorted(kinds)), _whole(answer, bucket)) if kinds else Setting(State.NONE))


def _cors(answer: Shown, bucket: str) -> Understood:
    return Understood(_several(answer.get("CORSRules", []), answer, bucket))


def _notifications(answer: Shown, bucket: str) -> Understood:
    listeners = [one for several in answer.values() for one in (several if isinstance(several, list) else [several])]
    return Understood(_several(listeners, answer, bucket))


def _policy(answer: Shown, bucket: str) -> Understood:
    stated = json.loads(answer.get("Policy") or "{}")
    statements = stated.get("Statement", [])
    return Understood(_several(statements if isinstance(statements, list) else [statements], stated, bucket))


def _replication(answer: Shown, bucket: str) -> Understood:
    return Understood(_several(answer.get("ReplicationConfiguration", {}).get("Rules", []), answer, bucket))


_KINDS: dict[Aspect, Callable[[Shown, str], Understood]] = {
    Aspect.VERSIONING: _versioning,
    Aspect.OBJECT_LOCK: _object_lock,
    Aspect.LIFECYCLE: _lifecycle,
    Aspect.ENCRYPTION: _encryption,
    Aspect.CORS: _cors,
    Aspect.NOTIFICATIONS: _notifications,
    Aspect.POLICY: _policy,
    Aspect.REPLICATION: _replication,
}


def _several(found: list[Any], whole: Shown, bucket: str) -> Setting:
    if not found:
        return Setting(State.NONE)
    return Setting(State.SET, f"{len(found)} rule{'' if len(found) == 1 else 's'}", _whole(whole, bucket))


def _whole(answer: Shown, bucket: str) -> str:
    """Return an answer in one form; that the two buckets have different names makes no difference."""
    text = json.dumps(answer, sort_keys=True, default=str)
    return text.replace(f":::{bucket}/", ":::BUCKET/").replace(f':::{bucket}"', ':::BUCKET"') if bucket else text
