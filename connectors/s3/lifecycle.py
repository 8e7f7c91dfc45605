"""A lifecycle document, AWS's or MinIO's → rules that are switched on, with what each does and when.

Refuses to take a rule for harmless because its deed is not known: one without any deed of these, and one with an element that
is none of these, has `Deed.UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from connectors.s3.xml import below, children, fields, local
from relocation.rules.bucket_settings import Act, Deed, LifecycleRule

ABORTS = "AbortIncompleteMultipartUpload"
ABOUT = frozenset({"ID", "Status", "Prefix", "Filter", ABORTS})
DEEDS = frozenset(
    {
        *("Expiration", "Transition", "NoncurrentVersionExpiration", "NoncurrentVersionTransition"),
        *("AllVersionsExpiration", "DelMarkerExpiration"),  # MinIO's own
    }
)


def rules_in(document: Element) -> tuple[LifecycleRule, ...]:
    """Return the rules of one bucket's configuration that are switched on."""
    return tuple(_rule(rule) for rule in children(document, "Rule") if fields(rule).get("Status") == "Enabled")


def _rule(rule: Element) -> LifecycleRule:
    asked = [part for filter_ in children(rule, "Filter") for part in filter_ if local(part.tag) != "And"]
    asked += [part for both in below(rule, "Filter", "And") for part in both]
    prefixes = [part.text or "" for part in asked if local(part.tag) == "Prefix"] or [fields(rule).get("Prefix", "")]
    narrowed = any(local(part.tag) != "Prefix" for part in asked)
    acts = tuple(_acts(rule))
    names = {local(part.tag) for part in rule}
    if names - ABOUT - DEEDS or (not acts and ABORTS not in names):
        acts += (Act(Deed.UNKNOWN),)
    return LifecycleRule(fields(rule).get("ID", ""), prefixes[0], narrowed, acts)


def _acts(rule: Element) -> Iterator[Act]:
    for element in rule:
        name, said = local(element.tag), fields(element)
        if name == "Expiration":
            yield from _expires(said)
        elif name == "Transition":
            yield Act(Deed.MOVES, _when(said))
        elif name == "NoncurrentVersionExpiration":
            yield Act(Deed.EXPIRES_FORMER, _days(said.get("NoncurrentDays")))
        elif name == "NoncurrentVersionTransition":
            yield Act(Deed.MOVES_FORMER, _days(said.get("NoncurrentDays")))
        elif name == "AllVersionsExpiration":
            yield Act(Deed.EXPIRES, _when(said))
            yield Act(Deed.EXPIRES_FORMER, _when(said))
        elif name == "DelMarkerExpiration":
            yield Act(Deed.REMOVES_MARKERS)


def _expires(said: dict[str, str]) -> Iterator[Act]:
    if "Days" in said or "Date" in said:
        yield Act(Deed.EXPIRES, _when(said))
    if said.get("ExpiredObjectAllVersions") == "true":  # MinIO's own
        yield Act(Deed.EXPIRES_FORMER, _when(said))
    if said.get("ExpiredObjectDeleteMarker") == "true":
        yield Act(Deed.REMOVES_MARKERS)


def _when(deed: dict[str, str]) -> str:
    return f"on {deed['Date'].strip()[:10]}" if "Date" in deed else _days(deed.get("Days"))


def _days(days: str | None) -> str:
    if not days:
        return ""
    return f"after {days} day{'' if days == '1' else 's'}"
