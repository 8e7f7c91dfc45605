"""What one pass of a catch-up came to, beside what every run comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from relocation.rules.plan import REMOVES, WRITES
from relocation.rules.records import Action, Fact, Outcome, PlanRow, Removal
from relocation.rules.summary import Count, Named, Pass, Summary
from relocation.rules.verdict import Ending


def split(facts: Iterable[Fact]) -> tuple[list[Fact], list[Fact]]:
    """Return the facts on objects of the plan, and those on removals."""
    rest: list[Fact] = []
    removals: list[Fact] = []
    for fact in facts:
        (removals if fact.stage == REMOVES else rest).append(fact)
    return rest, removals


def with_removals(summary: Summary, removals: Iterable[Fact]) -> Summary:
    """Return the summary with what was removed by name, and under `remove` only what stays, with why."""
    gone: list[Fact] = []
    stays: list[Fact] = []
    for fact in removals:
        (gone if fact.outcome == Removal.REMOVED else stays).append(fact)
    if not gone and not stays:
        return summary
    counts = {**summary.counts, Action.REMOVE.value: Count(len(stays), sum(fact.size for fact in stays))}
    return replace(summary, counts=counts, remove=tuple(map(_named, stays)), removed=tuple(map(_named, gone)))


def _named(fact: Fact) -> Named:
    return Named(fact.target_bucket, fact.target_key, fact.reason, fact.attempts)


def kept_with_word(rows: Iterable[PlanRow], end: Ending) -> Count:
    """Return how many of the kept objects a pass had something to say of."""
    sizes = [row.size for row in rows if row.action == Action.KEEP and end.of(row) is not None]
    return Count(len(sizes), sum(sizes))


def figures(summary: Summary, counts: Mapping[str, Count], end: Ending, rows: Iterable[PlanRow]) -> Pass:
    """Return the figures of one pass. `counts` are the plan's."""
    found = sum((counts[action] for action in WRITES), counts[Action.REMOVE])
    removed = found_removed(summary, counts)
    brought: list[int] = []
    refreshed = 0
    for row in rows:
        fact = end.of(row)
        if fact is None or fact.outcome not in (Outcome.VERIFIED, Outcome.COPIED):
            continue
        if row.action == Action.KEEP:
            refreshed += 1
        else:
            brought.append(row.size)
    return Pass(summary.run_id, found, Count(len(brought), sum(brought)), removed, refreshed)


def found_removed(summary: Summary, counts: Mapping[str, Count]) -> Count:
    """Return how much was removed: what the plan had to remove, without what stays."""
    planned, stays = counts[Action.REMOVE], summary.counts[Action.REMOVE]
    return Count(planned.objects - stays.objects, planned.bytes - stays.bytes) if summary.removed else Count()
