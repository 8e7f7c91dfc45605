"""What a run came to, short enough to stand in the ledger beside it: a status can be told while every store is down. Pure.

Guarantees: no key of an object is in it, and its length is bounded, whatever the report holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace

from relocation.rules.keys import shown
from relocation.rules.plan import WRITES
from relocation.rules.records import Action, Outcome
from relocation.rules.summary import Count, Histories, Summary, Unclaimed, Unfinished
from relocation.rules.unfinished import by_endpoint

TO_SEE_TO = (Action.CONFLICT, Action.REFUSE, Action.REMOVE)
NOT_WELL = (Outcome.FAILED, Outcome.DRIFTED, Outcome.GONE, Outcome.CONFLICTED)
HIDDEN = "hidden"
"""At the source, and in no listing of it: found by another enumeration."""
TROUBLE = (*(action.value for action in TO_SEE_TO), *(outcome.value for outcome in NOT_WELL), HIDDEN)
PLACES_MAX = 100
SENTENCES_MAX = 50
CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Brief:
    """What was listed, what of it is verified (in a catch-up, what it kept too), what this run wrote or proved (a dry run: would),
    how many objects need a person.

    `trouble` counts those by what they are (`TROUBLE`), `proofs` the verified ones by proof. `unclaimed` holds the largest places
    that no category claims, percent-encoded, of `unclaimed_places` in all; `unfinished` sums the uploads that nobody
    completed, by side and endpoint: none where nobody looked for them.
    """

    listed: Count
    verified: Count
    copied: Count
    attention: int
    trouble: Mapping[str, Count] = field(default_factory=dict)
    proofs: Mapping[str, int] = field(default_factory=dict)
    unclaimed: tuple[Unclaimed, ...] = ()
    unclaimed_places: int = 0
    unfinished: tuple[Unfinished, ...] = ()
    unknown: tuple[str, ...] = ()
    looked_only_at: str = ""
    """What alone of its wave the run looked at, in words; empty: at all of it."""
    selection: str = ""
    """Hash over the moves and waves that decided which objects these are; empty: an older program's."""
    histories: Histories | None = None
    """Former versions and delete markers, as the report has them; None: an older program's."""

    @property
    def there(self) -> Count:
        """What is known to be at the source: what was listed, and what its listing hides."""
        return self.listed + self.trouble.get(HIDDEN, Count())

    def text(self) -> str:
        """Return it as the ledger holds it."""
        pairs = {"listed": self.listed, "verified": self.verified, "copied": self.copied}
        fields = {
            **{name: [count.objects, count.bytes] for name, count in pairs.items()},
            "attention": self.attention,
            "trouble": {name: [count.objects, count.bytes] for name, count in self.trouble.items()},
            "proofs": dict(self.proofs),
            "unclaimed": [list(astuple(each)) for each in self.unclaimed],
            "unclaimed_places": self.unclaimed_places,
            "unfinished": [list(astuple(each)) for each in self.unfinished],
            "unknown": list(self.unknown),
            "looked_only_at": self.looked_only_at,
            "selection": self.selection,
            "histories": _listed(self.histories) if self.histories else None,
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def brief_of(summary: Summary, selection: str = "") -> Brief:
    """Return the short form of a report. `selection` says by which moves and waves its objects were chosen."""
    acted = {action.value: summary.counts.get(action, Count()) for action in TO_SEE_TO}
    ended = {outcome.value: summary.outcomes.get(outcome, Count()) for outcome in NOT_WELL}
    hidden = {HIDDEN: Count(len(summary.hidden), 0)}
    trouble = {name: count for name, count in (acted | ended | hidden).items() if count.objects}
    largest = sorted(summary.unclaimed, key=lambda place: (-place.bytes, place.place))[:PLACES_MAX]
    return Brief(
        listed=summary.counts.get("listed", Count()),
        verified=summary.outcomes.get(Outcome.VERIFIED, Count()) + summary.kept,
        copied=sum((summary.counts.get(action, Count()) for action in WRITES), Count()),
        attention=sum(count.objects for count in trouble.values()),
        trouble=trouble,
        proofs=_proofs(summary),
        unclaimed=tuple(replace(each, place=shown(each.place)) for each in largest),
        unclaimed_places=len(summary.unclaimed),
        unfinished=tuple(replace(each, doubt=each.doubt[:CHARACTERS_MAX]) for each in by_endpoint(summary.unfinished)),
        unknown=tuple(text[:CHARACTERS_MAX] for text in summary.unknown[:SENTENCES_MAX]),
        looked_only_at=summary.looked_only_at,
        selection=selection,
        histories=replace(summary.histories, uncounted=summary.histories.uncounted[:CHARACTERS_MAX]),
    )


def _listed(histories: Histories) -> list[object]:
    counts = {name: [count.objects, count.bytes] for name, count in histories.counts.items()}
    return [histories.policy, counts, histories.uncounted]


def _read_histories(policy: str, counts: Mapping[str, tuple[int, int]], uncounted: str) -> Histories:
    return Histories(policy, {name: Count(*pair) for name, pair in counts.items()}, uncounted)


def _proofs(summary: Summary) -> dict[str, int]:
    """Return how many of what is verified have each proof: by this run, and in a catch-up what it kept by those before."""
    sums = {
        name: summary.proofs.get(name, 0) + summary.kept_proofs.get(name, 0) for name in (*summary.proofs, *summary.kept_proofs)
    }
    return {name: number for name, number in sums.items() if number}


def read_brief(text: str) -> Brief | None:
    """Return what the ledger holds; None where a run came to nothing yet (or an older program wrote nothing)."""
    if not text:
        return None
    fields = json.loads(text)
    return Brief(
        Count(*fields["listed"]),
        Count(*fields["verified"]),
        Count(*fields.get("copied", (0, 0))),
        fields["attention"],
        trouble={name: Count(*pair) for name, pair in fields.get("trouble", {}).items()},
        proofs=fields.get("proofs", {}),
        unclaimed=tuple(Unclaimed(*each) for each in fields.get("unclaimed", ())),
        unclaimed_places=fields.get("unclaimed_places", 0),
        unfinished=tuple(Unfinished(*each) for each in fields.get("unfinished", ())),
        unknown=tuple(fields.get("unknown", ())),
        looked_only_at=fields.get("looked_only_at", ""),
        selection=fields.get("selection", ""),
        histories=_read_histories(*fields["histories"]) if fields.get("histories") else None,
    )
