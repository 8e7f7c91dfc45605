"""What a category's exclusion list (legal hold, take-down) does to a plan. Pure.

Guarantees: a listed key is never copied, proved, replaced or removed: it is refused by name, with the list's reason, in every plan
and report. One that the source does not show is named too: a list with a slip in it holds nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from relocation.rules.records import Action, PlanRow
from relocation.rules.summary import Named

Reasons = Mapping[str, str]
"""Why each listed key (as the source has it, its prefix included) is held back; empty where the list does not say."""
Claim = tuple[str, str]
"""(bucket, prefix) at the source that a category moves."""


def held_back(row: PlanRow, listed: Reasons) -> PlanRow:
    """Return the row as Refuse where its key is listed, whatever else would be done with it."""
    if row.source_key not in listed:
        return row
    stays = "; what the target holds under its name stays as it is" if row.found_etag else ""
    return row._replace(action=Action.REFUSE, reason=f"on the exclusion list: {_why(listed[row.source_key])}{stays}")


def not_held(rows: Iterable[PlanRow], listed: Reasons) -> Iterator[PlanRow]:
    """Yield the rows whose keys are not listed: what is held back is not removed at the target either."""
    return (row for row in rows if row.source_key not in listed)


def not_found(
    listed: Reasons, refused: Iterable[Named], claims: Sequence[Claim], *, concerns: Callable[[str], bool]
) -> tuple[Named, ...]:
    """Return the listed keys that no refusal names. `concerns` says of a key below its prefix whether the wave has to show it."""
    seen = {named.key for named in refused if named.key in listed}
    found = []
    for key in sorted(listed.keys() - seen):
        covering = [(bucket, prefix) for bucket, prefix in claims if key.startswith(prefix)]
        if not covering:
            reason = "no move of this category covers it: a listed key is whole, with the prefix of its move"
            found.append(Named("", key, f"on the exclusion list ({_why(listed[key])}); {reason}"))
        elif any(concerns(key[len(prefix) :]) for _, prefix in covering):
            reason = "the source does not show it; what the target holds of it, if anything, stays"
            found.append(Named(covering[0][0], key, f"on the exclusion list ({_why(listed[key])}); {reason}"))
    return tuple(found)


def _why(reason: str) -> str:
    return reason or "no reason given"
