"""What must hold when a soak is over, each looked at past every proxy: by boto3's listings, and in the vault."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relocation.transfer.prove import WRITTEN_ANEW
from tests.faults.soaking.processes import Went
from tests.faults.soaking.report import MIB, Row, Sample
from tests.faults.stack import CATEGORY, WRITTEN, Case

if TYPE_CHECKING:
    from tests.faults.soaking.siege import Field, Siege

REPEATED_MAX = 0.01
GROWTH_MAX = 1.25
WARM = 10
"""Seconds of a run in which memory still comes up to what it needs."""


@dataclass(frozen=True, slots=True)
class Soaked:
    """What was found when all was calm again."""

    siege: Siege
    seconds: float
    runs: int
    struck: list[tuple[float, str]]
    samples: list[Sample]
    went: dict[str, Went]
    ended: dict[str, object]
    stops: list[str]
    orders: int
    deleted: set[str]
    korea: dict[str, tuple[int, str]]
    japan: dict[str, tuple[int, str]]
    repeated: set[str]
    wrong: set[str]
    uploads: list[str]
    facts: dict[str, tuple[int, str]]
    written_twice: list[str]


async def look(case: Case, ground: Field, went: dict[str, Went], ended: dict[str, object]) -> Soaked:
    """Gather what there is, once nothing of the migration runs any more."""
    etags: dict[str, list[str]] = {}
    for page in case.japan.get_paginator("list_object_versions").paginate(Bucket=case.bucket):
        for each in page.get("Versions", ()):
            etags.setdefault(each["Key"], []).append(each["ETag"])
    facts, twice, wrong = await _facts(case)
    return Soaked(
        siege=ground.siege,
        seconds=ground.now_s,
        runs=ground.runs,
        struck=ground.struck,
        samples=ground.samples,
        went=went,
        ended=ended,
        stops=ground.stops,
        orders=ground.orders,
        deleted=ground.deleted,
        korea=case.listed("korea"),
        japan=case.listed("japan"),
        repeated={key for key, found in etags.items() if len(set(found)) < len(found)},
        wrong=wrong,
        uploads=case.uploads(),
        facts=facts,
        written_twice=twice,
    )


async def _facts(case: Case) -> tuple[dict[str, tuple[int, str]], list[str], set[str]]:
    """Return what the vault's facts say stands at the target, the last word of each key; the keys recorded twice as written from
    the same version; and those of which a fact says that they could not be read, or read wrong, or were written anew for it."""
    standing: dict[str, tuple[int, str]] = {}
    versions: Counter[tuple[str, str]] = Counter()
    wrong: set[str] = set()
    async with case.context() as context:
        runs = [run.id for run in reversed(await context.ledger.list_runs(category=CATEGORY, limit=10_000))]
    for run_id in runs:
        for fact in await case.sealed(run_id):
            if fact.outcome in WRITTEN:
                standing[fact.target_key] = (fact.size, fact.target_etag)
                versions[(fact.target_key, fact.source_etag)] += 1
            if fact.outcome == "failed" or fact.reason.startswith(WRITTEN_ANEW):
                wrong.add(fact.target_key)
    return standing, [key for (key, _), count in versions.items() if count > 1], wrong


def rows_of(soaked: Soaked, *, rss_bytes_max: int) -> list[Row]:
    """Return what must hold, and whether it does."""
    total = sum(size for size, _ in soaked.korea.values())
    extra = set(soaked.japan) - set(soaked.korea)
    common = {key: found for key, found in soaked.japan.items() if key not in extra}
    blows = Counter(victim for _, victim in soaked.struck)
    faults = sum((went.faults for went in soaked.went.values()), Counter[str]())
    left = {name: count for name, count in soaked.ended.items() if name in _LEFT and count}
    rows = [
        Row("blows fell as planned", sum(blows.values()) == soaked.siege.kills + soaked.siege.pauses, _told(blows)),
        Row(
            "nothing is lost: both sides list the same", common == soaked.korea, f"{len(common):,} objects, {total / MIB:,.0f} MiB"
        ),
        Row(
            "nothing is extra but what was deleted at the source",
            extra <= soaked.deleted,
            f"{len(extra)} extra {sorted(extra - soaked.deleted)[:2] or ''}",
        ),
        _doubled_row(soaked),
        Row("the last run leaves nothing", bool(soaked.ended) and not left, str(left or "nothing left")),
        Row("both equations hold", soaked.ended.get("equations") is True, f"run {soaked.ended.get('run_id')}"),
        Row("no upload is left behind", not soaked.uploads, f"{len(soaked.uploads)} left {soaked.uploads[:2] or ''}"),
        _facts_row(soaked),
        _memory_row(soaked, rss_bytes_max),
    ]
    if soaked.siege.breaks:
        requests = sum(went.requests for went in soaked.went.values())
        rows.append(Row("the wire was broken all the while", sum(faults.values()) > 0, f"{_told(faults)}; {requests:,} requests"))
        rows.append(Row("the pace was changed meanwhile", soaked.orders > 0, f"{soaked.orders} orders"))
        rows.append(_flat_row(soaked))
    else:
        rows += _repeated_rows(soaked, total)
    return rows


_LEFT = frozenset({"failed", "mismatched", "conflicts", "drifted", "gone", "refused", "foreign"})


def _doubled_row(soaked: Soaked) -> Row:
    """Look for the same bytes among the versions of one key. An object that read wrong through a broken wire is rightly written
    anew, and no reader can tell the wire from the disk: the facts must say that it was so."""
    healed = f", {len(soaked.repeated)} anew after they read wrong" if soaked.repeated else ""
    unexplained = sorted(soaked.repeated - soaked.wrong)
    return Row(
        "nothing is doubled: no version was written twice",
        not unexplained,
        f"{len(unexplained)} twice{healed} {unexplained[:2] or ''}",
    )


def _facts_row(soaked: Soaked) -> Row:
    """Compare the facts with the target's listing, of every key that is still at the source. What was deleted there may have
    been so between a copy that failed and the run that would have healed it."""
    there = {key: found for key, found in soaked.japan.items() if key in soaked.korea}
    differ = sorted(key for key, found in there.items() if soaked.facts.get(key) != found)
    return Row("the vault's facts are boto3's listing, row for row", not differ, f"{len(there):,} facts {differ[:2] or ''}")


def _repeated_rows(soaked: Soaked, total: int) -> list[Row]:
    """Return what was sent beyond the load: what the target had acknowledged before, and all of it, what a kill cut off too."""
    went = soaked.went["japan"]
    again, more = (max(0, sum(counted.values()) - total) for counted in (went.kept, went.sent))
    twice = f"{again / total:.2%}, {again / MIB:.1f} MiB"
    return [
        Row(f"at most {REPEATED_MAX:.0%} was written twice", again <= total * REPEATED_MAX, twice, of_share=True),
        Row(
            f"at most {REPEATED_MAX:.0%} was sent in vain",
            more <= total * REPEATED_MAX,
            f"{more / total:.2%}, {more / MIB:.1f} MiB",
            of_share=True,
        ),
    ]


def _memory_row(soaked: Soaked, rss_bytes_max: int) -> Row:
    most = max((sample.rss_bytes for sample in soaked.samples), default=0)
    return Row(f"memory stays below {rss_bytes_max // MIB} MiB", 0 < most <= rss_bytes_max, f"at most {most / MIB:.0f} MiB")


def _flat_row(soaked: Soaked) -> Row:
    """Compare the most memory of the first third with the last: a leak would show."""
    warm = [sample.rss_bytes for sample in soaked.samples if sample.at_s > WARM]
    third = len(warm) // 3
    first, last = max(warm[:third], default=0), max(warm[-third:], default=0) if third else 0
    return Row("memory is flat", 0 < last <= first * GROWTH_MAX, f"first third {first / MIB:.0f}, last {last / MIB:.0f} MiB")


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
