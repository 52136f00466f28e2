"""Reads for people: the projections' rows as plain dicts, events, and whether a daemon runs.

Standard library only, and little of that: `marvel get` pays for every import. The log is opened
read-only and never created; where there is none, the world is empty. A row is what a projection holds:
fields that equal their default are missing (marvel/resources.py has the defaults).
"""

from __future__ import annotations

import os
import sqlite3
from stat import S_ISREG

from marvel.errors import LogUnavailable
from marvel.settings import check_private, own_file
from marvel.store.condition import NOTE_BYTES
from marvel.store.faults import in_words
from marvel.store.revisions import PROJECTION, refuse_newer

TYPE_CHECKING = False  # the name is what type checkers look for; importing typing would cost 3 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from marvel.settings import Paths

BUSY_TIMEOUT_SECONDS = 5.0
NOTE_READS = 3  # of a daemon's note, until one is not half written
MICROSECONDS = 1_000_000
PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-~")
EVENT_COLUMNS = "position time kind schema workspace team role session uid generation actor cause payload"


STREAMS_OF_TEAM = "stream = ? OR stream >= ? AND stream < ?"  # a condition on the values of streams_of


class _Scanning:
    """What json.JSONDecoder is to its C scanner, without the regular expressions json imports."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012  # of the scanner written in Python, where there is no other


def _loader() -> Callable[[str], Any]:
    """`json.loads` for JSON that we wrote: without importing json, 2 to 4 ms, where CPython lets us."""
    try:
        from _json import make_scanner

        context: Any = _Scanning
        scan = make_scanner(context)
        if scan('{"a": [1, 2.5, null, true]}', 0)[0] == {"a": [1, 2.5, None, True]}:
            return lambda text: scan(text, 0)[0]
    except (ImportError, AttributeError, TypeError, ValueError):
        pass
    import json

    return json.loads


_load = _loader()


def loads(text: str) -> Any:
    """What a row's JSON holds. Raises LogUnavailable when it is none."""
    try:
        return _load(text)
    except (TypeError, ValueError, RecursionError, StopIteration) as error:
        message = f"a row of the event log can't be read: {text[:40]}"
        raise LogUnavailable(message, hint="marvel verify, then marvel rebuild") from error


class Reader:
    """One consistent view of the log, for a `with`. Fetch everything, leave, then print."""

    def __init__(self, paths: Paths) -> None:
        """Raises MarvelError when the directory, or the log in it, may not or can't be read."""
        self._path = paths.database
        self._connection: sqlite3.Connection | None = None
        if not check_private(paths.home) or not _is_there(self._path):
            return
        try:
            self._connection = self._begin()
        except sqlite3.Error as error:
            raise in_words(self._path, error) from error

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def rows(self, table: str, workspace: str | None = None) -> list[dict[str, Any]]:
        """A projection's rows, all or one workspace's. `table` is one of ours, never a person's word."""
        query = f"SELECT data FROM {table}"  # noqa: S608
        if workspace is not None:
            return [loads(data) for (data,) in self._all(query + " WHERE workspace = ?", workspace)]
        return [loads(data) for (data,) in self._all(query)]

    def sessions(self, workspace: str | None = None) -> list[dict[str, Any]]:
        """Sessions with their leases: `last_heartbeat_at`, `heartbeats`, and the newest context percent."""
        query = "SELECT s.data, b.at, b.context_percent, b.count FROM sessions AS s LEFT JOIN beats AS b"
        query += " ON b.uid = s.key"
        if workspace is not None:
            found = self._all(query + " WHERE s.workspace = ?", workspace)
        else:
            found = self._all(query)
        return [leased(loads(data), lease if lease[0] is not None else None) for data, *lease in found]

    def leases(self) -> dict[str, tuple[int, float | None, int]]:
        """By uid: last beat (µs), context percent, and how many beats there were."""
        return {uid: lease for uid, *lease in self._all("SELECT uid, at, context_percent, count FROM beats")}

    def head(self) -> int:
        """The newest position; 0 where there is no log."""
        return int(next(self._each("SELECT max(position) FROM events"), (0,))[0] or 0)

    def log_id(self) -> str | None:
        """Which log this is; None where there is none."""
        return next(self._each("SELECT value FROM meta WHERE name = 'log_id'"), (None,))[0]

    def trigger_problem(self) -> str:
        """What is wrong with the triggers that protect the events; empty when nothing is."""
        from marvel.store import triggers  # asked for by `doctor` only

        return triggers.wrong(self._all(triggers.QUERY)) if self._connection is not None else ""

    def snapshot(self, position: int) -> tuple[int, bytes] | None:
        """The newest snapshot up to a position that this marvel can use, and its own position."""
        if not self._all("SELECT 1 FROM sqlite_master WHERE name = 'snapshots'"):
            return None  # a log that no writer has upgraded yet
        query = "SELECT position, data FROM snapshots WHERE position <= ? AND projection = ?"
        query += " UNION ALL SELECT last, world FROM archives WHERE last <= ?"
        found = self._all(f"{query} ORDER BY position DESC LIMIT 1", position, PROJECTION, position)
        return found[0] if found else None

    def first(self) -> int:
        """The oldest position that is in the log itself; 0 where there is none."""
        return int(next(self._each("SELECT min(position) FROM events"), (0,))[0] or 0)

    def archives(self) -> list[tuple[int, int, str]]:
        """What was archived, oldest first: first and last position, and the file's name."""
        if not self._all("SELECT 1 FROM sqlite_master WHERE name = 'archives'"):
            return []
        return self._all("SELECT first, last, file FROM archives ORDER BY last")

    def base(self) -> tuple[int, float, str] | None:
        """The last archived event: position, time, and the file it is in; None when nothing was archived."""
        if not self.archives():
            return None
        last, time, file = self._all("SELECT last, time, file FROM archives ORDER BY last DESC LIMIT 1")[0]
        return last, time / MICROSECONDS, file

    def hash_at(self, position: int) -> bytes | None:
        """The hash of the event at a position, or of the last archived one; None when the log has neither."""
        found = self._all("SELECT hash FROM events WHERE position = ?", position)
        if not found and self.archives():
            found = self._all("SELECT hash FROM archives WHERE last = ?", position)
        return found[0][0] if found else None

    def lost_until(self, position: int) -> int:
        """How far positions past one were used before, by events that a restore or a power cut took away.

        0 when none were: then a position names one event, whenever it was read.
        """
        where = "stream = 'log' AND kind IN ('log.restored', 'log.truncated') AND position <= ?"
        payloads = [event["payload"] for event in self.events(where, position)]
        ends = [
            payload.get("replaced_position") or payload.get("noted_position") or 0 for payload in payloads
        ]
        kept = self._all("SELECT value FROM meta WHERE name = 'lost_until'")
        return max([end for end in (*ends, *(int(value) for (value,) in kept)) if end >= position], default=0)

    def daemon(self) -> dict[str, Any] | None:
        """The daemon that runs, or ran last."""
        rows = self.rows("daemons")
        return rows[0] if rows else None

    def events(
        self, where: str = "1", *values: object, oldest_first: bool = False, decoded: bool = True
    ) -> Iterator[dict[str, Any]]:
        """Events that satisfy an SQL condition, newest first, one at a time; payloads are decoded.

        A condition that begins with `stream = ?` is answered from that stream's index, in the same order.
        """
        columns = EVENT_COLUMNS.split()
        order = _order(where) + ("" if oldest_first else " DESC")
        query = f"SELECT {', '.join(columns)} FROM events WHERE {where} ORDER BY {order}"  # noqa: S608
        for row in self._each(query, *values):
            event = dict(zip(columns, row, strict=True))
            if not isinstance(event["time"], int):
                message = f"event {event['position']} can't be read: its time is no number"
                raise LogUnavailable(message, hint="marvel verify tells whether the log is whole")
            event["time"] /= MICROSECONDS
            if decoded:
                event["payload"] = loads(event["payload"])
            yield event

    def nth_newest(self, count: int, where: str, *values: object) -> int:
        """Return the position of the oldest of the newest events that fit; 0 when there are fewer."""
        query = f"SELECT position FROM events WHERE {where} ORDER BY {_order(where)} DESC"  # noqa: S608
        query += " LIMIT 1 OFFSET ?"
        found = self._all(query, *values, count - 1)
        return int(found[0][0]) if found else 0

    def _all(self, query: str, *values: object) -> list[Any]:
        return list(self._each(query, *values))

    def _each(self, query: str, *values: object) -> Iterator[Any]:
        if self._connection is None:
            return
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise in_words(self._path, error) from error

    def _begin(self) -> sqlite3.Connection | None:
        """A connection inside a read transaction; None while the tables are yet to be made."""
        connection = sqlite3.connect(
            uri(self._path), uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None
        )
        try:
            connection.execute("BEGIN")
            made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            version = made and connection.execute("SELECT version_num FROM alembic_version").fetchone()
            refuse_newer(self._path, version[0] if version else None)
        except BaseException:
            connection.close()
            raise
        if version:
            return connection
        connection.close()
        return None


def _order(where: str) -> str:
    """The column that has events in their order, and an index for a condition."""
    return "stream_version" if where.startswith("stream = ?") else "position"


def streams_of(workspace: str, team: str) -> tuple[str, str, str]:
    """The streams of a team and of its roles, by the index: not those of sessions, which have most events."""
    roles = f"role/{workspace}/{team}"
    return f"team/{workspace}/{team}", f"{roles}/", f"{roles}{chr(ord('/') + 1)}"


def _is_there(path: str) -> bool:
    """Whether there is a log. Raises LogUnavailable when that can't be told, or it is no regular file."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LogUnavailable(f"event log {path}: {error.strerror}") from error
    if not S_ISREG(mode):
        raise LogUnavailable(f"event log {path} is not a regular file")
    return True


def leased(row: dict[str, Any], lease: Any) -> dict[str, Any]:
    """A session's row with what its lease knows, written into it: last beat (µs), percent, count."""
    if lease is not None:
        at, percent, count = lease
        row["last_heartbeat_at"] = at / MICROSECONDS
        row["heartbeats"] = count
        if percent is not None:  # every percent of an event came with a beat: the lease is never older
            row["context_percent"] = percent
    return row


def daemon_note(paths: Paths) -> dict[str, Any] | None:
    """What the running daemon wrote into its lock (pid, since, run_id, how it is); None when none runs."""
    try:
        descriptor = own_file(paths.lock, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogUnavailable(f"{paths.lock} can't be read: {error.strerror}") from error
    try:
        for _ in range(NOTE_READS):
            text = os.pread(descriptor, NOTE_BYTES, 0)
            if not text or not _is_held(descriptor):
                return None
            try:
                note = loads(text.decode())
            except (LogUnavailable, ValueError):
                continue  # it is just being written
            return note if isinstance(note, dict) else {}
    finally:
        os.close(descriptor)
    return {}


def _is_held(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def head_of_file(path: str) -> tuple[int, bytes] | None:
    """Return position and hash of the newest event in a file, unchecked; None when it can't be read."""
    newest = "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1"
    try:
        connection = sqlite3.connect(uri(path), uri=True, isolation_level=None)
        try:
            found: tuple[int, bytes] | None = connection.execute(newest).fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return None
    return found


def uri(path: str) -> str:
    """A read-only URI of any path, odd ones included."""
    quoted = "".join(chr(byte) if byte in PLAIN else f"%{byte:02X}" for byte in os.fsencode(path))
    return f"file://{quoted}?mode=ro"
