"""What the ledger knows of runs, probes and the audit chain, as functions over one transaction each."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from connectors.ledger.schema import about, audit, probes, runs
from relocation.rules.errors import StateMismatch
from relocation.rules.evidence import Link, link
from relocation.rules.records import Answers, RunRecord, RunState

RUN_COLUMNS = tuple(runs.c[field.name] for field in dataclasses.fields(RunRecord))
LINK_COLUMNS = tuple(audit.c[field.name] for field in dataclasses.fields(Link))


def begin_run(connection: Connection, run: RunRecord) -> RunRecord:
    """Record a new run as `open`, or return the recorded one, open again, if it can be gone on with."""
    recorded = get_run(connection, run.id)
    if recorded is None:
        fresh = dataclasses.replace(run, state=RunState.OPEN)
        connection.execute(insert(runs).values(**dataclasses.asdict(fresh)))
        return fresh
    if (recorded.category, recorded.wave, recorded.kind) != (run.category, run.wave, run.kind):
        raise StateMismatch(
            f"run {run.id} is recorded as a {recorded.kind} of {recorded.category}/{recorded.wave}, "
            f"not as a {run.kind} of {run.category}/{run.wave}: begin a run with an id of its own"
        )
    if recorded.state in {RunState.DONE, RunState.ABANDONED}:
        raise StateMismatch(f"run {run.id} is {recorded.state} and can't be gone on with: begin a new one")
    again = dataclasses.replace(recorded, state=RunState.OPEN)
    save_run(connection, again)
    return again


def record_run(connection: Connection, run: RunRecord) -> None:
    """Record a run that takes no wave, or what became of it."""
    if get_run(connection, run.id) is None:
        connection.execute(insert(runs).values(**dataclasses.asdict(run)))
    else:
        save_run(connection, run)


def save_run(connection: Connection, run: RunRecord) -> None:
    connection.execute(update(runs).where(runs.c.id == run.id).values(**dataclasses.asdict(run)))


def get_run(connection: Connection, run_id: str) -> RunRecord | None:
    row = connection.execute(select(*RUN_COLUMNS).where(runs.c.id == run_id)).one_or_none()
    return _run(row) if row else None


def list_runs(connection: Connection, category: str, limit: int) -> tuple[RunRecord, ...]:
    query = select(*RUN_COLUMNS).order_by(runs.c.number.desc()).limit(limit)
    if category:
        query = query.where(runs.c.category == category)
    return tuple(map(_run, connection.execute(query)))


def unfinished_run(connection: Connection, category: str, wave: str, config_sha256: str) -> RunRecord | None:
    """Return the newest open run with a sealed plan, unless a newer run of the wave is done: the plan is older than that."""
    query = select(*RUN_COLUMNS).where(runs.c.category == category, runs.c.wave == wave, runs.c.kind == "run")
    for run in map(_run, connection.execute(query.order_by(runs.c.number.desc()))):
        if run.state == RunState.DONE:
            return None
        if run.state == RunState.OPEN and run.plan_sha256 and run.config_sha256 == config_sha256:
            return run
    return None


def save_probe(connection: Connection, answers: Answers) -> None:
    text = json.dumps(dataclasses.asdict(answers), ensure_ascii=False)
    connection.execute(insert(probes).values(endpoint=answers.endpoint, bucket=answers.bucket, answers=text))


def probes_of(connection: Connection, endpoint: str, bucket: str, *, limit: int) -> tuple[Answers, ...]:
    query = select(probes.c.answers).where(probes.c.endpoint == endpoint, probes.c.bucket == bucket)
    return tuple(_answers(text) for text in connection.execute(query.order_by(probes.c.number.desc()).limit(limit)).scalars())


def _answers(text: str) -> Answers:
    saved = json.loads(text)
    return Answers(**{**saved, "answers": tuple((question, answer) for question, answer in saved["answers"])})


def append_link(connection: Connection, *, time: str, actor: str, action: str, subject: str, payload_sha256: str) -> str:
    """Append one link to the audit chain and return its hash. Writers wait for each other: the chain never forks."""
    connection.execute(select(about.c.value).where(about.c.name == "migration").with_for_update()).one()
    row = connection.execute(select(*LINK_COLUMNS).order_by(audit.c.seq.desc()).limit(1)).one_or_none()
    after = link(_link(row) if row else None, time=time, actor=actor, action=action, subject=subject, payload_sha256=payload_sha256)
    connection.execute(insert(audit).values(**dataclasses.asdict(after)))
    return after.sha256


def chain(connection: Connection) -> tuple[Link, ...]:
    return tuple(map(_link, connection.execute(select(*LINK_COLUMNS).order_by(audit.c.seq))))


def _run(row: Row[tuple[Any, ...]]) -> RunRecord:
    return RunRecord(**row._mapping)  # noqa: SLF001 — public in SQLAlchemy, in spite of its name


def _link(row: Row[tuple[Any, ...]]) -> Link:
    return Link(**row._mapping)  # noqa: SLF001
