"""How far a run goes, and how many objects of a segment were written and not yet read back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both. What was sealed before was read back by a stage of its own: its copies count as unread."""
    op.add_column("runs", sa.Column("until", sa.Text, nullable=False, server_default="verify"))
    op.add_column("segments", sa.Column("unread", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE segments SET unread = objects WHERE stage = 'copy'")
