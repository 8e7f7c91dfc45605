"""Which country holds what of a category, from what its runs sealed: every figure with its run and its time. Pure.

Guarantees: nothing is added up that no run saw. What is home is what the last run or verification read back, in a catch-up also
what it kept as earlier ones had proved it; what is left is what the newest listing showed beyond that; a wave that nobody listed is
named, never counted as empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from relocation.rules.brief import HIDDEN, Brief, read_brief
from relocation.rules.deadlines import Chance, DayEnd, Forecast
from relocation.rules.history_seen import HistorySeen, history_seen
from relocation.rules.records import Action, RunRecord, RunState
from relocation.rules.summary import Count, Histories, Unclaimed, Unfinished

NONE = Count()
STALE_DAYS = 7
"""A listing that is older does not say what the source holds today."""


@dataclass(frozen=True, slots=True)
class Said:
    """Which run said so, of which kind, and when it ended."""

    run: str
    kind: str
    at: str


@dataclass(frozen=True, slots=True)
class WaveHolds:
    """One wave: what the source showed last, and what of it the last run or verification proved at the target.

    `trouble` is of the newest of them, by action and outcome. `listed_by` None: nobody has listed it; `proved_by` None: nothing
    of it was ever read back. `otherwise`: by other moves or waves than there are now: an object may stand in two waves' figures, or
    in none.
    """

    wave: str
    there: Count = NONE
    left: Count = NONE
    home: Count = NONE
    trouble: Mapping[str, Count] = field(default_factory=dict)
    proofs: Mapping[str, int] = field(default_factory=dict)
    listed_by: Said | None = None
    proved_by: Said | None = None
    unknown: tuple[str, ...] = ()
    unclaimed: tuple[Unclaimed, ...] = ()
    unclaimed_places: int = 0
    otherwise: bool = False
    unfinished: tuple[Unfinished, ...] = ()
    """Uploads that nobody completed, of the whole category, by side and endpoint; none where `listed_by` did not look for them."""
    histories: Histories | None = None
    """Former versions and delete markers of the wave as `listed_by` counted them; None where it did not."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One category: its waves, how it stood day by day, and whether it makes its deadline."""

    category: str
    source_country: str
    target_country: str
    residency: str
    owner: str
    deadline: date
    waves: tuple[WaveHolds, ...]
    days: tuple[DayEnd, ...]
    told: Forecast

    @property
    def there(self) -> Count:
        return sum((each.there for each in self.waves), Count())

    @property
    def home(self) -> Count:
        return sum((each.home for each in self.waves), Count())

    @property
    def left(self) -> Count:
        return sum((each.left for each in self.waves), Count())

    @property
    def history(self) -> HistorySeen:
        """What of its history stays at the source."""
        return _history(self.waves)

    @property
    def proofs(self) -> dict[str, int]:
        """How many objects have each proof, over all waves."""
        sums: dict[str, int] = {}
        for each in self.waves:
            for name, number in each.proofs.items():
                sums[name] = sums.get(name, 0) + number
        return sums

    def trouble(self, *names: str) -> Count:
        """Return how many objects ended, or are to end, as one of these."""
        return sum((each.trouble.get(name, Count()) for each in self.waves for name in names), Count())


def wave_holds(wave: str, runs: Iterable[RunRecord], selection: str = "") -> WaveHolds:
    """Return what the runs of a wave, the newest first, say of it. `selection` is over the moves and waves of now."""
    found = WaveHolds(wave)
    for run in runs:
        brief = read_brief(run.summary) if run.state == RunState.DONE and run.wave == wave else None
        if brief is None or brief.looked_only_at:  # it saw no more of the wave than that
            continue
        said = Said(run.id, run.kind, run.finished_at)
        if found.listed_by is None:
            found = _listed(wave, brief, said)
        found = replace(found, otherwise=found.otherwise or brief.selection not in {"", selection})
        if run.kind != "plan":
            return replace(found, home=brief.verified, proofs=brief.proofs, proved_by=said)
    return found


def _listed(wave: str, brief: Brief, said: Said) -> WaveHolds:
    held = sum((brief.trouble.get(name, NONE) for name in (Action.REFUSE, Action.CONFLICT, HIDDEN)), NONE)
    left = brief.copied + held if said.kind == "plan" else _less(brief.there, brief.verified)
    return WaveHolds(
        wave,
        there=brief.there,
        left=left,
        trouble=brief.trouble,
        listed_by=said,
        unknown=brief.unknown,
        unclaimed=brief.unclaimed,
        unclaimed_places=brief.unclaimed_places,
        unfinished=brief.unfinished,
        histories=brief.histories,
    )


def _history(waves: Iterable[WaveHolds]) -> HistorySeen:
    return history_seen((each.wave, each.histories) for each in waves)


def _less(whole: Count, part: Count) -> Count:
    return Count(max(whole.objects - part.objects, 0), max(whole.bytes - part.bytes, 0))


def as_known(told: Forecast, waves: Sequence[WaveHolds]) -> Forecast:
    """Return what the runs come to, held against what dry runs listed since, and by which moves and waves all of it was."""
    left = sum((each.left for each in waves), NONE)
    told = replace(told, left=left, unseen=tuple(each.wave for each in waves if each.listed_by is None))
    if told.chance in (Chance.LATE, Chance.PASSED):
        return told
    if any(each.otherwise for each in waves):
        return replace(told, chance=Chance.CHANGED, home_by=None, slack_days=None)
    if told.chance is Chance.UNKNOWN and not told.unseen:
        return replace(told, chance=Chance.NO_PACE)
    return _if_home(told, waves) if told.chance is Chance.HOME else told


def _if_home(told: Forecast, waves: Sequence[WaveHolds]) -> Forecast:
    """Return whether what the last runs read back is all that there is: of now, of anything, and of former versions."""
    if told.left.objects:
        return replace(told, chance=Chance.GROWN)
    if not any(each.there.objects for each in waves):
        return replace(told, chance=Chance.NOTHING, home_by=None, slack_days=None)
    history = _history(waves)
    if history.stays or history.uncounted:
        return replace(told, chance=Chance.HISTORY if history.stays else Chance.NOT_COUNTED)
    return told


def by_day(ends: Sequence[DayEnd], today: date, days: int) -> tuple[DayEnd, ...]:
    """Return how the category stood at the end of each of the last days, today included; none before the first run."""
    told: list[DayEnd] = []
    for back in range(days - 1, -1, -1):
        day = today - timedelta(days=back)
        last = next((end for end in reversed(ends) if end.day <= day), None)
        if last is not None:
            told.append(DayEnd(day, last.left, last.home, last.unseen))
    return tuple(told)


def age_days(at: str, now: datetime) -> int:
    """Return how many whole days ago a time was."""
    then = datetime.fromisoformat(at)
    return (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).days
