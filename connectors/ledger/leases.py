"""Who may write: leases of waves and shards, fenced by tokens that only grow.

Guarantees: a lease is given to one holder at a time; giving it (or giving it back) raises its token, so whatever an earlier holder
still says is told apart. A holder that is known to be dead (same boot, same process namespace, process gone or another one under
its id) is taken over at once; one that may be alive only after its lease ran out.
Refuses to guess: a process on another machine, or in another container, is never called dead.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, and_, bindparam, insert, or_, select, update

from connectors.ledger.schema import shards, waves
from relocation.rules.errors import LeaseLost, StateMismatch, WaveBusy
from relocation.rules.records import Lease, RunRecord

STAGE_OF_WAVE = ""
SHARD_OF_WAVE = -1
FREE = {"host": "", "pid": 0, "started": "", "expires_at": 0.0}

_THIS_WAVE = and_(waves.c.category == bindparam("of_category"), waves.c.wave == bindparam("of_wave"))
WAVE, ADD_WAVE, SAVE_WAVE = select(waves).where(_THIS_WAVE).with_for_update(), insert(waves), update(waves).where(_THIS_WAVE)
WAVE_OF_RUN = select(waves).where(waves.c.run_id == bindparam("of_run")).with_for_update()
SAVE_WAVE_OF_RUN = update(waves).where(waves.c.run_id == bindparam("of_run"))
HELD_WAVES = select(waves).where(waves.c.expires_at > bindparam("now"))

OF_STAGE = and_(shards.c.run_id == bindparam("of_run"), shards.c.stage == bindparam("of_stage"))
_THIS_SHARD = and_(OF_STAGE, shards.c.number == bindparam("of_shard"))
SHARD, SAVE_SHARD = select(shards).where(_THIS_SHARD).with_for_update(), update(shards).where(_THIS_SHARD)
SEALED_SHARD = select(shards.c.number).where(_THIS_SHARD, shards.c.sealed.is_(True), shards.c.token == bindparam("of_token"))
_UNSEALED = and_(OF_STAGE, shards.c.sealed.is_(False))
_ENDED = shards.c.expires_at <= bindparam("now")
FIRST = (
    select(shards.c.number, shards.c.token).where(_UNSEALED).order_by(shards.c.number).limit(1).with_for_update(skip_locked=True)
)
FIRST_FREE = FIRST.where(_ENDED)
OTHERS = (
    select(shards.c.host, shards.c.pid, shards.c.started)
    .where(
        _UNSEALED,
        shards.c.expires_at > bindparam("now"),
        or_(shards.c.pid != bindparam("me"), shards.c.started != bindparam("my_start")),
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Holder:
    """One process: its host's name, its id, and when it started (boot, process namespace and clock ticks; empty: not known)."""

    host: str
    pid: int
    started: str

    @classmethod
    def this_process(cls, host: str) -> Holder:
        return cls(host, os.getpid(), started(os.getpid()))

    def is_gone(self, seen_from: Holder) -> bool:
        """Return whether this process is dead for certain, as far as `seen_from` can tell."""
        mine, theirs = seen_from.started.rpartition("/")[0], self.started.rpartition("/")[0]
        if not mine or mine != theirs or self.host != seen_from.host:
            return False
        return started(self.pid) != self.started


def started(pid: int) -> str:
    """Return `BOOT/NAMESPACE/TICKS` of a live process, an empty string for one that is gone (a zombie is).

    From `/proc/PID/stat`, field 22 (proc(5)); elsewhere from psutil, if it is there; else nobody's start is known.
    """
    if not Path("/proc/self/stat").exists():
        return _started_by_psutil(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    after_name = stat.rpartition(")")[2].split()  # the name may hold spaces and brackets
    if after_name[0] in "ZX":
        return ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    namespace = str(Path("/proc/self/ns/pid").readlink())
    return f"{boot}/{namespace}/{after_name[19]}"


def _started_by_psutil(pid: int) -> str:
    try:
        psutil = importlib.import_module("psutil")
    except ImportError:
        return ""
    try:
        process = psutil.Process(pid)
        return f"{psutil.boot_time()}/psutil/{process.create_time()}" if process.status() != psutil.STATUS_ZOMBIE else ""
    except psutil.NoSuchProcess:
        return ""


def take_wave(connection: Connection, run: RunRecord, *, me: Holder, now: float, expires_at: float, timezone: str = "UTC") -> int:
    """Lease the run's wave and return the new token; `WaveBusy` (its times in `timezone`) while one who may be alive holds it."""
    here = {"of_category": run.category, "of_wave": run.wave}
    row = connection.execute(WAVE, here).one_or_none()
    token = row.token + 1 if row else 1
    values = {"run_id": run.id, "who": run.who, "since": now, "token": token, **_held_by(me, expires_at)}
    if row is None:
        connection.execute(ADD_WAVE, {"category": run.category, "wave": run.wave, **values})
        return token
    if row.expires_at > now and not _holder_of(row).is_gone(me):
        raise WaveBusy(_busy(row, ZoneInfo(timezone)))
    connection.execute(SAVE_WAVE, here | values)
    return token


@dataclass(frozen=True, slots=True)
class Held:
    """A wave that somebody is running, and who."""

    category: str
    wave: str
    run_id: str
    who: str
    host: str
    pid: int
    since: float


def held_waves(connection: Connection, *, me: Holder, now: float) -> tuple[Held, ...]:
    """Return the waves that somebody holds who may be alive."""
    rows = connection.execute(HELD_WAVES, {"now": now}).all()
    return tuple(
        Held(row.category, row.wave, row.run_id, row.who, row.host, row.pid, row.since)
        for row in rows
        if not _holder_of(row).is_gone(me)
    )


def take_shard(connection: Connection, run_id: str, stage: str, *, me: Holder, now: float, expires_at: float) -> Lease | None:
    """Lease the first shard that is neither sealed nor held by somebody who may be alive."""
    row = _first_free(connection, run_id, stage, me=me, now=now)
    if row is None:
        return None
    token = row.token + 1
    lease = Lease(run_id, stage, row.number, token, expires_at)
    connection.execute(SAVE_SHARD, {**place_of(lease), "token": token, **_held_by(me, expires_at)})
    return lease


def _first_free(connection: Connection, run_id: str, stage: str, *, me: Holder, now: float) -> Row[tuple[Any, Any]] | None:
    """Return number and token of the shard to lease. The rows asked about are those of one run, locked against other takers."""
    here = {"of_run": run_id, "of_stage": stage, "now": now}
    others = connection.execute(OTHERS, {**here, "me": me.pid, "my_start": me.started}).all()
    gone = [
        and_(shards.c.host == row.host, shards.c.pid == row.pid, shards.c.started == row.started)
        for row in others
        if _holder_of(row).is_gone(me)
    ]
    return connection.execute(FIRST.where(or_(_ENDED, *gone)) if gone else FIRST_FREE, here).one_or_none()


def hold(connection: Connection, lease: Lease) -> None:
    """Refuse (`LeaseLost`) a lease that is not the newest; else keep it from being taken until this transaction ends."""
    if lease.shard == SHARD_OF_WAVE:
        row = connection.execute(WAVE_OF_RUN, {"of_run": lease.run_id}).one_or_none()
        what, sealed = f"the wave of run {lease.run_id}", False
    else:
        row = connection.execute(SHARD, place_of(lease)).one_or_none()
        what, sealed = f"shard {lease.shard} of {lease.stage} in run {lease.run_id}", bool(row and row.sealed)
    if row is None:
        raise LeaseLost(f"{what} is not held by this run any more: nothing was recorded; stop here, whoever took it over goes on")
    if row.token != lease.token:
        now_with = f"{row.host} (process {row.pid})" if row.host else "nobody"
        raise LeaseLost(
            f"{what} is with {now_with} now (token {row.token}, ours was {lease.token}): nothing was recorded; "
            "leave it to them and take another one"
        )
    if sealed:
        raise LeaseLost(f"{what} is sealed already: nothing was recorded")


def extend(connection: Connection, lease: Lease, *, expires_at: float) -> Lease:
    """Move the end of a lease that is still the newest."""
    hold(connection, lease)
    _save(connection, lease, {"expires_at": expires_at})
    return Lease(lease.run_id, lease.stage, lease.shard, lease.token, expires_at)


def give_back(connection: Connection, lease: Lease) -> None:
    """End a lease that is still the newest. The token grows, so that the lease can't be used again."""
    hold(connection, lease)
    _save(connection, lease, {"token": lease.token + 1, **FREE})


def mark_sealed(connection: Connection, lease: Lease) -> None:
    """Close a held shard for good. The token stays, so that sealing once more by the same lease is recognised."""
    connection.execute(SAVE_SHARD, {**place_of(lease), "sealed": True, **FREE})


def is_sealed(connection: Connection, lease: Lease) -> bool:
    """Return whether the shard was sealed under this very lease."""
    return connection.execute(SEALED_SHARD, {**place_of(lease), "of_token": lease.token}).one_or_none() is not None


def of_wave(lease: Lease, run: RunRecord) -> None:
    """Refuse a run that is not the lease's own."""
    if lease.shard != SHARD_OF_WAVE or lease.run_id != run.id:
        raise StateMismatch(f"the lease of {lease.run_id}, shard {lease.shard}, does not cover run {run.id}: use `open_run`'s")


def place_of(lease: Lease) -> dict[str, object]:
    """Return a shard's place as statements name it."""
    return {"of_run": lease.run_id, "of_stage": lease.stage, "of_shard": lease.shard}


def _save(connection: Connection, lease: Lease, values: dict[str, object]) -> None:
    if lease.shard == SHARD_OF_WAVE:
        connection.execute(SAVE_WAVE_OF_RUN, {"of_run": lease.run_id, **values})
    else:
        connection.execute(SAVE_SHARD, place_of(lease) | values)


def _held_by(me: Holder, expires_at: float) -> dict[str, object]:
    return {"host": me.host, "pid": me.pid, "started": me.started, "expires_at": expires_at}


def _holder_of(row: Row[tuple[Any, ...]]) -> Holder:
    return Holder(row.host, row.pid, row.started)


def _busy(row: Row[tuple[Any, ...]], zone: ZoneInfo) -> str:
    since, until = (f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M:%S %Z}" for at in (row.since, row.expires_at))
    return (
        f"{row.who or 'somebody'} is running wave {row.wave} of {row.category} on {row.host} (process {row.pid}, run {row.run_id}) "
        f"since {since}: wait until it ends, or stop it there (Ctrl-C, or `kill {row.pid}` on {row.host}); "
        f"a holder that died without a word is taken over after {until}"
    )
