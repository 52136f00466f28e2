"""Snapshots: the whole world at some positions, for looking back without a whole replay."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("projection", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
