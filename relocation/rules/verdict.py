"""What a run came to: counts by action, outcomes, proofs, both equations, everything that needs a person's eye. Pure.

Guarantees: every figure is exact in objects and bytes; unknown is never counted as verified; an object is in one outcome only, and
a mismatch is a failure that is listed as `mismatched` alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from relocation.rules.plan import SOURCE_TERMS, Known, Target
from relocation.rules.records import Action, Fact, InventoryRow, Outcome, PlanRow, Proof
from relocation.rules.summary import Count, Equation, Named

WORKED = (Action.COPY, Action.REPLACE, Action.PROVE, Action.KEEP)
"""Actions whose objects end with an outcome, once verified."""

OUTCOMES = (Outcome.VERIFIED, Outcome.FAILED, Outcome.DRIFTED, Outcome.GONE, Outcome.CONFLICTED)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the rows of a plan ended: the last fact of each, by target and, where every version has a row, by source version."""

    facts: Mapping[tuple[str, ...], Fact]
    by_version: bool = False

    def of(self, row: PlanRow) -> Fact | None:
        """Return the last fact about a row, None where it was not reached."""
        place = (row.target_bucket, row.target_key)
        return self.facts.get((*place, row.source_version_id) if self.by_version else place)


def ending(facts: Iterable[Fact], *, by_version: bool = False) -> Ending:
    """Fold the facts of one run, in the order of its stages: a verification adds to a copy's proofs and has the last word."""
    last: dict[tuple[str, ...], Fact] = {}
    for fact in facts:
        place = (fact.target_bucket, fact.target_key)
        last[(*place, fact.source_version_id) if by_version else place] = fact
    return Ending(last, by_version)


def counts(rows: Iterable[PlanRow], listed: Count) -> dict[str, Count]:
    """Count rows by action, bytes by the source's size, beside what the source's listing showed."""
    sizes: dict[str, list[int]] = {action.value: [] for action in Action}
    for row in rows:
        sizes[row.action].append(row.size)
    return {"listed": listed, **{action: _counted(each) for action, each in sizes.items()}}


def outcomes(rows: Iterable[PlanRow], end: Ending) -> dict[str, Count]:
    """Count how the worked rows ended; `copied` is there only where something was written and not yet read back."""
    sizes: dict[str, list[int]] = {outcome.value: [] for outcome in OUTCOMES}
    for row in rows:
        fact = end.of(row) if row.action in WORKED else None
        if fact is not None:
            sizes.setdefault(fact.outcome, []).append(row.size)
    return {outcome: _counted(each) for outcome, each in sizes.items()}


def _counted(sizes: Collection[int]) -> Count:
    return Count(len(sizes), sum(sizes))


def proofs(rows: Iterable[PlanRow], end: Ending) -> dict[str, int]:
    """Count each proof over the rows that hold; not exclusive. A failed object's proofs count for nothing."""
    sums: dict[str, int] = {proof.value: 0 for proof in Proof}
    for row in rows:
        fact = end.of(row) if row.action in WORKED else None
        if fact is not None and fact.outcome in (Outcome.VERIFIED, Outcome.COPIED):
            for proof in fact.proofs:
                sums[proof] += 1
    return sums


def source_equation(counted: Mapping[str, Count]) -> Equation:
    """Return: listed = Copy + Keep + Prove + Replace + Conflict + Refuse + DeletedAtTarget."""
    return Equation("source", counted["listed"], tuple((action.value, counted[action.value]) for action in SOURCE_TERMS))


def outcome_equation(counted: Mapping[str, Count], ended: Mapping[str, Count], *, kept: Count | None = None) -> Equation:
    """Return: each Copy, Replace, Prove and Keep ends as one of verified, failed, drifted, gone, conflicted.

    A catch-up reads nothing back that it keeps: `kept` is then what it had something to say of.
    """
    counted = counted if kept is None else {**counted, Action.KEEP.value: kept}
    worked = sum((counted[action.value] for action in WORKED), Count())
    return Equation("outcomes", worked, tuple((outcome.value, ended[outcome.value]) for outcome in OUTCOMES))


def all_listed(rows: Iterable[PlanRow], end: Ending, listed: Iterable[InventoryRow]) -> Ending:
    """Take back the word `verified` from what the target's listing does not show, or shows with another ETag (listing parity)."""
    etags = {(row.bucket, row.key): row.etag for row in listed}
    facts = dict(end.facts)
    for row in rows:
        target = (row.target_bucket, row.target_key)
        fact = facts.get(target)
        if fact is not None and fact.outcome == Outcome.VERIFIED and etags.get(target) != fact.target_etag:
            shows = "shows another object there" if target in etags else "does not show it"
            facts[target] = fact._replace(outcome=Outcome.FAILED, reason=f"read back well, but the target's listing {shows}")
    return Ending(facts)


@dataclass(frozen=True, slots=True)
class TargetSide:
    """The target as listed afterwards: what is ours or proved, and what is foreign, by name."""

    equation: Equation
    foreign: tuple[Named, ...]


def stands_proved(row: PlanRow, end: Ending) -> bool:
    """Tell whether an object is kept as an earlier run read it back, whoever wrote it, and this run has nothing to say of it."""
    return row.action == Action.KEEP and Proof.READ_BACK in row.proofs and end.of(row) is None


def target_side(listed: Sequence[InventoryRow], rows: Sequence[PlanRow], end: Ending, standing: Known) -> TargetSide:
    """Hold the target's listing against the facts: listed afterwards = ours (or proved) + foreign.

    What is ours is counted from the facts of what was verified, and only else by what the listing shows.
    """
    proved = {(row.target_bucket, row.target_key, row.found_etag) for row in rows if stands_proved(row, end)}
    verified: dict[Target, Fact] = {}
    for row in rows:
        fact = end.of(row)
        if fact is not None and fact.outcome == Outcome.VERIFIED:
            verified[(row.target_bucket, row.target_key)] = fact
    others = [found for found in listed if (found.bucket, found.key) not in verified]
    known = [standing.is_ours(found) or (found.bucket, found.key, found.etag) in proved for found in others]
    foreign = [found for found, its in zip(others, known, strict=True) if not its]
    ours = [fact.size for fact in verified.values()] + [found.size for found, its in zip(others, known, strict=True) if its]
    total = _counted([found.size for found in listed])
    terms = (("ours", _counted(ours)), ("foreign", _counted([found.size for found in foreign])))
    named = (Named(each.bucket, each.key, f"{each.size} bytes, ETag {each.etag}, {each.last_modified}") for each in foreign)
    return TargetSide(Equation("target", total, terms), tuple(named))


def named(rows: Iterable[PlanRow], action: Action) -> tuple[Named, ...]:
    """Return the rows of one action with their reasons."""
    return tuple(
        named_row(row, row.reason) if row.source_key else Named(row.target_bucket, row.target_key, row.reason)
        for row in rows
        if row.action == action
    )


def named_outcomes(rows: Iterable[PlanRow], end: Ending, outcome: Outcome, *, mismatch: bool | None = None) -> tuple[Named, ...]:
    """Return the rows that ended so, with reason and attempts; `mismatch`: only those whose bytes came back different, or not."""
    found = []
    for row in rows:
        fact = end.of(row) if row.action in WORKED else None
        if fact is None or fact.outcome != outcome or (mismatch is not None and fact.mismatch != mismatch):
            continue
        found.append(named_row(row, fact.reason, fact.attempts))
    return tuple(found)


def named_row(row: PlanRow, reason: str, attempts: int = 0) -> Named:
    """Return one row as people see it: where, which version, why."""
    if row.source_version_id:
        reason = f"{'version' if row.source_etag else 'delete marker'} {row.source_version_id}: {reason}"
    source, target = (row.source_bucket, row.source_key), (row.target_bucket, row.target_key)
    return Named(*source, reason, attempts, *(target if target != source else ("", "")))
