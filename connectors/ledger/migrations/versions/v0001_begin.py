"""The first ledger: runs, waves, shards, intents, tails, segments, probes and the audit chain."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
RUN = (
    *("id", "category", "wave", "kind", "state", "stage", "config_sha256", "plan_sha256", "document", "report"),
    *("started_at", "finished_at", "who", "host", "version", "summary", "message"),
)
BATCHES = ("intents", "tails")


def upgrade() -> None:
    """Make every table."""
    op.create_table("about", sa.Column("name", sa.Text, primary_key=True), _text("value"))
    op.create_table("runs", _serial(), *map(_text, RUN), sa.UniqueConstraint("id", name="runs_by_id"))
    op.create_index("runs_by_wave", "runs", ["category", "wave"])
    _make_leases()
    for name in BATCHES:
        place = (_text("run_id"), _text("stage"), _number("shard"))
        op.create_table(name, _serial(), *place, _number("rows"), sa.Column("data", sa.LargeBinary, nullable=False))
        op.create_index(f"{name}_by_shard", name, ["run_id", "stage", "shard"])
    _make_segments()
    op.create_table("probes", _serial(), _text("endpoint"), _text("bucket"), _text("answers"))
    op.create_index("probes_by_bucket", "probes", ["endpoint", "bucket"])
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        *map(_text, ("prev", "time", "actor", "action", "subject", "payload_sha256", "sha256")),
    )


def _make_leases() -> None:
    op.create_table(
        "waves",
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("wave", sa.Text, primary_key=True),
        _text("run_id"),
        _text("who"),
        sa.Column("since", sa.Double, nullable=False),
        *_holder(),
    )
    op.create_index("waves_by_run", "waves", ["run_id"])
    op.create_table(
        "shards",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("stage", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _number("objects"),
        _number("bytes"),
        sa.Column("sealed", sa.Boolean, nullable=False),
        *_holder(),
    )


def _make_segments() -> None:
    op.create_table(
        "segments",
        _serial(),
        *map(_text, ("category", "wave", "run_id", "stage")),
        _number("shard"),
        *map(_text, ("name", "sha256", "root")),
        _number("objects"),
        _number("bytes"),
        sa.UniqueConstraint("run_id", "stage", "shard", name="segments_by_shard"),
    )
    op.create_index("segments_by_category", "segments", ["category"])


def _serial() -> sa.Column[int]:
    return sa.Column("number", SERIAL, primary_key=True, autoincrement=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _holder() -> list[sa.Column[Any]]:
    return [_number("token"), _text("host"), _number("pid"), _text("started"), sa.Column("expires_at", sa.Double, nullable=False)]
