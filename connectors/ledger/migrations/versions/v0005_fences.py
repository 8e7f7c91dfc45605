"""Write fences at sources, and which process each belongs to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXTS = ("id", "endpoint", "bucket", "prefixes", "categories", "kind", "users", "undo", "state", "who", "host", "at")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "fences",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in TEXTS),
        sa.Column("by_run", sa.Boolean, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.UniqueConstraint("id", name="fences_by_id"),
    )
