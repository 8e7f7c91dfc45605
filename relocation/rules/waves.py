"""Which wave of a category a key belongs to. Pure.

Guarantees: waves that `partition_problems` finds nothing wrong with partition the category, every key belongs to exactly one.
A wave without prefixes is the rest: it takes what no other claims. Refuses overlaps, a second rest, and a hole: that is a rest
without a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Slice(Protocol):
    """What is needed of a wave: its name, and prefixes relative to each move's (none: the rest)."""

    @property
    def name(self) -> str: ...

    @property
    def prefixes(self) -> tuple[str, ...]: ...


def belongs(wave_name: str, waves: Sequence[Slice], relative_key: str) -> bool:
    """Whether a key (without its move's prefix) is in that wave. Raises `KeyError` for a wave that is not among them."""
    wave = {each.name: each for each in waves}[wave_name]
    if wave.prefixes:
        return relative_key.startswith(wave.prefixes)
    return not any(relative_key.startswith(other.prefixes) for other in waves if other.prefixes)


def partition_problems(waves: Sequence[Slice]) -> tuple[tuple[str, str], ...]:
    """Return what keeps the waves from being a partition, as (place below `waves`, what is wrong and what would be right).

    No waves at all are fine: the category is one wave then.
    """
    problems = _twice_named(waves)
    rests = [index for index, wave in enumerate(waves) if not wave.prefixes]
    for index in rests[1:]:
        problems.append((f"{index}", f"has no prefixes, and neither has `{waves[rests[0]].name}`; one wave at most takes the rest"))
    for index, wave in enumerate(waves):
        if "" in wave.prefixes:
            problems.append(
                (f"{index}.prefixes", "holds an empty one, which claims everything; leave `prefixes` away for the rest")
            )
        for other in waves[:index]:
            if pair := _common(wave.prefixes, other.prefixes):
                both = f"`{pair[0]}` shares keys with `{pair[1]}` of wave `{other.name}`"
                problems.append((f"{index}.prefixes", f"{both}; a key belongs to one wave only"))
    if waves and not rests:
        problems.append(("", "no wave takes what the others leave; add `- {name: rest}`"))
    return tuple(problems)


def share_keys(first: str, second: str) -> bool:
    """Whether some key begins with both prefixes: one is the beginning of the other."""
    return first.startswith(second) or second.startswith(first)


def _twice_named(waves: Sequence[Slice]) -> list[tuple[str, str]]:
    names = [wave.name for wave in waves]
    twice = [index for index, name in enumerate(names) if name in names[:index]]
    return [(f"{index}.name", f"`{names[index]}` is there twice; each wave has a name of its own") for index in twice]


def _common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, str] | None:
    pairs = ((one, other) for one in first for other in second if one and other and share_keys(one, other))
    return next(pairs, None)
