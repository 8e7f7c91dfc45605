"""The pace: what operators ordered for each endpoint, which processes wait and why, what was spent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "orders",
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("bytes_per_s", sa.Double),
        sa.Column("requests_per_s", sa.Double),
        sa.Column("paused_at", sa.Double, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_table(
        "waiting",
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("pid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
    op.create_table(
        "spent",
        sa.Column("endpoint", sa.Text, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("gets", "puts", "lists", "bytes_out", "bytes_in")),
    )
