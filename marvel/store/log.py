"""The one door: `Store.record` is the only way a fact enters the log.

    begin immediate → the part of the world that is needed → decide → append → project → commit → ring

A decision is thus made inside the write transaction: it sees all that was recorded before it, two
commands can't contradict each other, and nobody needs a retry loop. The projections change in the same
transaction. `decide` may yield drafts one at a time: each is folded in before the next is asked for, so
that what follows sees what it did.
"""

import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from marvel.errors import LogUnavailable
from marvel.events import NOWHERE, Draft, Event, LogCreated, stream_of
from marvel.settings import Paths, make_private
from marvel.store import archive, migrate, projections, room, schema, snapshots, triggers
from marvel.store.append import Appender, Head, event_of
from marvel.store.bell import ring
from marvel.store.chain import first_wrong
from marvel.store.engine import any_text, explained, open_engine
from marvel.store.revisions import PROJECTION
from marvel.world import Change, World

SMALL_STEP_SECONDS = 1.0  # a clock that is behind the log by less is not followed back
READ_BATCH = 10_000  # events fetched at a time in a replay

Decide = Callable[[World, float], Iterable[Draft]]

# Statements of every pass, built once: building one costs more than carrying it out.
_EVENTS = schema.events.c
_HEAD = sa.select(_EVENTS.position, _EVENTS.time, _EVENTS.hash).order_by(_EVENTS.position.desc()).limit(1)
_NEWER = sa.select(schema.events).where(_EVENTS.position > sa.bindparam("after")).order_by(_EVENTS.position)
_OF_COMMAND = sa.select(schema.events).where(_EVENTS.command == sa.bindparam("id")).order_by(_EVENTS.position)
_META = sa.select(schema.meta.c.value).where(schema.meta.c.name == sa.bindparam("name"))


def _renewal() -> sa.Executable:
    """Leases renewed: None in said_at and context_percent means unchanged."""
    beats, insert = schema.beats.c, sqlite_insert(schema.beats)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["uid"],
        set_={
            "at": new.at,
            "context_percent": sa.func.coalesce(new.context_percent, beats.context_percent),
            "said_at": sa.func.coalesce(new.said_at, beats.said_at),
            "count": beats.count + new["count"],
        },
    )


_RENEWAL = _renewal()


class Recorded(NamedTuple):
    """What a pass through the door gave."""

    events: list[Event]  # appended by this call, or by an earlier one with the same command
    seen: list[Event]  # everything new to a store that keeps its world, the appended ones included
    world: World
    reloaded: bool  # the kept world was read anew: anything may have changed


class Store:
    """One event log. Not for several threads.

    With `keep_world` the world stays in memory and is caught up from the log in every call; otherwise
    each call loads what it needs from the projections.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        keep_world: bool = False,
        clock: Callable[[], float] = time.time,
        any_triggers: bool = False,
    ) -> None:
        """`any_triggers`: open the log to look at it or to rebuild it, whatever became of its triggers."""
        make_private(paths.home)
        self.path = paths.database
        self._bell = paths.bell
        self._clock = clock
        self._keep = keep_world
        self._world: World | None = None
        self._caught_up: int | None = None  # the `_version` that the kept world has seen
        self._versions: dict[str, int] = {}  # newest version of streams, while the world is kept
        with explained(self.path):
            self._engine = open_engine(self.path)
            migrate.upgrade(self._engine, self.path)
            if not any_triggers:
                self._refuse_other_triggers()
            self._raw: Any = self._engine.raw_connection().driver_connection  # its only one
            self.log_id = self._begin_log()
        self._refresh_projections()

    def close(self) -> None:
        """End the connection."""
        self._engine.dispose()

    def record(
        self,
        decide: Decide,
        *,
        actor: str,
        command: str | None = None,
        workspace: str | None = None,
        and_then: Callable[[sa.Connection], None] | None = None,
    ) -> Recorded:
        """Decide and append, in one transaction; `and_then` does what belongs to it in the tables.

        `command` is an idempotency key: when events with it exist, they are returned and nothing is
        decided. `workspace` limits the world that `decide` gets (ignored while the world is kept).
        Raises what `decide` raises (nothing is recorded then), and LogUnavailable.
        """
        kept = self._world
        if kept is not None:
            kept.begin()
        try:
            with explained(self.path), self._transaction(write=True) as connection:
                recorded, appended = self._record(connection, decide, actor, command, workspace)
                if and_then is not None:
                    and_then(connection)
        except BaseException:
            self._forsake(kept)
            raise
        if kept is not None:
            kept.settle()
        if appended:
            ring(self._bell)
        return recorded

    def _forsake(self, kept: World | None) -> None:
        """Undo in memory what was not committed: others hold the kept world, and act on what it says.

        What others had recorded meanwhile is undone with it, so that the next call returns it as seen.
        """
        if kept is not None:
            kept.rollback()
        self._world = kept
        self._caught_up = None
        self._versions.clear()

    def _record(
        self,
        connection: sa.Connection,
        decide: Decide,
        actor: str,
        command: str | None,
        workspace: str | None,
    ) -> tuple[Recorded, bool]:
        head = self._head(connection)
        world, seen, reloaded = self._present(connection, head, workspace)
        if command is not None:
            before = _events(connection, _OF_COMMAND, id=command)
            if before:
                return Recorded(before, seen, world, reloaded), False
        now = self._time(head)
        appender = Appender(
            connection,
            head,
            now,
            actor=actor,
            command=command,
            versions=self._versions if self._keep else {},
        )
        changes: list[Change] = []
        for draft in decide(world, now):
            changes += world.apply(appender.append(draft))
        appender.flush()
        projections.write(connection, changes)
        if snapshots.is_due(head.position, world.position):
            snapshots.take(connection, world.position)
        return Recorded(appender.events, seen + appender.events, world, reloaded), bool(appender.events)

    def catch_up(self) -> Recorded:
        """Bring the kept world to the head of the log without writing."""
        version = self._version()
        if self._world is not None and version is not None and version == self._caught_up:
            return Recorded([], [], self._world, False)  # what was recorded here is in it already
        with explained(self.path), self._transaction() as connection:
            head = self._head(connection)
            world, seen, reloaded = self._present(connection, head, None)
        self._caught_up = version
        return Recorded([], seen, world, reloaded)

    def head(self) -> Head:
        """The newest event's position, time and hash."""
        with explained(self.path), self._transaction() as connection:
            return self._head(connection)

    def read(self, after: int = 0, *, until: int | None = None) -> Iterator[Event]:
        """Events past a position in order, in batches, each batch in a transaction of its own."""
        while True:
            with explained(self.path), self._transaction() as connection:
                batch = _events(connection, _NEWER.limit(READ_BATCH), after=after)
            for event in batch:
                if until is not None and event.position > until:
                    return
                yield event
            if len(batch) < READ_BATCH:
                return
            after = batch[-1].position

    def knows(self, uid: str) -> bool:
        """Whether any event is about a session, archived ones included. Reads all of them when none is."""
        query = sa.select(schema.events.c.position).where(schema.events.c.uid == uid).limit(1)
        with explained(self.path), self._transaction() as connection:
            if connection.execute(query).first() is not None:
                return True
            return archive.holds(connection, os.path.dirname(self.path), uid)

    def beat(self, rows: list[dict[str, Any]]) -> None:
        """Renew leases: rows of uid, at and said_at (µs), context_percent, count (to be added).

        None in said_at and context_percent means unchanged.
        """
        with explained(self.path), self._transaction(write=True) as connection:
            connection.execute(_RENEWAL, rows)
        ring(self._bell)

    def leases(self) -> dict[str, tuple[float, float | None, float | None]]:
        """Last beat, context percent and last word of every session that ever beat; times in seconds."""
        with explained(self.path), self._transaction() as connection:
            rows = connection.execute(sa.select(schema.beats)).all()
        return {
            row.uid: (row.at / 1e6, row.context_percent, None if row.said_at is None else row.said_at / 1e6)
            for row in rows
        }

    def rebuild(self) -> World:
        """Replay the log and write the rows again; put its triggers right."""
        with explained(self.path), self._transaction(write=True) as connection:
            triggers.put_right(_triggers(connection), connection.exec_driver_sql)
            world = archive.base_world(connection)
            snapshots.forget(connection)
            for event in self._replay(connection):
                world.apply(event)
                if snapshots.is_due(event.position - 1, event.position):
                    snapshots.take_of(connection, world)
            projections.replace_all(connection, world)
            _set_meta(connection, "projection", str(PROJECTION))
        self._world = None
        return world

    def check(self) -> list[str]:
        """Where rows differ from a replay of the log, and triggers from those it needs, one line each."""
        with explained(self.path), self._transaction() as connection:
            world = archive.base_world(connection)
            for event in self._replay(connection):
                world.apply(event)
            problem = triggers.wrong(_triggers(connection))
            return [*projections.differences(connection, world), *([problem] if problem else [])]

    def verify(self) -> tuple[int, str | None]:
        """Check the hash chain: how many events were read, and the first thing wrong, or None."""
        query = sa.select(schema.events).order_by(schema.events.c.position)
        with explained(self.path), self._transaction() as connection, any_text(connection):
            rows = connection.execute(query).yield_per(READ_BATCH)
            count, wrong = first_wrong(rows, archive.base(connection))
            return count, wrong or archive.wrong(connection) or triggers.wrong(_triggers(connection)) or None

    def shrink(self) -> bool:
        """Give the room of archived events back to the file system; whether that was possible.

        Others read and write meanwhile. Raises LogUnavailable.
        """
        with explained(self.path), self._engine.connect() as connection:
            return room.give_back(connection.connection.dbapi_connection)

    def _refuse_other_triggers(self) -> None:
        """Raise LogUnavailable when events could be changed, or when something else runs with them."""
        with self._transaction() as connection:
            problem = triggers.wrong(_triggers(connection))
        if problem:
            raise LogUnavailable(f"event log {self.path}: {problem}", hint=triggers.HINT)

    def _version(self) -> int | None:
        """A number that changes when another connection commits, much cheaper than to look; None when it
        can't be had: a look will say why.
        """
        try:
            (version,) = self._raw.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return None
        return int(version)

    def _transaction(self, *, write: bool = False) -> "_Transaction":
        return _Transaction(self._engine, write=write)

    def _present(
        self, connection: sa.Connection, head: Head, workspace: str | None
    ) -> tuple[World, list[Event], bool]:
        """The world at the head of the log, and what a kept world had not seen yet."""
        if not self._keep:
            return projections.load(connection, head.position, workspace), [], False
        if self._world is None or self._world.position > head.position:
            self._world = projections.load(connection, head.position)
            self._versions.clear()  # others may have recorded since they were read
            return self._world, [], True
        if self._world.position == head.position:
            return self._world, [], False
        seen = _events(connection, _NEWER, after=self._world.position)
        if seen[0].position != self._world.position + 1:  # archived before it was seen here
            self._world = projections.load(connection, head.position)
            self._versions.clear()
            return self._world, [], True
        for event in seen:
            self._world.apply(event)
            self._versions.pop(stream_of(event.ref), None)
        return self._world, seen, False

    def _replay(self, connection: sa.Connection) -> Iterator[Event]:
        query = sa.select(schema.events).order_by(schema.events.c.position)
        for row in connection.execute(query).yield_per(READ_BATCH):
            yield event_of(row)

    def _head(self, connection: sa.Connection) -> Head:
        row = connection.execute(_HEAD).first()
        return archive.base(connection) if row is None else Head(row.position, row.time / 1e6, row.hash)

    def _time(self, head: Head) -> float:
        """Now, in whole microseconds, rounded up: what is due now must not be due later by a fraction.

        Not behind the log by a small step.
        """
        clock = self._clock()
        micro = math.ceil(clock * 1e6)
        now = (micro if micro / 1e6 >= clock else micro + 1) / 1e6  # the product was rounded too
        return head.time if head.time - SMALL_STEP_SECONDS < now < head.time else now

    def _begin_log(self) -> str:
        """The log's id; a new log's first event is that it was created."""
        with self._transaction() as connection:
            found = _get_meta(connection, "log_id")
        if found is not None:
            return found
        with self._transaction(write=True) as connection:
            found = _get_meta(connection, "log_id")
            if found is not None:
                return found
            log_id = uuid4().hex[:16]
            head = self._head(connection)
            appender = Appender(connection, head, self._time(head), actor="marvel")
            appender.append(Draft(ref=NOWHERE, fact=LogCreated(log_id=log_id)))
            appender.flush()
            _set_meta(connection, "log_id", log_id)
            _set_meta(connection, "projection", str(PROJECTION))
            return log_id

    def _refresh_projections(self) -> None:
        with explained(self.path), self._transaction() as connection:
            current = _get_meta(connection, "projection") == str(PROJECTION)
        if not current:
            self.rebuild()


class _Transaction:
    """A connection inside a transaction, for a `with`."""

    def __init__(self, engine: sa.Engine, *, write: bool) -> None:
        self._connection = engine.connect().execution_options(write=write)

    def __enter__(self) -> sa.Connection:
        try:
            self._began = self._connection.begin()
        except BaseException:
            self._connection.close()
            raise
        return self._connection

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if kind is None:
                self._began.commit()
            else:
                self._began.rollback()
        finally:
            self._connection.close()


def _events(connection: sa.Connection, query: sa.Select[Any], **values: Any) -> list[Event]:
    return [event_of(row) for row in connection.execute(query, values)]


def _triggers(connection: sa.Connection) -> list[Any]:
    return list(connection.exec_driver_sql(triggers.QUERY).all())


def _get_meta(connection: sa.Connection, name: str) -> str | None:
    value = connection.execute(_META, {"name": name}).scalar()
    return None if value is None else str(value)


def _set_meta(connection: sa.Connection, name: str, value: str) -> None:
    connection.execute(sa.insert(schema.meta).prefix_with("OR REPLACE"), {"name": name, "value": value})
