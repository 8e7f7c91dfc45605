"""What a transfer works with: two stores, what the probe saw of them, the budget, the clock and how patient to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from relocation.ports import Clock, Store
from relocation.rules import digests
from relocation.rules.errors import LeaseLost
from relocation.rules.records import Intent, PlanRow
from relocation.transfer.budget import Budget
from relocation.transfer.retry import Patience, Tries

Guard = Literal["if_none_match", "head_first", "refuse"]
"""How a new object is kept from overwriting another: by the store, by looking first (where versioning keeps what a race
overwrites), or not at all: then nothing is written."""
CHUNK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """What the probe saw that copying relies on. Everything false is the careful reading: it claims less, and asks more."""

    guard: Guard
    parts_guard: Guard
    replaces_if_match: bool = False
    counts_received: bool = False
    source_etag_is_md5: bool = False
    target_etag_is_md5: bool = False
    target_parts_etag_is_md5: bool = False
    reads_part_numbers: bool = False


@dataclass(frozen=True, slots=True)
class Hands:
    """Two stores and all that a copy of one object between them needs.

    `amend` records an intent durably before the effect that it foretells. `may_write_until` is a reading of the monotonic clock: a
    write that would begin later is `LeaseLost`, because somebody else may hold the shard by then.
    """

    source: Store
    target: Store
    seen: Seen
    budget: Budget
    clock: Clock
    patience: Patience
    part_bytes: int
    amend: Callable[[Intent], Awaitable[None]]
    may_write_until: Callable[[], float]

    def tries(self) -> Tries:
        """Return a fresh count of attempts for one object."""
        return Tries(self.patience, self.clock)

    def check_lease(self) -> None:
        """Raise LeaseLost if the lease may have run out, as after a pause of the process."""
        if self.clock.monotonic() >= self.may_write_until():
            raise LeaseLost("the lease of this shard ran out before a write; another lane has it now")

    def foretold_etag(self, row: PlanRow) -> str:
        """Return the ETag that the target will give if the layout is kept; empty where that can't be known before hashing."""
        seen = self.seen
        if digests.parts_in(row.source_etag):
            keeps = seen.source_etag_is_md5 and seen.target_parts_etag_is_md5 and seen.reads_part_numbers
        else:
            keeps = seen.source_etag_is_md5 and seen.target_etag_is_md5 and digests.looks_like_md5(row.source_etag)
            keeps = keeps and row.size <= self.budget.total_bytes
        return row.source_etag if keeps else ""
