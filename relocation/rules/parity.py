"""Two buckets' configurations side by side: what is the same, what differs, and what that means. Pure.

Guarantees: what could not be seen is `unknown`, never taken for "none". A lifecycle rule that would act on what arrives is a
reason to refuse; a rule elsewhere in the target's bucket is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from relocation.rules.bucket_settings import Act, Aspect, BucketSettings, Deed, LifecycleRule, Setting, State
from relocation.rules.keys import shown
from relocation.rules.summary import Parity

Verdict = Literal["same", "differs", "attention", "refused", "unknown"]
"""`differs` is worth knowing, `attention` asks for somebody's work, `refused` keeps a plan from being made."""
CURRENT = (Deed.EXPIRES, Deed.MOVES, Deed.UNKNOWN)
"""Deeds that touch what was just written."""
MISSING = {
    Aspect.ENCRYPTION: "the source encrypts by default and the target does not: what arrives lies there as its store keeps it",
    Aspect.CORS: "the source answers browsers of other origins and the target will not: pages that load from it break",
    Aspect.NOTIFICATIONS: "who is told of changes at the source is not told of those at the target",
    Aspect.POLICY: "who reads the source by its bucket policy can't read the target",
    Aspect.REPLICATION: "what is written to the source is copied on from there, what arrives at the target is not",
    Aspect.LIFECYCLE: "the source cleans up by rules that the target has not: what they expire there stays here",
}
ADDED = {
    Aspect.ENCRYPTION: "the target encrypts by default, the source does not",
    Aspect.CORS: "the target answers browsers of other origins, the source does not",
    Aspect.NOTIFICATIONS: "the target tells others of every object that arrives: they will hear of the whole migration",
    Aspect.POLICY: "the target has a bucket policy, the source has none: see whom it lets in",
    Aspect.REPLICATION: "what arrives is copied on from the target: see that it stays in the country",
    Aspect.LIFECYCLE: "the target has lifecycle rules, none of them for what arrives",
}
OTHER = {
    Aspect.ENCRYPTION: "both encrypt by default, in another way or with other keys",
    Aspect.CORS: "both answer browsers of other origins, by other rules",
    Aspect.NOTIFICATIONS: "both tell others of changes, not the same ones or not of the same",
    Aspect.POLICY: "the bucket policies are not the same: see that readers of the source can read the target, and nobody else",
    Aspect.REPLICATION: "both copy on what is written, not to the same place: see that what arrives stays in the country",
    Aspect.LIFECYCLE: "both have lifecycle rules, other ones",
}
QUIET_ADDED = (Aspect.ENCRYPTION, Aspect.CORS, Aspect.LIFECYCLE)
"""What a target may have alone without anybody's work."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of both buckets that moves; `all_versions`: former versions and delete markers arrive too."""

    source_prefix: str = ""
    target_prefix: str = ""
    all_versions: bool = False


def compare(source: BucketSettings, target: BucketSettings, part: Slice) -> tuple[Parity, ...]:
    """Return one line for each aspect."""
    lines = []
    for aspect in Aspect:
        verdict, meaning = _verdict(aspect, source, target, part)
        at_source, at_target = _words(aspect, source), _words(aspect, target)
        lines.append(Parity(f"{source.place}", f"{target.place}", str(aspect), at_source, at_target, verdict, meaning))
    return tuple(lines)


def acts_on_arrivals(target: BucketSettings, part: Slice) -> str:
    """Return what a lifecycle rule of the target would do to what arrives, in words; empty: nothing that we know of."""
    return next(_on_arrivals(target, part), "")


def unseen(target: BucketSettings) -> str:
    """Return the standing unknown where nobody could see whether the target's lifecycle would act on what arrives."""
    if target[Aspect.LIFECYCLE].known:
        return ""
    words = target[Aspect.LIFECYCLE].words
    return f"{target.place}: its lifecycle rules could not be seen ({words}): one of them could expire what arrives"


def _on_arrivals(target: BucketSettings, part: Slice) -> Iterator[str]:
    for rule in target.rules:
        for act in rule.acts:
            if rule.reaches(part.target_prefix) and (act.deed in CURRENT or part.all_versions):
                yield f"{target.place}: {_told(rule, act)}"


def _told(rule: LifecycleRule, act: Act) -> str:
    below = f"`{shown(rule.prefix)}`" if rule.prefix else "the whole bucket"
    some = "some of " if rule.narrowed else ""
    when = f" {act.when}" if act.when else ""
    return f"lifecycle rule `{shown(rule.name)}` {act.deed} {some}what lies below {below}{when}"


def _verdict(aspect: Aspect, source: BucketSettings, target: BucketSettings, part: Slice) -> tuple[Verdict, str]:
    if aspect == Aspect.LIFECYCLE and (told := acts_on_arrivals(target, part)):
        return "refused", told
    unseen_at = [each.place for each in (source, target) if not each[aspect].known]
    if unseen_at:
        return "unknown", f"could not be seen at {', '.join(map(str, unseen_at))}"
    if aspect == Aspect.LIFECYCLE and (told := _at_work(source, part)):
        return "attention", told
    if aspect == Aspect.VERSIONING:
        return _versioning(source[aspect], target[aspect])
    if aspect == Aspect.OBJECT_LOCK:
        return _object_lock(source, target)
    return _any(aspect, source[aspect], target[aspect])


def _at_work(source: BucketSettings, part: Slice) -> str:
    """Return what a rule of the source does to what is still to be moved: what it expires is gone before it is copied."""
    for rule in source.rules:
        for act in rule.acts:
            if rule.reaches(part.source_prefix) and (act.deed in (Deed.EXPIRES, Deed.UNKNOWN) or part.all_versions):
                return f"{source.place}: {_told(rule, act)}: what it takes before it was copied does not come home"
    return ""


def _versioning(source: Setting, target: Setting) -> tuple[Verdict, str]:
    if source.words == target.words:
        return "same", ""
    if target.words == "enabled":
        return "differs", "the target keeps former versions, the source does not"
    if source.words == "enabled":
        return "attention", "the target keeps no former versions: what is overwritten or deleted there is gone"
    return "differs", "neither keeps former versions from now on"


def _object_lock(source: BucketSettings, target: BucketSettings) -> tuple[Verdict, str]:
    here, there = source[Aspect.OBJECT_LOCK].state == State.SET, target[Aspect.OBJECT_LOCK].state == State.SET
    if here and not there:
        return "attention", "what a retention or hold keeps at the source can't be kept so at the target"
    if target.default_retention and target.default_retention != source.default_retention:
        return "attention", f"what arrives is held by default ({target.default_retention}): nobody can delete it before that"
    if source.default_retention != target.default_retention:
        return "attention", f"the source holds what is written by default ({source.default_retention}), the target does not"
    return ("same", "") if here == there else ("differs", "the target could hold objects, the source could not")


def _any(aspect: Aspect, source: Setting, target: Setting) -> tuple[Verdict, str]:
    here, there = source.state == State.SET, target.state == State.SET
    if here == there and source.whole == target.whole:
        return "same", ""
    if here and there:
        return "attention", OTHER[aspect]
    if here:
        return "attention", MISSING[aspect]
    return "differs" if aspect in QUIET_ADDED else "attention", ADDED[aspect]


def _words(aspect: Aspect, bucket: BucketSettings) -> str:
    words = bucket[aspect].words
    held = bucket.default_retention if aspect == Aspect.OBJECT_LOCK else ""
    return f"{words}, {held}" if held else words
