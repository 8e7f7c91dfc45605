"""Where readers and writers of each wave go, and whether any of it was ever erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Nothing was cut over or erased by any program before this one."""
    op.create_table(
        "routes",
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("wave", sa.Text, primary_key=True),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("erased", sa.Boolean, nullable=False),
        sa.Column("partition_sha256", sa.Text, nullable=False),
    )
