"""What a transfer works with: two stores, what the probe saw of them, the budget, the clock and how patient to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from relocation.ports import Clock, Store
from relocation.rules.errors import LeaseLost
from relocation.rules.fidelity import Fidelity
from relocation.rules.records import Intent
from relocation.rules.seen import Seen
from relocation.transfer.budget import Budget
from relocation.transfer.retry import Patience, Tries

AS_IT_IS = Fidelity()
CHUNK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hands:
    """Two stores and all that a copy of one object between them needs.

    `begun_at` is when the run began (ISO 8601). `amend` records an intent durably before the effect that it foretells.
    `may_write_until` is a reading of the monotonic clock: a write that would begin later is `LeaseLost`, because somebody else
    may hold the shard by then. `must_keep_etag`: an object whose part layout can't be kept is not copied;
    `may_change_etag`: nobody asks for it to be kept, so a large one goes by parts that suit us.
    `fidelity`: how what travels beside the bytes is carried. `source_again` is the source over the other HTTP stack; `source_proof`
    (`when_missing`, `always`, `never`) says when it is read for a proof. `sha256` asks for that hash beside XXH3-128.
    """

    source: Store
    target: Store
    seen: Seen
    budget: Budget
    clock: Clock
    patience: Patience
    part_bytes: int
    begun_at: str
    amend: Callable[[Intent], Awaitable[None]]
    may_write_until: Callable[[], float]
    must_keep_etag: bool = False
    may_change_etag: bool = False
    source_again: Store | None = None
    source_proof: str = "when_missing"
    sha256: bool = False
    fidelity: Fidelity = AS_IT_IS

    def tries(self) -> Tries:
        """Return a fresh count of attempts for one object."""
        return Tries(self.patience, self.clock)

    def check_lease(self) -> None:
        """Raise LeaseLost if the lease may have run out, as after a pause of the process."""
        if self.clock.monotonic() >= self.may_write_until():
            raise LeaseLost("the lease of this shard ran out before a write; another lane has it now")
