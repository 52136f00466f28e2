"""The tables. `events` is the only truth and a stable read interface; the projections can be thrown away.

Times in columns are microseconds since the epoch (UTC); times inside JSON are seconds.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

events = sa.Table(
    "events",
    metadata,
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
    sa.Index("events_command", "command", sqlite_where=sa.text("command IS NOT NULL")),
    sqlite_autoincrement=True,
)


def _projection(name: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Index(f"{name}_workspace", "workspace"),
    )


workspaces = _projection("workspaces")
teams = _projection("teams")
roles = _projection("roles")
cohorts = _projection("cohorts")
sessions = _projection("sessions")
endpoints = _projection("endpoints")
shifts = _projection("shifts")
generations = _projection("generations")
daemons = _projection("daemons")
clocks = _projection("clocks")

# Leases, renewed by heartbeats: not derived from the log.
beats = sa.Table(
    "beats",
    metadata,
    sa.Column("uid", sa.Text, primary_key=True),
    sa.Column("at", sa.Integer, nullable=False),
    sa.Column("context_percent", sa.Float),
    sa.Column("said_at", sa.Integer),  # the last beat that said what the agent does
    sa.Column("count", sa.Integer, nullable=False),
)

# The world at some positions, for looking back; thrown away and made anew like the projections.
snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("projection", sa.Integer, nullable=False),  # that it was made by
    sa.Column("data", sa.LargeBinary, nullable=False),
)

# What was archived, and what the log goes on from: neither can be had from the events that are left.
archives = sa.Table(
    "archives",
    metadata,
    sa.Column("last", sa.Integer, primary_key=True),  # positions: what is in the file
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("time", sa.Integer, nullable=False),  # of the last one
    sa.Column("hash", sa.LargeBinary, nullable=False),  # of the last one: the next is chained to it
    sa.Column("file", sa.Text, nullable=False),  # beside the log
    sa.Column("world", sa.LargeBinary, nullable=False),  # after the last one, as in a snapshot
)
archived_streams = sa.Table(
    "archived_streams",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),  # the newest that was archived
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
