"""A source that shows far fewer objects than it did is refused, not planned. Pure.

Guarantees: what a listing shows of a wave is held against what the wave's last sealed plan was made from; nothing where there was
something, or fewer by more than the policy's bound, is a `Refusal` with both figures and both times. A listing that ended by
protocol can still be a lie (an empty page, another bucket behind the name), and what it leaves out would be planned as removed.
"""

from __future__ import annotations

from dataclasses import dataclass

from relocation.rules.amounts import amount
from relocation.rules.errors import Refusal

WHOLE_PPM = 1_000_000
FEW = 20
"""Losing fewer than so many objects is no shrink, as long as some are left: in a small wave people delete a share at once."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How many objects the source showed of a wave, when, and to which run (empty: the one under way)."""

    objects: int
    at: str
    run_id: str = ""


def refuse_shrink(wave: str, before: Shown, now: Shown, *, shrink_max_ppm: int) -> None:
    """Refuse what `now` shows of a wave (`talk/all`), or of all, where it lacks more than `shrink_max_ppm` of that `before`."""
    lost = before.objects - now.objects
    if lost <= 0 or lost * WHOLE_PPM <= before.objects * shrink_max_ppm or (now.objects and lost < FEW):
        return
    bound = f"{shrink_max_ppm / 10_000:g}%"
    shown = amount(now.objects, "object")
    raise Refusal(
        f"{wave}: the source shows {shown} ({now.at}), and showed {before.objects:,} to run {before.run_id} "
        f"({before.at}): {lost * 100 // before.objects}% are gone, and the policy lets {bound} go. Nothing was planned. If they "
        "were not deleted on purpose, look at the source: another bucket behind the name, a lost drive, a listing that leaves "
        f"out. If they were, set policy.shrink_max of the category to 100% for one run, and back to {bound} after it"
    )
