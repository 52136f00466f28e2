"""Moves old events to a file beside the log. What is left of them in the log is what it goes on from.

The file is a whole log of its own, with hashes and triggers. The log keeps the hash of the last archived
event, the world after it, and the newest version of each stream; so its chain can be checked, its tables
rebuilt, and no version is used twice. `log.archived`, chained like every event, holds the world's own hash.

The file is written and checked first; then the events are cut off in one transaction, the trigger against
that lifted inside it. That transaction checks again that the log still has exactly these events. A crash
between leaves a file too many, and loses nothing. One archive or restore runs at a time (`exclusively`).
"""

import fcntl
import hashlib
import itertools
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa

from marvel.errors import LogUnavailable, Rejected
from marvel.events import NOWHERE, Draft, LogArchived, LogRestored, LogTruncated
from marvel.settings import Paths
from marvel.store import migrate, projections, schema
from marvel.store.append import Head
from marvel.store.chain import BEGINNING, check_file
from marvel.store.copies import alone, remove
from marvel.store.engine import explained, open_once
from marvel.store.query import Reader, uri
from marvel.store.rows import unpacked, world_at
from marvel.store.snapshots import packed_world
from marvel.store.triggers import EXPECTED
from marvel.world import World

NO_DELETE = "events_no_delete"  # the trigger that is lifted
UNFINISHED = re.compile(r"(archive-\d+-\d+\.db\.new|marvel\.db\.restoring(\.new)?)(-wal|-shm|-journal)?")
LOST_UNTIL = "lost_until"  # in `meta`: see Reader.lost_until
MOST_EVENTS = 1_000_000  # in one file: cutting them off takes 3 s, and others wait 5 s for the log


class Cut(NamedTuple):
    """Which events go, and what stays of them."""

    first: int
    head: Head  # the last of them
    world: bytes
    file: str

    def draft(self) -> Draft:
        """The fact of it."""
        return Draft(
            ref=NOWHERE,
            fact=LogArchived(
                first=self.first,
                last=self.head.position,
                hash=self.head.hash.hex(),
                file=self.file,
                world_sha256=hashlib.sha256(self.world).hexdigest(),
            ),
        )


@contextmanager
def exclusively(paths: Paths) -> Iterator[None]:
    """Hold the lock under which files of the log are moved. Raises Rejected when another process holds it.

    The lock is on the state directory itself, so it leaves no file behind and ends with its process.
    """
    descriptor = os.open(paths.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        message = "another archive or restore of this log is running"
        raise Rejected(message, hint="wait until it has finished; nothing was changed") from None
    finally:
        os.close(descriptor)


def unfinished(paths: Paths) -> list[str]:
    """Return the files that a killed archive or restore left; only meaningful inside `exclusively`."""
    names = os.listdir(paths.home) if os.path.isdir(paths.home) else []
    return sorted(os.path.join(paths.home, name) for name in names if UNFINISHED.fullmatch(name))


def write_file(paths: Paths, first: int, last: int) -> Cut:
    """Write a log's events up to a position to a file beside it, and check that. Raises LogUnavailable."""
    fresh = os.path.join(paths.home, f"archive-{first}-{last}.db.new")
    remove(fresh)
    try:
        return _written(paths, fresh, first, last)
    except BaseException:
        remove(fresh)
        raise


def _written(paths: Paths, fresh: str, first: int, last: int) -> Cut:
    with explained(fresh):
        with Reader(paths) as reader:
            world = world_at(reader, last)
        engine = open_once(fresh)
        migrate.upgrade(engine, fresh)
        _fill(paths.database, fresh, last)
        with engine.begin() as connection:
            projections.replace_all(connection, world)
        engine.dispose()
        alone(fresh)
    head = check_file(fresh)
    if head.position != last:
        raise LogUnavailable(f"{fresh} ends at position {head.position}, not {last}")
    name = _free_name(paths.home, first, head)
    os.rename(fresh, os.path.join(paths.home, name))
    return Cut(first, head, packed_world(world), name)


def cut(connection: sa.Connection, what: Cut) -> None:
    """Take the archived events out of the log, inside the transaction that records it.

    Raises LogUnavailable when the log does not begin and go on as it did when the file was written.
    """
    _check_unchanged(connection, what)
    row = {
        "last": what.head.position,
        "first": what.first,
        "time": round(what.head.time * 1e6),
        "hash": what.head.hash,
        "file": what.file,
        "world": what.world,
    }
    connection.execute(sa.insert(schema.archives), row)
    events, last = schema.events.c, what.head.position
    versions = sa.select(events.stream, sa.func.max(events.stream_version)).where(events.position <= last)
    columns = ["stream", "version"]
    insert = sa.insert(schema.archived_streams).prefix_with("OR REPLACE")
    connection.execute(insert.from_select(columns, versions.group_by(events.stream)))
    connection.exec_driver_sql(f"DROP TRIGGER {NO_DELETE}")
    _keep_lost_until(connection, last)
    connection.execute(schema.events.delete().where(events.position <= last))
    connection.exec_driver_sql(EXPECTED[NO_DELETE])
    connection.execute(schema.snapshots.delete().where(schema.snapshots.c.position <= last))


def _check_unchanged(connection: sa.Connection, what: Cut) -> None:
    columns = schema.events.c
    found = connection.execute(sa.select(columns.hash).where(columns.position == what.head.position)).scalar()
    if base(connection).position + 1 != what.first or found != what.head.hash:
        raise LogUnavailable(
            f"the log has changed since {what.file} was written: nothing was cut off", hint="try again"
        )


def _keep_lost_until(connection: sa.Connection, last: int) -> None:
    """Remember what archived events say of positions that were used twice."""
    query = (
        "SELECT max(coalesce(json_extract(payload, '$.replaced_position'), "
        "json_extract(payload, '$.noted_position'))) FROM events "
        "WHERE stream = 'log' AND kind IN (?, ?) AND position <= ?"
    )
    found = connection.exec_driver_sql(query, (LogRestored.kind, LogTruncated.kind, last)).scalar()
    if found is not None:
        keep = (
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) "
            "DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))"
        )
        connection.exec_driver_sql(keep, (LOST_UNTIL, str(found)))


def base(connection: sa.Connection) -> Head:
    """What the log goes on from: the last archived event."""
    row = _newest(connection)
    return BEGINNING if row is None else Head(row.last, row.time / 1e6, row.hash)


def base_world(connection: sa.Connection) -> World:
    """The world after the last archived event. Raises LogUnavailable when that can't be read."""
    row = _newest(connection)
    return World() if row is None else unpacked(row.last, row.world)


def holds(connection: sa.Connection, home: str, uid: str) -> bool:
    """Whether an archive has an event about a session. One that is missing or unreadable says nothing."""
    for (file,) in connection.execute(sa.select(schema.archives.c.file)):
        try:
            archived = sqlite3.connect(uri(os.path.join(home, file)), uri=True)
            try:
                if archived.execute("SELECT 1 FROM events WHERE uid = ? LIMIT 1", (uid,)).fetchone():
                    return True
            finally:
                archived.close()
        except sqlite3.Error:
            continue
    return False


def wrong(connection: sa.Connection) -> str | None:
    """What is not as it was archived, or None."""
    row = _newest(connection)
    if row is None:
        return None
    columns = schema.events.c
    query = sa.select(columns.payload).where(columns.stream == "log", columns.kind == LogArchived.kind)
    payload = connection.execute(query.order_by(columns.position.desc()).limit(1)).scalar()
    if payload is not None and hashlib.sha256(row.world).hexdigest() not in payload:
        return f"the world that positions up to {row.last} led to was changed after they were archived"
    return None


def _newest(connection: sa.Connection) -> Any:
    return connection.execute(sa.select(schema.archives).order_by(schema.archives.c.last.desc())).first()


def _free_name(home: str, first: int, head: Head) -> str:
    """A name that is free, or whose file has these very events: one of a restored log may have others."""
    for number in itertools.count(1):
        name = f"archive-{first}-{head.position}{f'-{number}' if number > 1 else ''}.db"
        path = os.path.join(home, name)
        if not os.path.exists(path) or _is_headed(path, head):
            break
    return name


def _is_headed(path: str, head: Head) -> bool:
    try:
        return check_file(path) == head
    except LogUnavailable:
        return False


def _fill(source: str, target: str, last: int) -> None:
    """Copy what belongs into an archive, but for its tables of rows."""
    connection = sqlite3.connect(uri(target).replace("mode=ro", "mode=rw"), uri=True, isolation_level=None)
    try:
        connection.execute("ATTACH ? AS log", (uri(source),))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO events SELECT * FROM log.events WHERE position <= ?", (last,))
        for table in ("archives", "archived_streams"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM log.{table}")  # noqa: S608
        connection.execute("INSERT INTO meta SELECT * FROM log.meta WHERE name IN ('log_id', 'projection')")
        connection.execute("COMMIT")
    finally:
        connection.close()
