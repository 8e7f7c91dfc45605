"""A run added up part by part: each part is counted by the rules of `verdict`, and only the sums and the names stay. Pure.

Guarantees: the same figures however a run is cut into parts, as long as all facts about a row are in the row's part, and all
versions of a key in one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from relocation.rules import digests
from relocation.rules.histogram import AgeHistogram, SizeHistogram
from relocation.rules.plan import Known
from relocation.rules.records import Action, Fact, InventoryRow, Outcome, PlanRow, Proof
from relocation.rules.summary import LOST_NAMED_MAX, Count, Equation, Named
from relocation.rules.verdict import (
    Ending,
    TargetSide,
    all_listed,
    counts,
    ending,
    named,
    named_outcomes,
    named_row,
    outcomes,
    proofs,
    target_side,
)
from relocation.rules.version_verdict import all_versions_listed, histories, target_side_of_versions
from relocation.rules.versions import VersionFacts, is_marker

WRITTEN = (Action.COPY, Action.REPLACE)
OnLost = Callable[[Sequence[Named]], None]
NOTHING_KNOWN = Known({}, {})
AS_IT_STANDS = "kept as it stands: the target does not show all that goes along with it"
"""The reason in a fact about an object that was looked at, and not brought level."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a plan with every fact of the run about them, in the order of its stages; or some of what is left over, with
    what became of it (`removals`).

    `listed` is what the target's listing shows of their places afterwards (None: it was not listed), `standing` what all facts of
    the category say of what is listed; `standing_versions` takes its place where every version has a row.
    """

    rows: Sequence[PlanRow] = ()
    left_over: Sequence[PlanRow] = ()
    facts: Sequence[Fact] = ()
    removals: Sequence[Fact] = ()
    listed: Sequence[InventoryRow] | None = None
    standing: Known = NOTHING_KNOWN
    standing_versions: VersionFacts = field(default_factory=dict)


class Tally:
    """The sums over all parts so far. `on_lost` is told, part by part, which objects lost something."""

    def __init__(self, *, by_version: bool, on_lost: OnLost | None = None) -> None:
        self._by_version = by_version
        self._on_lost = on_lost
        self.sizes, self.ages = SizeHistogram(), AgeHistogram()
        self.actions: dict[str, Count] = {}
        self.outcomes = outcomes((), Ending({}))
        self.proofs = proofs((), Ending({}))
        self.losses: dict[str, int] = {}
        self.lost: list[Named] = []
        self.lost_objects = 0
        self.written: dict[int, int] = {}
        """Objects to be written, by the index of their move."""
        self.named: dict[Action, list[Named]] = {}
        self.ended: dict[Outcome, list[Named]] = {}
        self.mismatched: list[Named] = []
        self.foreign: list[Named] = []
        self.target: dict[str, Count] = {}
        """The terms of the target's equation, and its total as `listed`; empty: the target was not listed."""
        self.histories: dict[str, Count] = {}
        """Where every version has a row: latest and former versions and delete markers, and how many of each are verified."""
        self.removals: list[Fact] = []
        self.brought = self.kept_said = self.kept = Count()
        """What was written and holds; what is kept and has a fact of this run; what is kept, has none, and stands proved."""
        self.kept_proofs: dict[str, int] = {}
        self.refreshed = 0
        """How many of those that are kept were brought level."""
        self.moved_bytes = self.uploads = self.extra_parts = 0

    def add(self, part: Part) -> None:
        """Count one part."""
        self.removals += part.removals
        end = ending(part.facts, by_version=self._by_version)
        self._add_plan(part)
        if part.listed is not None:
            end, side = self._held_against(part.listed, part, end)
            _merge(self.target, {"listed": side.equation.total, **dict(side.equation.terms)})
            self.foreign += side.foreign
        self._add_ending(part, end)
        if self._by_version:
            _merge(self.histories, histories(part.rows, end))

    def _held_against(self, listed: Sequence[InventoryRow], part: Part, end: Ending) -> tuple[Ending, TargetSide]:
        if self._by_version:
            end = all_versions_listed(part.rows, end, listed)
            return end, target_side_of_versions(listed, part.rows, end, part.standing_versions)
        end = all_listed(part.rows, end, listed)
        return end, target_side(listed, part.rows, end, part.standing)

    def _add_plan(self, part: Part) -> None:
        sums = counts((*part.rows, *part.left_over), Count())
        _merge(self.actions, {action: sums[action] for action in Action})
        self.sizes.add_all([row.size for row in part.rows])
        self.ages.add_all([(row.source_last_modified, row.size) for row in part.rows])
        if any(sums[action].objects for action in WRITTEN):
            for row in part.rows:
                if row.action in WRITTEN:
                    self._add_written(row)
        for action in (Action.REFUSE, Action.CONFLICT, Action.DELETED_AT_TARGET):
            if sums[action].objects:
                self.named.setdefault(action, []).extend(named(part.rows, action))
        self.named.setdefault(Action.REMOVE, []).extend(named(part.left_over, Action.REMOVE))

    def _add_written(self, row: PlanRow) -> None:
        self.written[row.move] = self.written.get(row.move, 0) + 1
        if "-" in row.source_etag and (in_parts := digests.parts_in(row.source_etag)):
            self.uploads += 1
            self.extra_parts += in_parts - 1

    def _add_ending(self, part: Part, end: Ending) -> None:
        self._add_kept(part, end)
        if not end.facts:  # nothing has ended
            return
        found = outcomes(part.rows, end)
        _merge(self.outcomes, found)
        for proof, number in proofs(part.rows, end).items():
            self.proofs[proof] += number
        for outcome in (Outcome.CONFLICTED, Outcome.DRIFTED, Outcome.GONE):
            if found[outcome].objects:
                self.ended.setdefault(outcome, []).extend(named_outcomes(part.rows, end, outcome))
        if found[Outcome.FAILED].objects:
            self.mismatched += named_outcomes(part.rows, end, Outcome.FAILED, mismatch=True)
            self.ended.setdefault(Outcome.FAILED, []).extend(named_outcomes(part.rows, end, Outcome.FAILED, mismatch=False))
        lost = []
        for row in part.rows:
            if (fact := end.of(row)) is not None:
                self._add_fact(row, fact)
                if fact.losses:
                    lost.append(named_row(row, "; ".join(fact.losses)))
        self._add_lost(lost)
        self.moved_bytes += sum(fact.size for fact in part.facts if fact.outcome in (Outcome.COPIED, Outcome.VERIFIED))

    def _add_lost(self, lost: Sequence[Named]) -> None:
        self.lost += lost[: LOST_NAMED_MAX - len(self.lost)]
        self.lost_objects += len(lost)
        if self._on_lost is not None:
            self._on_lost(lost)

    def _add_fact(self, row: PlanRow, fact: Fact) -> None:
        for loss in fact.losses:
            self.losses[loss] = self.losses.get(loss, 0) + 1
        holds = fact.outcome in (Outcome.VERIFIED, Outcome.COPIED)
        if row.action == Action.KEEP:
            self.kept_said += Count(1, row.size)
            self.refreshed += holds and fact.reason != AS_IT_STANDS
        elif holds:
            self.brought += Count(1, row.size)

    def _add_kept(self, part: Part, end: Ending) -> None:
        """Count what earlier runs proved and this one did not read. What was never read back is not home; a marker has no bytes."""
        if part.listed is None:
            return
        shown = {(row.bucket, row.key, row.etag) for row in part.listed}
        kept = [
            row
            for row in part.rows
            if row.action == Action.KEEP
            and end.of(row) is None
            and (row.target_bucket, row.target_key, row.found_etag) in shown
            and (Proof.READ_BACK in row.proofs or is_marker(row))
        ]
        self.kept += Count(len(kept), sum(row.size for row in kept))
        for each, number in Counter(row.proofs for row in kept).items():
            for proof in each:
                self.kept_proofs[proof] = self.kept_proofs.get(proof, 0) + number

    def counts(self, listed: Count) -> dict[str, Count]:
        """Return the counts by action, beside what the source's listing showed."""
        return {"listed": listed, **{action.value: self.actions.get(action, Count()) for action in Action}}

    def target_equation(self) -> Equation | None:
        """Return: listed afterwards = ours + foreign; None where the target was not listed."""
        if not self.target:
            return None
        return Equation("target", self.target["listed"], tuple((name, self.target[name]) for name in ("ours", "foreign")))

    def of(self, action: Action) -> tuple[Named, ...]:
        """Return the rows of an action that is named one by one, with their reasons."""
        return tuple(self.named.get(action, ()))

    def that(self, outcome: Outcome) -> tuple[Named, ...]:
        """Return the rows that ended so, with their reasons; of failed ones those whose bytes did not come back different."""
        return tuple(self.ended.get(outcome, ()))


def _merge(sums: dict[str, Count], more: Mapping[str, Count]) -> None:
    for name, count in more.items():
        sums[name] = sums[name] + count if name in sums else count
