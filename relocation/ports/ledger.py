"""What is remembered: runs, shards, intents, facts' segments, probes, routes, fences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from relocation.rules.fences import FenceRecord
from relocation.rules.records import Answers, Fact, Intent, Lease, OpenUpload, RouteRecord, RunRecord, Segment, ShardTally


class Route(Protocol):
    """Where readers and writers of each wave's slice go, and whether any of it was ever erased, by compare-and-set.

    What was never said is `source`, version 0. Moving the readers themselves is not this port's business.
    """

    async def routes(self, category: str) -> tuple[RouteRecord, ...]:
        """Return what was ever said of the category's waves."""
        ...

    async def set_route(self, wanted: RouteRecord) -> RouteRecord:
        """Put a record in place of the one whose version it carries, and return it with the next version.

        Raises `StateMismatch` where another version stands there by now, or where it would take back that something was erased."""
        ...


class Ledger(Route, Protocol):
    """The SQL database of runs, leases, shards, intents, the tail of facts, segments, probes and the audit chain.

    Every write is durable when the call returns. A write with a lease whose token is not the newest is `LeaseLost` and
    changes nothing.
    """

    async def open_run(self, run: RunRecord, *, lease_s: float) -> tuple[RunRecord, Lease]:
        """Take the wave (by category and wave) and record a run of it, state `open`; `WaveBusy` names who holds it.

        A dead holder on this host (process id and start time) is taken over at once with a new token, else after its lease ran
        out. If `run.id` is already recorded, that run is gone on with."""
        ...

    async def record_dry_run(self, run: RunRecord) -> None:
        """Record a dry run, or its end. It takes no wave: people may plan while a run is under way."""
        ...

    async def unfinished_run(self, category: str, wave: str, config_sha256: str) -> RunRecord | None:
        """Return the newest run (kind `run`) of the wave that is `open` and has a sealed plan, with the same configuration hash;
        none where a newer run of the wave is done."""
        ...

    async def update_run(self, lease: Lease, run: RunRecord) -> None: ...

    async def close_run(self, lease: Lease, run: RunRecord) -> None:
        """Record the run's last state (`done`, `abandoned` or, to be gone on with, `open`) and give the wave back."""
        ...

    async def renew(self, lease: Lease, *, lease_s: float) -> Lease: ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def list_runs(self, *, category: str = "", limit: int = 100) -> tuple[RunRecord, ...]:
        """Return the newest runs first."""
        ...

    async def add_shards(self, run_id: str, stage: str, shards: Sequence[tuple[int, int]]) -> None:
        """Record the shards of a stage as (objects, bytes), numbered from 0. Recording the same again changes nothing."""
        ...

    async def lease_shard(self, run_id: str, stage: str, *, lease_s: float) -> Lease | None:
        """Lease the first shard that is neither sealed nor held by somebody alive; none: all are sealed or held."""
        ...

    async def shard_tallies(self, run_id: str, stage: str) -> tuple[ShardTally, ...]: ...

    async def release_shard(self, lease: Lease) -> None:
        """Give a shard back unsealed; its intents and facts stay."""
        ...

    async def intend(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """Record intents, durably, before their effect."""
        ...

    async def intents(self, run_id: str, stage: str, shard: int) -> tuple[Intent, ...]: ...

    async def record(self, lease: Lease, facts: Sequence[Fact]) -> None:
        """Append facts to the tail of an open shard. A later fact on the same object version takes the place of the earlier."""
        ...

    async def tail(self, run_id: str, stage: str, shard: int) -> tuple[Fact, ...]: ...

    async def seal_shard(self, lease: Lease, segment: Segment) -> None:
        """Record that the shard's facts lie in the vault, and drop its intents and tail."""
        ...

    async def segments(self, *, category: str = "", run_id: str = "", stage: str = "") -> tuple[Segment, ...]:
        """Return segments in the order in which they were sealed."""
        ...

    async def open_intents(self, category: str) -> tuple[Intent, ...]:
        """Return the intents of every unsealed shard of the category, of any run, and those of facts in their tails.

        Here, unlike in `intents`, an amended intent does not withdraw the ETag foretold before: that write may have happened."""
        ...

    async def open_uploads(self, category: str) -> tuple[OpenUpload, ...]:
        """Return the uploads that intents of unsealed shards of the category name, each once, with the wave of their run."""
        ...

    async def open_tails(self, category: str) -> tuple[Fact, ...]: ...

    async def save_probe(self, answers: Answers) -> None: ...

    async def last_probe(self, endpoint: str, bucket: str) -> Answers | None: ...

    async def probe_history(self, endpoint: str, bucket: str, *, limit: int) -> tuple[Answers, ...]:
        """Return the newest probes of a bucket, the newest first."""
        ...

    async def save_fence(self, fence: FenceRecord) -> None:
        """Record a fence, or how it stands now, in place of what was recorded of it. One that a run raises is this process's."""
        ...

    async def fences(self) -> tuple[FenceRecord, ...]:
        """Return every fence that is not lifted, oldest first."""
        ...

    async def abandoned_fences(self) -> tuple[FenceRecord, ...]:
        """Return those of them that a process raised which is dead for certain."""
        ...

    async def audit(self, action: str, subject: str, payload_sha256: str, actor: str) -> str:
        """Append one link to the hash chain and return its hash."""
        ...

    async def close(self) -> None: ...
