"""Several waves' reports as one of their category. Pure.

Guarantees: counts are summed, lists joined in the waves' order, the seal is the Merkle root over the waves' roots. An equation that
does not hold in one wave still stands there alone: it is never summed away against another's. Refuses reports that do not
belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from relocation.rules.errors import StateMismatch
from relocation.rules.evidence import merkle_root
from relocation.rules.histogram import AgeHistogram, SizeHistogram
from relocation.rules.summary import (
    LOST_NAMED_MAX,
    UNMATCHED_NAMED_MAX,
    Bin,
    Compared,
    Count,
    Equation,
    Estimate,
    Histories,
    Named,
    Parity,
    ProbeAge,
    SinceLast,
    Summary,
    Unclaimed,
)


def merged(waves: Sequence[Summary]) -> Summary:
    """Return the category's summary over its waves, `wave` None. `StateMismatch` if they are none, or of different moves."""
    _require_together(waves)
    last = waves[-1]
    seconds = sum(wave.seconds for wave in waves)
    return replace(
        last,
        wave=None,
        run_id=_run_id([wave.run_id for wave in waves]),
        plan_sha256=_root(wave.plan_sha256 for wave in waves),
        counts=_summed(wave.counts for wave in waves),
        outcomes=_summed(wave.outcomes for wave in waves),
        proofs=_added(wave.proofs for wave in waves),
        losses=_added(wave.losses for wave in waves),
        lost=_joined(wave.lost for wave in waves)[:LOST_NAMED_MAX],
        lost_objects=sum(wave.lost_objects for wave in waves),
        declared=_added(wave.declared for wave in waves),
        mismatched=_joined(wave.mismatched for wave in waves),
        failed=_joined(wave.failed for wave in waves),
        refused=_joined(wave.refused for wave in waves),
        conflicts=_joined(wave.conflicts for wave in waves),
        drifted=_joined(wave.drifted for wave in waves),
        gone=_joined(wave.gone for wave in waves),
        remove=_joined(wave.remove for wave in waves),
        removed=_joined(wave.removed for wave in waves),
        kept=sum((wave.kept for wave in waves), Count()),
        kept_proofs=_added(wave.kept_proofs for wave in waves),
        passes=tuple(each for wave in waves for each in wave.passes),
        passes_end="; ".join(dict.fromkeys(wave.passes_end for wave in waves if wave.passes_end)),
        deleted_at_target=_joined(wave.deleted_at_target for wave in waves),
        foreign=_joined(wave.foreign for wave in waves),
        hidden=_joined(wave.hidden for wave in waves),
        second_listing=_compared(each for wave in waves for each in wave.second_listing),
        not_found=_not_found(waves),
        unmatched=_joined(wave.unmatched for wave in waves)[:UNMATCHED_NAMED_MAX],
        unmatched_keys=sum(wave.unmatched_keys for wave in waves),
        unclaimed=_unclaimed(place for wave in waves for place in wave.unclaimed),
        unfinished=tuple({(each.side, each.place): each for wave in waves for each in wave.unfinished}.values()),
        unknown=tuple(dict.fromkeys(text for wave in waves for text in wave.unknown)),
        histories=_histories([wave.histories for wave in waves]),
        equations=_equations(waves),
        sizes=_bars(SizeHistogram(), (wave.sizes for wave in waves)),
        ages=_bars(AgeHistogram(), (wave.ages for wave in waves)),
        since_last=_since_last([wave.since_last for wave in waves]),
        estimate=_estimate([wave.estimate for wave in waves]),
        probes=_probes(probe for wave in waves for probe in wave.probes),
        probe_changes=tuple(dict.fromkeys(change for wave in waves for change in wave.probe_changes)),
        parity=_parity(line for wave in waves for line in wave.parity),
        moves=tuple(dict.fromkeys(move for wave in waves for move in wave.moves)),
        started_at=min((wave.started_at for wave in waves if wave.started_at), default=""),
        finished_at=max(wave.finished_at for wave in waves) if all(wave.finished_at for wave in waves) else "",
        seconds=seconds,
        bytes_per_second=sum(wave.bytes_per_second * wave.seconds for wave in waves) / seconds if seconds > 0 else 0.0,
        report="",
    )


def _require_together(waves: Sequence[Summary]) -> None:
    if not waves:
        raise StateMismatch("no wave was reported, so there is nothing to roll up; run at least one wave of the category")
    kinds = {(wave.migration, wave.category, wave.kind, wave.config_sha256) for wave in waves}
    if len(kinds) > 1:
        named = "; ".join(f"{wave.category}/{wave.wave} ({wave.kind}, configuration {wave.config_sha256[:12]})" for wave in waves)
        raise StateMismatch(f"these reports do not belong together: {named}; run all waves of one category with one configuration")


def _run_id(ids: Sequence[str]) -> str:
    """Return the first run's id, and how many more there were: it names a folder, so it stays short and plain."""
    others = len(set(ids)) - 1
    return f"{ids[0]}-and-{others}-more" if others else ids[0]


def _root(roots: Iterable[str]) -> str:
    """Return the root over the waves' roots; empty while one of them has no sealed plan."""
    sealed = list(roots)
    return merkle_root(sealed) if all(sealed) else ""


def _summed(parts: Iterable[Mapping[str, Count]]) -> dict[str, Count]:
    total: dict[str, Count] = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, Count()) + count
    return total


def _added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total


def _histories(parts: Sequence[Histories]) -> Histories:
    why = "; ".join(dict.fromkeys(part.uncounted for part in parts if part.uncounted))
    return Histories(parts[0].policy, _summed(part.counts for part in parts), why)


def _joined(parts: Iterable[tuple[Named, ...]]) -> tuple[Named, ...]:
    """Return the waves' lists as one. The same line from two waves (a foreign object under a shared prefix) stands once."""
    return tuple(dict.fromkeys(named for part in parts for named in part))


def _not_found(waves: Sequence[Summary]) -> tuple[Named, ...]:
    """Return the listed keys that no wave found."""
    found = {named.key for wave in waves for named in wave.refused}
    return tuple(named for named in _joined(wave.not_found for wave in waves) if named.key not in found)


def _compared(parts: Iterable[Compared]) -> tuple[Compared, ...]:
    sums: dict[tuple[str, str, str, str], Compared] = {}
    for part in parts:
        place = (part.endpoint, part.bucket, part.prefix, part.way)
        sums[place] = sums[place] + part if place in sums else part
    return tuple(sums.values())


def _equations(waves: Sequence[Summary]) -> tuple[Equation, ...]:
    sums: dict[str, Equation] = {}
    broken: list[Equation] = []
    for wave in waves:
        for equation in wave.equations:
            if not equation.holds:
                broken.append(replace(equation, name=f"{equation.name} · {wave.wave}"))
            before = sums.get(equation.name)
            sums[equation.name] = equation if before is None else _sum_of(before, equation)
    return (*sums.values(), *broken)


def _sum_of(one: Equation, other: Equation) -> Equation:
    terms = _summed({name: count} for name, count in (*one.terms, *other.terms))
    return Equation(one.name, one.total + other.total, tuple(terms.items()))


def _unclaimed(places: Iterable[Unclaimed]) -> tuple[Unclaimed, ...]:
    """Return each place once, as the last wave saw it: what no category claims is the same for all waves."""
    return tuple({place.place: place for place in places}.values())


def _probes(probes: Iterable[ProbeAge]) -> tuple[ProbeAge, ...]:
    newest: dict[str, ProbeAge] = {}
    for probe in probes:
        if probe.place not in newest or probe.at >= newest[probe.place].at:
            newest[probe.place] = probe
    return tuple(newest.values())


def _bars(histogram: SizeHistogram | AgeHistogram, parts: Iterable[tuple[Bin, ...]]) -> tuple[Bin, ...]:
    for part in parts:
        histogram.add_bars(part)
    return histogram.bars()


def _parity(lines: Iterable[Parity]) -> tuple[Parity, ...]:
    """Return each aspect of each pair of buckets once, as the last wave saw it; what differs by prefix stands for itself."""
    return tuple({(line.source, line.target, line.aspect, line.verdict): line for line in lines}.values())


def _since_last(parts: Sequence[SinceLast | None]) -> SinceLast | None:
    """Return the sum since the oldest of the plans; none where a wave had none before."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return SinceLast(
        run=_run_id([part.run for part in known]),
        at=min(part.at for part in known),
        new=sum(part.new for part in known),
        changed=sum(part.changed for part in known),
        gone=sum(part.gone for part in known),
        why="; ".join(dict.fromkeys(part.why for part in known if part.why)),
    )


def _estimate(parts: Sequence[Estimate | None]) -> Estimate | None:
    """Return the sum; none where a wave has none, and no money where a wave has none, or another currency."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    money = [part.money for part in known if part.money is not None]
    one_currency = len({part.currency for part in known}) == 1
    return Estimate(
        seconds=sum(part.seconds for part in known),
        requests=sum(part.requests for part in known),
        money=sum(money) if len(money) == len(known) and one_currency else None,
        currency=known[0].currency if one_currency else "",
        basis="; ".join(dict.fromkeys(part.basis for part in known)),
    )
