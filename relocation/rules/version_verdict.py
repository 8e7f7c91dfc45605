"""What a run came to where all versions are moved: the target's histories, as listed afterwards, against the source's. Pure.

Guarantees: a version counts as verified only if the target lists it, in its order, and the source's latest is the target's latest;
objects, former versions and delete markers are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from relocation.rules.plan import Target
from relocation.rules.records import InventoryRow, Outcome, PlanRow
from relocation.rules.summary import Count, Equation, Named
from relocation.rules.verdict import Ending, TargetSide, stands_proved
from relocation.rules.versions import VersionFacts, is_marker, version_of


def all_versions_listed(rows: Iterable[PlanRow], end: Ending, listed: Iterable[InventoryRow]) -> Ending:
    """Take back the word `verified` from what the target's listing does not show, or shows in another order.

    `rows` and `listed` hold the versions of a key together, the oldest first.
    """
    histories: dict[Target, list[tuple[str, str]]] = {}
    for found in listed:
        histories.setdefault((found.bucket, found.key), []).append((found.version_id, found.etag))
    facts = dict(end.facts)
    for target, versions in groupby(rows, key=lambda row: (row.target_bucket, row.target_key)):
        for row, reason in _misplaced(list(versions), end, histories.get(target, [])):
            place = (*target, row.source_version_id)
            what = f"read back well, but the target's listing {reason}"
            facts[place] = facts[place]._replace(outcome=Outcome.FAILED, reason=what)
    return Ending(facts, by_version=True)


def _misplaced(rows: Sequence[PlanRow], end: Ending, history: Sequence[tuple[str, str]]) -> Iterable[tuple[PlanRow, str]]:
    """Yield the verified versions of one key that are not listed where they belong, and how."""
    before = -1
    for row in rows:
        fact = end.of(row)
        if fact is None or fact.outcome != Outcome.VERIFIED:
            continue
        entry = (fact.target_version_id, fact.target_etag)
        at = history.index(entry) if entry in history else -1
        if at < 0:
            yield row, "does not show it"
        elif at < before:
            yield row, "shows it beneath an older version"
        elif row is rows[-1] and at != len(history) - 1:
            yield row, f"shows version {history[-1][0]} on top of it"
        before = max(before, at)


def target_side_of_versions(
    listed: Sequence[InventoryRow], rows: Sequence[PlanRow], end: Ending, standing: VersionFacts
) -> TargetSide:
    """Hold the target's listing of versions against the facts: listed afterwards = ours (or proved) + foreign."""
    verified = {
        (fact.target_bucket, fact.target_key, fact.target_version_id)
        for fact in map(end.of, rows)
        if fact is not None and fact.outcome == Outcome.VERIFIED
    }
    verified |= {(row.target_bucket, row.target_key, row.found_version_id) for row in rows if stands_proved(row, end)}

    def is_ours(found: InventoryRow) -> bool:
        place = version_of(found)
        fact = standing.get(place)
        return place in verified or (fact is not None and fact.ours and fact.target_etag == found.etag)

    foreign = [found for found in listed if not is_ours(found)]
    ours = sum((Count(1, found.size) for found in listed if is_ours(found)), Count())
    total = sum((Count(1, found.size) for found in listed), Count())
    terms = (("ours", ours), ("foreign", sum((Count(1, found.size) for found in foreign), Count())))
    return TargetSide(Equation("target", total, terms), tuple(_named(found) for found in foreign))


def _named(found: InventoryRow) -> Named:
    what = f"{found.size} bytes, ETag {found.etag}" if found.etag else "delete marker"
    return Named(found.bucket, found.key, f"version {found.version_id}: {what}, {found.last_modified}")


def histories(rows: Sequence[PlanRow], end: Ending) -> dict[str, Count]:
    """Count rows, of each key all, apart: latest versions, former ones, delete markers; and how many of each are verified."""
    sums: dict[str, Count] = {}
    for _, versions in groupby(rows, key=lambda row: (row.move, row.source_key)):
        history = list(versions)
        for row in history:
            kind = "delete_markers" if is_marker(row) else "objects" if row is history[-1] else "former_versions"
            fact = end.of(row)
            settled = fact is not None and fact.outcome == Outcome.VERIFIED
            for name in (kind, f"{kind}_verified") if settled else (kind,):
                sums[name] = sums.get(name, Count()) + Count(1, row.size)
    return sums
