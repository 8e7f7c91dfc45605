"""Which keys of a category's exclusion list a wave should have shown at the source, and did not."""

from __future__ import annotations

from collections.abc import Sequence

from relocation.rules.excluded import not_found
from relocation.rules.summary import Named
from relocation.settings import Category


def excluded_not_found(category: Category, wave: str, refused: Sequence[Named]) -> tuple[Named, ...]:
    """Return the listed keys that are not among what the plan refused.

    Where days or sizes tell the waves, a key alone does not say in which one it would be: then every wave that does not show it
    names it, and only the roll-up of all waves knows.
    """
    partition = category.partition()

    def concerns(key: str) -> bool:
        return not partition.by_key or partition.wave_of(key, 0, "") == wave

    claims = [(move.source.bucket, move.source.prefix) for move in category.moves]
    return not_found(category.policy.held_back, refused, claims, concerns=concerns)
