"""Have Python look for cyclic garbage seldom: what is made for an object goes by reference counts, and looking took a tenth.

Guarantees: things are as before when the block ends. What is in cycles waits longer: some 50,000 small things, a few MB at most.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 50_000
"""Things made and not yet gone before the youngest are looked through (Python's own: 700)."""


def collect_seldom() -> None:
    """Search seldom from now on, to the process's end: imports make things that stay, and were looked through hundreds of times."""
    gc.set_threshold(YOUNG, 20, 50)


def collect_no_more() -> None:
    """Leave all that there is out of every search: a process that ends searched through what the system takes back anyway."""
    gc.freeze()


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Leave what is loaded by now out of every search, and search seldom."""
    before = gc.get_threshold()
    gc.freeze()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
