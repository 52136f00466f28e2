"""The events that are asked for, page by page: the first is there at once, and none is kept.

Each page is read in a transaction of its own, so that a reader who pauses holds nothing up.
"""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from marvel.cli import archived
from marvel.cli.get import named
from marvel.cli.moments import moment
from marvel.cli.times import MICROSECONDS
from marvel.errors import NotFound
from marvel.events import KINDS, decode, is_warning
from marvel.keys import find_session, team_key
from marvel.settings import Paths
from marvel.store.query import Reader
from marvel.store.rows import first_since

Row = dict[str, Any]

NEWEST = 50  # events without -n and --since
PAGE = 1_000  # events
# Where in a stream a position is: to sort all that is left of the stream for each page would take too long.
OWN_VERSION = "(SELECT stream_version FROM events AS e WHERE e.position = ? AND e.stream = events.stream)"
VERSION_BEFORE = (
    "(SELECT stream_version FROM events AS e WHERE e.stream = ? AND e.position <= ? "
    "ORDER BY stream_version DESC LIMIT 1)"
)
SOMETIMES = (
    "session.ended",
    "session.stuck",
    "session.injected",
    "health.changed",
)  # kinds whose payload tells whether they are a warning


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for, in the words of a user."""

    count: int | None = None  # newest
    since: str | None = None
    kind: str | None = None  # with * and ?
    session: str | None = None  # a key
    team: str | None = None
    warnings: bool = False
    actor: str | None = None  # whole, its part before the colon, or with *
    caused_by: int | None = None


class Pages:
    """The events that fit, oldest first, up to the head of the log at the time of asking."""

    def __init__(self, paths: Paths, wanted: Wanted) -> None:
        """Raises MarvelError."""
        self._paths = paths
        self._warnings = wanted.warnings
        now = time.time()
        with Reader(paths) as reader:
            self.where, self.values = condition(reader, wanted, now)
            self.head = reader.head()
            self._first, self._begin = self._beginning(reader, wanted, now)

    def __iter__(self) -> Iterator[list[Row]]:
        """Yield the pages; none of them is empty."""
        if self._first is not None:
            yield from filter(None, [self._first])
            return
        after, more = self._begin - 1, True
        while more:
            found = self.read(after, self.head)
            more = len(found) == PAGE
            after = found[-1]["position"] if found else after
            yield from filter(None, [self.fitting(found)])

    def read(self, after: int, until: int) -> list[Row]:
        """Return a page of the events past a position, warnings not sorted out yet."""
        with Reader(self._paths) as reader:
            return events_past(reader, after, until, self.where, self.values)

    def fitting(self, events: Iterable[Row]) -> list[Row]:
        """Return those that are a warning, where only these are asked for."""
        return [event for event in events if not self._warnings or warns(event)]

    def _beginning(self, reader: Reader, wanted: Wanted, now: float) -> tuple[list[Row] | None, int]:
        """Return the only page, if there is but one; else where to begin."""
        since = None if wanted.since is None else moment(wanted.since, now)
        if since is not None and wanted.count is None:
            archived.note(reader, since)
            return None, first_since(reader, since)
        count = NEWEST if wanted.count is None else wanted.count
        if count > PAGE and not self._warnings:
            begin = reader.nth_newest(count, self.where, *self.values)
            if not begin:
                archived.note(reader, since)
            return None, begin or reader.first()
        newest = reader.events(self.where, *self.values)
        fitting = (event for event in newest if not self._warnings or warns(event))
        if count <= PAGE:
            page = list(islice(fitting, count))[::-1]
            seen, begin = len(page), 0
        else:
            page, seen, begin = None, 0, self.head + 1
            for event in islice(fitting, count):
                seen, begin = seen + 1, event["position"]
        if seen < count:
            archived.note(reader, since)
        return page, begin


def events_past(reader: Reader, after: int, until: int, where: str, values: list[object]) -> list[Row]:
    """Return the oldest page of the events between two positions that satisfy a condition."""
    within = f"{where} AND position > ? AND position <= ?"
    given: tuple[object, ...] = (*values, after, until)
    if where.startswith("stream = ?"):
        within += f" AND stream_version > coalesce({OWN_VERSION}, {VERSION_BEFORE}, 0)"
        given = (*given, after, values[0], after)
    return list(islice(reader.events(within, *given, oldest_first=True), PAGE))


def condition(reader: Reader, wanted: Wanted, now: float) -> tuple[str, list[object]]:
    """Return SQL that narrows the log down, and its values."""
    where: list[str] = []
    values: list[object] = []

    def narrow(sql: str, *given: object) -> None:
        where.append(sql)
        values.extend(given)

    if wanted.session is not None:  # first: see Reader.events
        narrow("stream = ?", stream_of_key(reader, wanted.session))
    if wanted.since is not None:
        narrow("time >= ?", round(moment(wanted.since, now) * MICROSECONDS))
    if wanted.kind is not None:
        narrow("kind GLOB ?", wanted.kind.replace("[", "[[]"))
    if wanted.team is not None:
        if "/" in wanted.team:
            narrow("workspace = ? AND team = ?", *team_key(wanted.team))
        else:
            narrow("team = ?", wanted.team)
    if wanted.actor is not None:
        name = wanted.actor.replace("[", "[[]")
        narrow("(actor GLOB ? OR actor GLOB ?)", name, f"{name}:*")
    if wanted.caused_by is not None:
        narrow("cause = ?", wanted.caused_by)
    if wanted.warnings:
        kinds = [kind for kind, fact in KINDS.items() if fact.warning or kind in SOMETIMES]
        narrow(f"kind IN ({', '.join('?' * len(kinds))})", *kinds)
    return " AND ".join(where) or "1", values


def stream_of_key(reader: Reader, key: str) -> str:
    """Return the stream of a session's name: its incarnations share it, and it outlives their rows."""
    name = key.removeprefix("session/")
    if any(reader.events("stream = ?", f"session/{name}")):
        return f"session/{name}"
    rows = reader.sessions()
    uid = find_session(key, named(rows))
    for row in rows:
        if row["uid"] == uid:
            return f"session/{row['workspace']}/{row['name']}"
    for event in reader.events("uid = ?", key):
        return f"session/{event['workspace']}/{event['session']}"
    error = NotFound(f"no such session: {key}", hint="marvel get sessions --all lists what there is")
    raise archived.unknown(reader, error)


def warns(event: Row) -> bool:
    """Whether an event is worth a user's attention. One that this marvel can't read is not."""
    kind = event["kind"]
    if kind not in SOMETIMES:
        return kind in KINDS and KINDS[kind].warning
    try:
        return is_warning(decode(kind, event["schema"], msgspec.json.encode(event["payload"]).decode()))
    except ValueError:
        return False
