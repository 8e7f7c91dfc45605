"""What a run came to, short enough to stand in the ledger beside it: a status can be told while every store is down. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from relocation.rules.plan import WRITES
from relocation.rules.records import Action, Outcome
from relocation.rules.summary import Count, Summary

TO_SEE_TO = (Action.CONFLICT, Action.REFUSE, Action.REMOVE)
NOT_WELL = (Outcome.FAILED, Outcome.DRIFTED, Outcome.GONE, Outcome.CONFLICTED)


@dataclass(frozen=True, slots=True)
class Brief:
    """What was listed, what of it is verified, what this run wrote or proved, and how many objects need a person."""

    listed: Count
    verified: Count
    copied: Count
    attention: int

    def text(self) -> str:
        """Return it as the ledger holds it."""
        pairs = {"listed": self.listed, "verified": self.verified, "copied": self.copied}
        counts = {name: [count.objects, count.bytes] for name, count in pairs.items()}
        return json.dumps({**counts, "attention": self.attention}, sort_keys=True, separators=(",", ":"))


def brief_of(summary: Summary) -> Brief:
    """Return the short form of a report."""
    acted = sum(summary.counts.get(action, Count()).objects for action in TO_SEE_TO)
    ended = sum(summary.outcomes.get(outcome, Count()).objects for outcome in NOT_WELL)
    return Brief(
        listed=summary.counts.get("listed", Count()),
        verified=summary.outcomes.get(Outcome.VERIFIED, Count()),
        copied=sum((summary.counts.get(action, Count()) for action in WRITES), Count()),
        attention=acted + ended,
    )


def read_brief(text: str) -> Brief | None:
    """Return what the ledger holds; None where a run came to nothing yet (or an older program wrote nothing)."""
    if not text:
        return None
    fields = json.loads(text)
    return Brief(Count(*fields["listed"]), Count(*fields["verified"]), Count(*fields.get("copied", (0, 0))), fields["attention"])
