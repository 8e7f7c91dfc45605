"""Decide what to do with every object, by key, never by listing order. Pure: no clock, no network.

Guarantees: each inventoried source object gets exactly one action, each object of ours at the target without a source object
one too; everything else at the target is foreign and left alone. Refuses rather than guesses. What we did not write is never
overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from relocation.rules.records import Action, Fact, Intent, InventoryRow, Outcome, PlanRow, Removal

Route = Literal["source", "target_first", "target"]
REMOVES = "remove"
"""The stage whose facts say what became of a Remove."""
STAGES = ("copy", "verify", REMOVES, "look")
"""The stages that leave facts, in the order in which a run goes through them."""
UNPROVED = "there with the same size, but nothing proves its bytes"
Target = tuple[str, str]
"""(bucket, key) at the target."""


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of the target before looking: standing facts and open intents, by (bucket, key)."""

    facts: Mapping[Target, Fact]
    intents: Mapping[Target, frozenset[str]]
    """ETags that open intents foretold."""
    bodies: Mapping[Target, frozenset[tuple[int, str]]] = field(default_factory=dict)
    """(size, XXH3-128) of what open intents said where no ETag could be foretold."""

    def may_be_ours(self, found: InventoryRow) -> tuple[str, ...]:
        """Return the XXH3-128 of each body of this size that an open intent of ours names: having it, what was found is ours."""
        bodies = self.bodies.get((found.bucket, found.key), ())
        return tuple(sorted(xxh3 for size, xxh3 in bodies if size == found.size))

    def is_ours(self, found: InventoryRow) -> bool:
        """Tell whether we wrote what stands there: a fact or an intent of ours names its ETag."""
        place = (found.bucket, found.key)
        fact = self.facts.get(place)
        return (fact is not None and fact.ours and fact.target_etag == found.etag) or found.etag in self.intents.get(place, ())


def known(facts: Iterable[Fact], intents: Iterable[Intent]) -> Known:
    """Fold facts, in the order in which they were made, and open intents into what stands."""
    standing: dict[Target, Fact] = {}
    fold_in(standing, facts)
    return known_from(standing, intents)


def known_from(standing: Mapping[Target, Fact], intents: Iterable[Intent]) -> Known:
    """Return what stands: folded facts by place, and what open intents foretold."""
    foretold: dict[Target, set[str]] = {}
    intended: dict[Target, set[tuple[int, str]]] = {}
    for intent in intents:
        place = (intent.target_bucket, intent.target_key)
        if intent.expected_etag:
            foretold.setdefault(place, set()).add(intent.expected_etag)
        if intent.xxh3:
            intended.setdefault(place, set()).add((intent.size, intent.xxh3))
    return Known(
        standing,
        {place: frozenset(etags) for place, etags in foretold.items()},
        {place: frozenset(bodies) for place, bodies in intended.items()},
    )


def fold_in(standing: dict[Target, Fact], facts: Iterable[Fact]) -> None:
    """Fold facts, in the order in which they were made, into what stands of each place; one of which nothing stands is left out."""
    for fact in facts:
        place = (fact.target_bucket, fact.target_key)
        folded = fold(standing.get(place), fact)
        if folded is None:
            standing.pop(place, None)
        else:
            standing[place] = folded


def fold(before: Fact | None, fact: Fact) -> Fact | None:
    """Return what stands of a place after one more fact about it; None: nothing yet, or nothing any more."""
    if fact.stage == REMOVES:
        return None if fact.outcome == Removal.REMOVED else before
    if fact.outcome in (Outcome.COPIED, Outcome.VERIFIED):
        if before is not None and before.target_etag == fact.target_etag and before.xxh3 == fact.xxh3:
            proofs = tuple(sorted({*before.proofs, *fact.proofs}))
            return fact._replace(proofs=proofs, ours=before.ours or fact.ours)
        return fact
    if fact.ours and fact.target_etag and (before is None or before.target_etag != fact.target_etag):
        return fact._replace(xxh3="", proofs=())  # we wrote it, and could not say more of it
    if before is not None and fact.stage == "verify" and fact.outcome == Outcome.FAILED:
        return before._replace(xxh3="", proofs=())  # there, and no longer proved: other bytes came back, or none
    return before


def decide(
    source: InventoryRow, target: Target, found: InventoryRow | None, standing: Known, *, route: Route, foretold: str = ""
) -> PlanRow:
    """Pair one source object with the one action that brings the target level with it. `foretold` is the ETag that it will have
    there (empty: it can't be known)."""
    fact = standing.facts.get(target)
    what = (source.move, source.bucket, source.key, *target, source.size, source.etag, source.last_modified, foretold)
    if found is None:
        if fact is not None and route != "source":
            reason = "deleted at the target after cut-over: not copied again"
            return PlanRow(Action.DELETED_AT_TARGET, *what, reason=reason)
        return PlanRow(Action.COPY, *what)
    ours = standing.is_ours(found)
    there = (found.etag, found.size, ours)
    if fact is None or fact.target_etag != found.etag or fact.size != found.size:
        intended = () if ours else standing.may_be_ours(found)
        action, reason = _decide_unknown(source, found, ours=ours, intended=intended)
        return PlanRow(action, *what, *there, "", "", (), reason, "", intended)
    action, reason = _decide_known(source, fact, ours=ours)
    if action == Action.KEEP:
        return PlanRow(action, *what, *there, fact.xxh3, fact.attributes_sha256, fact.proofs, "", fact.sha256)
    return PlanRow(action, *what, *there, "", "", (), reason)


def kept(
    places: Sequence[Target],
    source: Sequence[InventoryRow],
    found: Sequence[InventoryRow],
    facts: Sequence[Fact],
    *,
    foretold: Sequence[str],
) -> list[PlanRow]:
    """Return what `decide` would of each place if it is Keep for every one, and no intent is open; nothing else.

    That is how it is, object after object, when there is nothing to do: one loop takes half the time.
    """
    rows = [
        PlanRow(
            Action.KEEP, line.move, line.bucket, line.key, bucket, key, line.size, line.etag, line.last_modified,
            etag, there.etag, there.size, fact.ours, fact.xxh3, fact.attributes_sha256, fact.proofs, "", fact.sha256,
        )
        for (bucket, key), line, there, fact, etag in zip(places, source, found, facts, foretold, strict=True)
        if fact.target_etag == there.etag
        and fact.size == there.size == line.size
        and fact.source_etag == line.etag
        and fact.source_last_modified == line.last_modified
        and fact.xxh3
    ]  # fmt: skip
    return rows if len(rows) == len(places) else []


def unproved(
    places: Sequence[Target], source: Sequence[InventoryRow], found: Sequence[InventoryRow], *, foretold: Sequence[str]
) -> list[PlanRow]:
    """Return what `decide` would of each place, of none of which a fact or an intent says anything, if it is Prove for every one.

    That is how it is where somebody else filled the target.
    """
    rows = [
        PlanRow(
            Action.PROVE, line.move, line.bucket, line.key, bucket, key, line.size, line.etag, line.last_modified,
            etag, there.etag, there.size, False, "", "", (), UNPROVED,
        )
        for (bucket, key), line, there, etag in zip(places, source, found, foretold, strict=True)
        if there.size == line.size
    ]  # fmt: skip
    return rows if len(rows) == len(places) else []


def _decide_unknown(source: InventoryRow, found: InventoryRow, *, ours: bool, intended: tuple[str, ...]) -> tuple[Action, str]:
    if intended:
        return Action.PROVE, "there, from an unfinished write of ours or by others"
    if found.size == source.size:
        return Action.PROVE, UNPROVED
    if ours:
        return Action.REPLACE, "ours from an unfinished write, with another size"
    return Action.CONFLICT, f"the target holds another object of {found.size} bytes that is not ours"


def _decide_known(source: InventoryRow, fact: Fact, *, ours: bool) -> tuple[Action, str]:
    same_source = fact.source_etag == source.etag and fact.size == source.size
    if same_source and not fact.xxh3:
        return Action.PROVE, "its last verification failed"
    if same_source and fact.source_last_modified == source.last_modified:
        return Action.KEEP, ""
    if same_source and not ours:
        return Action.PROVE, "the source was written anew, with the same ETag"
    if not ours:
        return Action.CONFLICT, "the source changed, and what the target holds is not ours to replace"
    return Action.REPLACE, "the source changed since it was copied"


def left_over(found: InventoryRow, standing: Known, *, route: Route, erased: bool) -> PlanRow | None:
    """Decide on a target object that no source object maps to: Remove where it is ours and may go, else None (foreign)."""
    fact = standing.facts.get((found.bucket, found.key))
    if route != "source" or erased or not standing.is_ours(found):
        return None
    return PlanRow(
        action=Action.REMOVE,
        move=found.move,
        source_bucket=fact.source_bucket if fact else "",
        source_key=fact.source_key if fact else "",
        target_bucket=found.bucket,
        target_key=found.key,
        size=found.size,
        source_etag=fact.source_etag if fact else "",
        source_last_modified=fact.source_last_modified if fact else "",
        found_etag=found.etag,
        found_size=found.size,
        ours=True,
        reason="ours, and gone at the source since",
        found_version_id=fact.target_version_id if fact and fact.target_etag == found.etag else "",
    )


WRITES = (Action.COPY, Action.REPLACE, Action.PROVE)
"""Actions whose objects the copy stage works on (Prove reads, and writes only where ours is wrong)."""

SOURCE_TERMS = (Action.COPY, Action.KEEP, Action.PROVE, Action.REPLACE, Action.CONFLICT, Action.REFUSE, Action.DELETED_AT_TARGET)
"""The terms of the source equation: listed = their sum."""
