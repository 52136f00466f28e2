"""Events into rows of the log and back: positions, stream versions and the hash chain."""

import hashlib
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from marvel.errors import LogUnavailable
from marvel.events import Draft, Event, Ref, decode, encode, stream_of
from marvel.store import schema

GENESIS = b"\0" * 32  # what the first event's hash is chained to


class Head(NamedTuple):
    """The newest event: what the next one continues."""

    position: int
    time: float
    hash: bytes


# Built once: see log.py.
_INSERT = sa.insert(schema.events)
_NEWEST_VERSION = sa.select(sa.func.max(schema.events.c.stream_version)).where(
    schema.events.c.stream == sa.bindparam("stream")
)
_ARCHIVED_VERSION = sa.select(schema.archived_streams.c.version).where(
    schema.archived_streams.c.stream == sa.bindparam("stream")
)


class Appender:
    """Builds events on top of the head and inserts them in one go."""

    def __init__(
        self,
        connection: sa.Connection,
        head: Head,
        now: float,
        *,
        actor: str,
        command: str | None = None,
        versions: dict[str, int] | None = None,
    ) -> None:
        self.events: list[Event] = []
        self._rows: list[dict[str, Any]] = []
        self._connection = connection
        self._position, _, self._hash = head
        self._now = now
        self._actor = actor
        self._command = command
        self._versions: dict[str, int] = {} if versions is None else versions

    def append(self, draft: Draft) -> Event:
        """The event as a reader of the log will see it, so that folding it now and in a replay is the same.

        A fact and what its JSON reads back as are equal, but not always alike: defaults that were said
        are left out of JSON only when they are the very same object.
        """
        self._position += 1
        fact = draft.fact
        event = Event(
            position=self._position,
            time=self._now,
            ref=draft.ref,
            fact=decode(fact.kind, fact.schema, encode(fact)),
            actor=draft.actor or self._actor,
            cause=draft.cause,
            command=self._command,
        )
        self.events.append(event)
        row = self._row(event)
        self._hash = row["hash"] = digest(self._hash, list(row.values()))
        self._rows.append(row)
        return event

    def flush(self) -> None:
        if self._rows:
            self._connection.execute(_INSERT, self._rows)

    def _row(self, event: Event) -> dict[str, Any]:
        """The stored columns in the table's order, but for the hash."""
        ref: Ref = event.ref
        stream = stream_of(ref)
        return {
            "position": event.position,
            "time": round(event.time * 1e6),
            "stream": stream,
            "stream_version": self._next_version(stream),
            "kind": event.kind,
            "schema": event.fact.schema,
            "workspace": ref.workspace,
            "team": ref.team,
            "role": ref.role,
            "session": ref.session,
            "uid": ref.uid,
            "generation": ref.generation,
            "actor": event.actor,
            "command": event.command,
            "cause": event.cause,
            "payload": encode(event.fact),
        }

    def _next_version(self, stream: str) -> int:
        if stream not in self._versions:
            newest = self._connection.execute(_NEWEST_VERSION, {"stream": stream}).scalar()
            self._versions[stream] = self._archived_version(stream) if newest is None else newest
        self._versions[stream] += 1
        return self._versions[stream]

    def _archived_version(self, stream: str) -> int:
        """Where a stream had come to before its events were archived; 0 for a new one."""
        return self._connection.execute(_ARCHIVED_VERSION, {"stream": stream}).scalar() or 0


def event_of(row: Any) -> Event:
    """The event of a whole row of the log. Raises LogUnavailable when the row is not readable.

    The row is unpacked in one go: a replay reads a million of them.
    """
    position, time, _, _, kind, written, *named, actor, command, cause, payload, _ = row
    workspace, team, role, session, uid, generation = named
    try:
        fact, at = decode(kind, written, payload), time / 1e6
    except (ValueError, TypeError, RecursionError) as error:  # somebody wrote over it, or nested it deeply
        raise LogUnavailable(
            f"event {position} can't be read: {error}",
            hint="marvel verify tells whether the log is whole",
        ) from error
    ref = Ref(workspace=workspace, team=team, role=role, session=session, uid=uid, generation=generation)
    return Event(
        position=position,
        time=at,
        ref=ref,
        fact=fact,
        actor=actor,
        cause=cause,
        command=command,
    )


def digest(previous: bytes, stored: list[Any]) -> bytes:
    """The hash of an event: of the one before it, and of its stored columns, a JSON array in table order."""
    return hashlib.sha256(previous + msgspec.json.encode(stored)).digest()


def intact(previous: bytes, stored: list[Any], found: bytes) -> bool:
    """Whether stored columns are what an event's hash was made of.

    Text is to be read with surrogates in place of what is no UTF-8: neither that nor a blob is ever ours.
    """
    if any(isinstance(value, bytes) for value in stored):
        return False
    try:
        return digest(previous, stored) == found
    except UnicodeEncodeError:
        return False
