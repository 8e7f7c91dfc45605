"""Which version at the target is which version of the source, and what is still to be written on top. Pure.

Guarantees: a target's history is held against the source's from the oldest version on; what we wrote is known by its fact, what no
fact names is taken for a version only in that version's own place, of the same kind and size, and its bytes are compared before it
counts. Refuses to write on top of what can't be placed: a version of somebody else, a hole, another order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from relocation.rules.plan import Target
from relocation.rules.records import Action, Fact, InventoryRow, Outcome, PlanRow

Version = tuple[str, str, str]
"""(bucket, key, version id): at the target; in `Known` of rows and facts, with the source's version id."""
Versions = Sequence[InventoryRow]
"""The versions and delete markers of one key as a listing shows them, the oldest first."""
VersionFacts = Mapping[Version, Fact]
"""What facts say of each version of a key at the target."""
THERE = (Outcome.COPIED, Outcome.VERIFIED)


class Entry(NamedTuple):
    """One version of a key, or one delete marker (it has no ETag), as a versions listing shows it."""

    version_id: str
    etag: str
    last_modified: str
    size: int


Identity = tuple[str, str, str]
"""What tells a source version from all others: version id, ETag, Last-Modified. `null` is one id for several, in turn."""
Known = Mapping[tuple[str, str], Identity]
"""(version id, ETag) at the target → the source version that it is, of one key, by our facts."""


def is_marker(row: PlanRow | InventoryRow | Fact) -> bool:
    """Tell whether a row or fact of a versioned category is about a delete marker."""
    if isinstance(row, InventoryRow):
        return row.version_id != "" and row.etag == ""
    return row.source_version_id != "" and row.source_etag == ""


def entry_of(row: InventoryRow | PlanRow) -> Entry:
    """Return a listed version, or the source version of a plan's row."""
    if isinstance(row, PlanRow):
        return Entry(row.source_version_id, row.source_etag, row.source_last_modified, row.size)
    return Entry(row.version_id, row.etag, row.last_modified, row.size)


def version_of(found: InventoryRow) -> Version:
    """Return what names a version at the target."""
    return (found.bucket, found.key, found.version_id)


@dataclass(frozen=True, slots=True)
class Alignment:
    """A target's history held against the source's. `there` maps places in the source's history to places in the target's; delete
    markers that follow each other may share one.

    `perhaps`: those of `there` whose bytes nobody has compared. `gone`: places of the target's whose source version is gone.
    `blocked`: why nothing may be written on top; empty where it may.
    """

    there: Mapping[int, int] = field(default_factory=dict)
    perhaps: frozenset[int] = frozenset()
    gone: tuple[int, ...] = ()
    blocked: str = ""


def align(source: Sequence[Entry], found: Sequence[Entry], known: Known) -> Alignment:
    """Hold two histories of one key, oldest first, against each other."""
    places = {(entry.version_id, entry.etag, entry.last_modified): index for index, entry in enumerate(source)}
    said = [known.get((entry.version_id, entry.etag)) for entry in found]
    taken = {places[identity] for identity in said if identity in places}
    there: dict[int, int] = {}
    perhaps: set[int] = set()
    gone: list[int] = []
    blocked, at = "", 0
    for number, (entry, identity) in enumerate(zip(found, said, strict=True)):
        if identity is not None and identity not in places:
            gone.append(number)
            continue
        index = at if identity is None else places[identity]
        if identity is None and (blocked or at >= len(source) or at in taken or not _alike(source[at], entry)):
            blocked = blocked or f"the target holds {_named(entry)}, which is not ours, where {_due(source, at)}"
            continue
        if index > at and not any(entry.etag for entry in source[at : index + 1]):  # some stores keep one marker for several
            there.update(dict.fromkeys(range(at, index), number))
            at = index
        if index != at:
            blocked = blocked or f"the target holds a later one already, and {_due(source, min(index, at))} beneath it"
        if identity is None and entry.etag:
            perhaps.add(index)
        there[index] = number
        at = max(at, index + 1)
    return Alignment(there, frozenset(perhaps), tuple(gone), blocked)


def _alike(wanted: Entry, found: Entry) -> bool:
    return bool(wanted.etag) == bool(found.etag) and wanted.size == found.size


def _named(entry: Entry) -> str:
    return f"{'version' if entry.etag else 'delete marker'} {entry.version_id}"


def _due(source: Sequence[Entry], at: int) -> str:
    return f"{_named(source[at])} of the source belongs" if at < len(source) else "the source has nothing more"


def standing_versions(facts: Iterable[Fact]) -> dict[Version, Fact]:
    """Fold facts, in the order in which they were made, into what stands: the last word on each version at the target."""
    standing: dict[Version, Fact] = {}
    fold_versions_in(standing, facts)
    return standing


def fold_versions_in(standing: dict[Version, Fact], facts: Iterable[Fact]) -> None:
    """Fold facts, in the order in which they were made, into what stands; what is folded twice stands as it does folded once."""
    for fact in facts:
        place = (fact.target_bucket, fact.target_key, fact.target_version_id)
        if not fact.target_version_id:
            continue
        before = standing.get(place)
        if fact.outcome in THERE:
            same = before is not None and before.xxh3 == fact.xxh3
            proofs = {*before.proofs, *fact.proofs} if before is not None and same else fact.proofs
            standing[place] = fact._replace(proofs=tuple(sorted(proofs)), ours=fact.ours or (before is not None and before.ours))
        elif before is None:
            standing[place] = fact._replace(xxh3="", proofs=())  # there, and no more is known of it
        elif fact.outcome == Outcome.FAILED:
            standing[place] = before._replace(xxh3="", proofs=())  # there, and no longer proved


def known_of(target: Target, found: Sequence[Entry], standing: VersionFacts) -> dict[tuple[str, str], Identity]:
    """Return which source version each version found under one target key is, as far as facts say so."""
    known = {}
    for entry in found:
        fact = standing.get((*target, entry.version_id))
        if fact is not None and fact.target_etag == entry.etag:
            known[(entry.version_id, entry.etag)] = (fact.source_version_id, fact.source_etag, fact.source_last_modified)
    return known


def decide_history(
    source: Versions, target: Target, found: Versions, standing: VersionFacts
) -> tuple[list[PlanRow], list[PlanRow]]:
    """Pair each version of one source key (oldest first) with an action; beside them, ours at the target whose version is gone."""
    entries = [entry_of(row) for row in found]
    alignment = align([entry_of(row) for row in source], entries, known_of(target, entries, standing))
    rows = []
    for index, listed in enumerate(source):
        row = _row(listed, target)
        number = alignment.there.get(index)
        if number is not None:
            rows.append(
                _there(row, found[number], standing.get((*target, entries[number].version_id)), perhaps=index in alignment.perhaps)
            )
        elif alignment.blocked:
            rows.append(row._replace(action=Action.CONFLICT, reason=f"{alignment.blocked}; nothing is written on top of it"))
        else:
            rows.append(row)
    if alignment.blocked and rows and all(row.action != Action.CONFLICT for row in rows):
        rows[-1] = rows[-1]._replace(action=Action.CONFLICT, reason=alignment.blocked)
    gone = (removed(found[number], standing) for number in alignment.gone)
    return rows, [row for row in gone if row is not None]


def _row(listed: InventoryRow, target: Target) -> PlanRow:
    return PlanRow(
        action=Action.COPY,
        move=listed.move,
        source_bucket=listed.bucket,
        source_key=listed.key,
        target_bucket=target[0],
        target_key=target[1],
        size=listed.size,
        source_etag=listed.etag,
        source_last_modified=listed.last_modified,
        source_version_id=listed.version_id,
    )


def _there(row: PlanRow, found: InventoryRow, fact: Fact | None, *, perhaps: bool) -> PlanRow:
    """Decide on a version that the target has: kept where it is proved, else to be proved."""
    row = row._replace(found_etag=found.etag, found_size=found.size, found_version_id=found.version_id)
    if perhaps or fact is None:
        return row._replace(action=Action.PROVE, reason="there in its place, but nothing proves that it is this version")
    row = row._replace(ours=fact.ours)
    if not fact.xxh3 and not is_marker(row):
        return row._replace(action=Action.PROVE, reason="its last verification failed")
    return row._replace(
        action=Action.KEEP, xxh3=fact.xxh3, proofs=fact.proofs, attributes_sha256=fact.attributes_sha256, sha256=fact.sha256
    )


def removed(found: InventoryRow, standing: VersionFacts) -> PlanRow | None:
    """Return the row of a version of ours at the target that the source does not have any more; None where it is not ours."""
    fact = standing.get(version_of(found))
    if fact is None or not fact.ours or fact.target_etag != found.etag:
        return None
    return PlanRow(
        action=Action.REMOVE,
        move=found.move,
        source_bucket=fact.source_bucket,
        source_key=fact.source_key,
        target_bucket=found.bucket,
        target_key=found.key,
        size=found.size,
        source_etag=fact.source_etag,
        source_last_modified=fact.source_last_modified,
        found_etag=found.etag,
        found_size=found.size,
        ours=True,
        reason="ours, and gone at the source since",
        source_version_id=fact.source_version_id,
        found_version_id=found.version_id,
    )


def all_or_none_after(rows: Sequence[PlanRow]) -> list[PlanRow]:
    """Refuse what follows a refused version of the same key: written all the same, it would stand where it does not belong.

    `rows` are in plan order: the versions of a key together, oldest first.
    """
    kept: list[PlanRow] = []
    refused: tuple[Target, str] | None = None
    for row in rows:
        target = (row.target_bucket, row.target_key)
        if row.action == Action.REFUSE and (refused is None or refused[0] != target):
            refused = (target, row.source_version_id)
        elif refused is not None and refused[0] == target and row.action == Action.COPY:
            reason = f"an older version of it, {refused[1]}, is refused, and versions are kept in their order"
            kept.append(row._replace(action=Action.REFUSE, reason=reason))
            continue
        kept.append(row)
    return kept
