"""The world and its events from what a reader sees: for what is only looked at, never recorded."""

import zlib
from collections.abc import Iterable, Iterator

import msgspec

from marvel.errors import LogUnavailable
from marvel.events import Event, Ref, decode
from marvel.resources import Resource
from marvel.settings import Paths
from marvel.store.query import Reader
from marvel.world import TABLES, World

_packed = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
_decoders = {name: msgspec.json.Decoder(kind) for name, kind in TABLES.items()}
REF_FIELDS = Ref.__struct_fields__
MICROSECOND = 1e-6
BATCH = 1_000  # events read in one transaction


def load_world(reader: Reader, workspace: str | None = None) -> World:
    """The projections' rows, all or one workspace's, as the world. Raises LogUnavailable."""
    rows: list[Resource] = []
    for table, kind in TABLES.items():
        shared = table in ("daemons", "clocks")
        found = reader.rows(table, None if shared else workspace)
        try:
            rows += [msgspec.convert(row, kind) for row in found]
        except ValueError as error:
            raise wrong_shape(table, error) from error
    return World(rows, position=reader.head())


def wrong_shape(table: str, error: Exception) -> LogUnavailable:
    """What is raised for a row that is not as this marvel writes it: somebody else wrote over it."""
    message = f"a row of the table {table} has a wrong shape: {error}"
    return LogUnavailable(message, hint="marvel rebuild makes the rows again from the events")


def events_after(reader: Reader, position: int, *, until: int) -> Iterator[Event]:
    """Events past a position, oldest first. Raises LogUnavailable when one can't be read."""
    within, expected = "position > ? AND position <= ?", position
    for row in reader.events(within, position, until, oldest_first=True, decoded=False):
        expected += 1
        if row["position"] != expected:
            raise _missing(reader, expected)
        try:
            fact = decode(row["kind"], row["schema"], row["payload"])
        except ValueError as error:
            message = f"event {row['position']} can't be read: {error}"
            raise LogUnavailable(message, hint="marvel verify tells whether the log is whole") from error
        yield Event(
            position=row["position"],
            time=row["time"],
            ref=Ref(**{name: row[name] for name in REF_FIELDS}),
            fact=fact,
            actor=row["actor"],
            cause=row["cause"],
        )


def world_at(reader: Reader, position: int) -> World:
    """The world as it was at a position: the snapshot before it, and the events since."""
    found = reader.snapshot(position)
    world = World() if found is None else unpacked(*found)
    for event in events_after(reader, world.position, until=position):
        world.apply(event)
    if world.position != position:
        raise _missing(reader, world.position + 1)
    return world


def events_between(paths: Paths, position: int, last: int) -> Iterator[Event]:
    """Events past a position up to another, oldest first; none of the transactions it takes is long."""
    while position < last:
        until = min(position + BATCH, last)
        with Reader(paths) as reader:
            found = list(events_after(reader, position, until=until))
        yield from found
        position = until


def _missing(reader: Reader, position: int) -> LogUnavailable:
    for first, last, file in reader.archives():
        if first <= position <= last:
            return LogUnavailable(f"event {position} is not in the log", hint=f"it is archived in {file}")
    return LogUnavailable(f"event {position} is not in the log", hint="marvel verify tells why")


def position_at(reader: Reader, moment: float) -> int:
    """The position of the last event up to a moment; 0 when there is none.

    Time runs forward between jumps of the clock: the newest stretch that had begun by then is searched.
    """
    for first, last in _stretches(reader):
        if _time_of(reader, first) <= moment:
            return _last_until(reader, moment, first, last)
    return 0


def first_since(reader: Reader, moment: float) -> int:
    """The first position whose event is not older than a moment; past the head when all are."""
    found = reader.head() + 1
    for first, last in _stretches(reader):
        if _time_of(reader, first) >= moment:
            found = first
        elif _time_of(reader, last) >= moment:
            # Times of events are whole microseconds; a small step back is none: see Store.
            found = _last_until(reader, moment - MICROSECOND, first, last) + 1
    return found


def _stretches(reader: Reader) -> Iterator[tuple[int, int]]:
    """First and last position of the stretches in which time runs forward, newest first."""
    jumps = reader.events("stream = ? AND kind = 'clock.stepped'", "log")
    last = reader.head()
    for first in [*(jump["position"] for jump in jumps), reader.first()]:
        if 0 < first <= last:
            yield first, last
            last = first - 1


def _last_until(reader: Reader, moment: float, first: int, last: int) -> int:
    while first < last:
        middle = (first + last + 1) // 2
        if _time_of(reader, middle) <= moment:
            first = middle
        else:
            last = middle - 1
    return first


def _time_of(reader: Reader, position: int) -> float:
    event = next(reader.events("position = ?", position, decoded=False), None)
    if event is None:
        raise LogUnavailable(f"event {position} is missing", hint="marvel verify")
    return float(event["time"])


def packed(tables: Iterable[tuple[str, Iterable[str]]]) -> bytes:
    """A snapshot: the JSON of rows by table, compressed."""
    text = ",".join(f'"{name}":[{",".join(rows)}]' for name, rows in tables)
    return zlib.compress(f"{{{text}}}".encode(), level=1)  # higher ones take longer, and gain little


def unpacked(position: int, snapshot: bytes) -> World:
    """The world that a snapshot holds. Raises LogUnavailable when it is damaged."""
    try:
        tables = _packed.decode(zlib.decompress(snapshot))
        rows = [_decoders[name].decode(row) for name, found in tables.items() for row in found]
    except (zlib.error, KeyError, ValueError) as error:
        message = f"the snapshot of position {position} can't be read: {error}"
        raise LogUnavailable(message, hint="marvel rebuild makes it anew") from error
    return World(rows, position=position)
