"""What the ledger knows of runs, probes and the audit chain, as functions over one transaction each."""

from __future__ import annotations

import dataclasses
import json

from sqlalchemy import Connection, Integer, bindparam, insert, select, update

from connectors.ledger.schema import about, audit, probes, runs
from relocation.rules.errors import StateMismatch
from relocation.rules.evidence import Link, link
from relocation.rules.records import Answers, RunRecord, RunState

# Statements are made once: SQLAlchemy takes longer to make one, and to see that it knows it, than SQLite to carry it out.
RUNS = select(*(runs.c[field.name] for field in dataclasses.fields(RunRecord)))
NEWEST_RUNS = RUNS.order_by(runs.c.number.desc())
RUN = RUNS.where(runs.c.id == bindparam("of_run"))
RUNS_OF_CATEGORY = NEWEST_RUNS.where(runs.c.category == bindparam("of_category"))
RUNS_OF_WAVE = RUNS_OF_CATEGORY.where(runs.c.wave == bindparam("of_wave"), runs.c.kind == "run")
ADD_RUN, SAVE_RUN = insert(runs), update(runs).where(runs.c.id == bindparam("of_run"))
ADD_PROBE = insert(probes)
PROBES = (
    select(probes.c.answers)
    .where(probes.c.endpoint == bindparam("endpoint"), probes.c.bucket == bindparam("bucket"))
    .order_by(probes.c.number.desc())
    .limit(bindparam("most", type_=Integer))
)
MIGRATION = select(about.c.value).where(about.c.name == "migration").with_for_update()
CHAIN = select(*(audit.c[field.name] for field in dataclasses.fields(Link)))
LAST_LINK = CHAIN.order_by(audit.c.seq.desc()).limit(1)
ADD_LINK = insert(audit)


def begin_run(connection: Connection, run: RunRecord) -> RunRecord:
    """Record a new run as `open`, or return the recorded one, open again, if it can be gone on with."""
    recorded = get_run(connection, run.id)
    if recorded is None:
        fresh = dataclasses.replace(run, state=RunState.OPEN)
        connection.execute(ADD_RUN, dataclasses.asdict(fresh))
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
        connection.execute(ADD_RUN, dataclasses.asdict(run))
    else:
        save_run(connection, run)


def save_run(connection: Connection, run: RunRecord) -> None:
    connection.execute(SAVE_RUN, {"of_run": run.id, **dataclasses.asdict(run)})


def get_run(connection: Connection, run_id: str) -> RunRecord | None:
    row = connection.execute(RUN, {"of_run": run_id}).one_or_none()
    return RunRecord(*row) if row else None


def list_runs(connection: Connection, category: str, limit: int) -> tuple[RunRecord, ...]:
    query, wanted = (RUNS_OF_CATEGORY, {"of_category": category}) if category else (NEWEST_RUNS, {})
    return tuple(RunRecord(*row) for row in connection.execute(query.limit(limit), wanted))


def unfinished_run(connection: Connection, category: str, wave: str, config_sha256: str) -> RunRecord | None:
    """Return the newest open run with a sealed plan, unless a newer run of the wave is done: the plan is older than that."""
    for row in connection.execute(RUNS_OF_WAVE, {"of_category": category, "of_wave": wave}):
        run = RunRecord(*row)
        if run.state == RunState.DONE:
            return None
        if run.state == RunState.OPEN and run.plan_sha256 and run.config_sha256 == config_sha256:
            return run
    return None


def save_probe(connection: Connection, answers: Answers) -> None:
    text = json.dumps(dataclasses.asdict(answers), ensure_ascii=False)
    connection.execute(ADD_PROBE, {"endpoint": answers.endpoint, "bucket": answers.bucket, "answers": text})


def probes_of(connection: Connection, endpoint: str, bucket: str, *, limit: int) -> tuple[Answers, ...]:
    found = connection.execute(PROBES, {"endpoint": endpoint, "bucket": bucket, "most": limit})
    return tuple(map(_answers, found.scalars()))


def _answers(text: str) -> Answers:
    saved = json.loads(text)
    return Answers(**{**saved, "answers": tuple((question, answer) for question, answer in saved["answers"])})


def append_link(connection: Connection, *, time: str, actor: str, action: str, subject: str, payload_sha256: str) -> str:
    """Append one link to the audit chain and return its hash. Writers wait for each other: the chain never forks."""
    connection.execute(MIGRATION).one()
    row = connection.execute(LAST_LINK).one_or_none()
    after = link(Link(*row) if row else None, time=time, actor=actor, action=action, subject=subject, payload_sha256=payload_sha256)
    connection.execute(ADD_LINK, dataclasses.asdict(after))
    return after.sha256


def chain(connection: Connection) -> tuple[Link, ...]:
    return tuple(Link(*row) for row in connection.execute(CHAIN.order_by(audit.c.seq)))
