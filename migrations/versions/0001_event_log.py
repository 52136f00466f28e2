"""The event log, its projections, leases and meta data."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

PROJECTIONS = (
    "workspaces",
    "teams",
    "roles",
    "cohorts",
    "sessions",
    "endpoints",
    "shifts",
    "generations",
    "daemons",
    "clocks",
)


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("time", sa.Integer, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("stream_version", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("schema", sa.Integer, nullable=False),
        sa.Column("workspace", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("role", sa.Text),
        sa.Column("session", sa.Text),
        sa.Column("uid", sa.Text),
        sa.Column("generation", sa.Integer),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("command", sa.Text),
        sa.Column("cause", sa.Integer),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("stream", "stream_version", name="events_stream"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_command", "events", ["command"], sqlite_where=sa.text("command IS NOT NULL"))
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER events_no_{verb.lower()} BEFORE {verb} ON events "
            "BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END"
        )
    # INSERT OR REPLACE deletes without a DELETE trigger, unless a connection asks for recursive ones.
    op.execute(
        "CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events "
        "WHERE position = NEW.position OR (stream = NEW.stream AND stream_version = NEW.stream_version)) "
        "BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END"
    )
    for name in PROJECTIONS:
        op.create_table(
            name,
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column("workspace", sa.Text, nullable=False),
            sa.Column("data", sa.Text, nullable=False),
        )
        op.create_index(f"{name}_workspace", name, ["workspace"])
    op.create_table(
        "beats",
        sa.Column("uid", sa.Text, primary_key=True),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("context_percent", sa.Float),
        sa.Column("said_at", sa.Integer),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
