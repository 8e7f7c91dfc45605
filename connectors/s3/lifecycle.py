"""Lifecycle rules as boto3 shows them → rules that are switched on, with what each does and when.

Refuses to take a rule for harmless because its deed is not known: one without any deed of these has `Deed.UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relocation.rules.bucket_settings import Act, Deed, LifecycleRule


def rules_in(answer: dict[str, Any]) -> tuple[LifecycleRule, ...]:
    """Return the rules of one bucket's configuration that are switched on."""
    return tuple(_rule(rule) for rule in answer.get("Rules", []) if rule.get("Status") == "Enabled")


def _rule(rule: dict[str, Any]) -> LifecycleRule:
    asked = rule.get("Filter") or {}
    both = asked.get("And") or {}
    prefix = asked.get("Prefix") or both.get("Prefix") or rule.get("Prefix") or ""
    narrowed = any(part for part in (set(asked) | set(both)) - {"Prefix", "And"})
    acts = tuple(_acts(rule))
    if not acts and "AbortIncompleteMultipartUpload" not in rule:
        acts = (Act(Deed.UNKNOWN),)
    return LifecycleRule(str(rule.get("ID", "")), str(prefix), narrowed, acts)


def _acts(rule: dict[str, Any]) -> Iterator[Act]:
    expires = rule.get("Expiration") or {}
    if "Days" in expires or "Date" in expires:
        yield Act(Deed.EXPIRES, _when(expires))
    if expires.get("ExpiredObjectDeleteMarker"):
        yield Act(Deed.REMOVES_MARKERS)
    for transition in rule.get("Transitions", []):
        yield Act(Deed.MOVES, _when(transition))
    former = rule.get("NoncurrentVersionExpiration") or {}
    if former:
        yield Act(Deed.EXPIRES_FORMER, _days(former.get("NoncurrentDays")))
    for transition in rule.get("NoncurrentVersionTransitions", []):
        yield Act(Deed.MOVES_FORMER, _days(transition.get("NoncurrentDays")))


def _when(deed: dict[str, Any]) -> str:
    return f"on {deed['Date']:%Y-%m-%d}" if "Date" in deed else _days(deed.get("Days"))


def _days(days: int | None) -> str:
    if days is None:
        return ""
    return f"after {days} day{'' if days == 1 else 's'}"
