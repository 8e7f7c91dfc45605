"""How many of what, in English words. Pure."""

from __future__ import annotations


def amount(number: int, thing: str) -> str:
    """Return `1 object`, `2,146 objects`; `thing` is one of them."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
