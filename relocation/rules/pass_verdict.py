"""What one pass of a catch-up came to, beside what every run comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from relocation.rules.plan import WRITES
from relocation.rules.records import Action, Fact, Removal
from relocation.rules.summary import Count, Named, Pass, Summary


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


def figures(summary: Summary, counts: Mapping[str, Count], brought: Count, refreshed: int) -> Pass:
    """Return the figures of one pass. `counts` are the plan's; `refreshed`: kept objects of which something was brought level."""
    found = sum((counts[action] for action in WRITES), counts[Action.REMOVE])
    return Pass(summary.run_id, found, brought, found_removed(summary, counts), refreshed)


def found_removed(summary: Summary, counts: Mapping[str, Count]) -> Count:
    """Return how much was removed: what the plan had to remove, without what stays."""
    planned, stays = counts[Action.REMOVE], summary.counts[Action.REMOVE]
    return Count(planned.objects - stays.objects, planned.bytes - stays.bytes) if summary.removed else Count()
