"""The world and its events from what a reader sees: for what is only looked at, never recorded."""

from collections.abc import Iterator

import msgspec

from marvel.errors import LogUnavailable
from marvel.events import Event, Ref, decode
from marvel.resources import Resource
from marvel.store.query import Reader
from marvel.world import TABLES, World

REF_FIELDS = Ref.__struct_fields__


def load_world(reader: Reader, workspace: str | None = None) -> World:
    """The projections' rows, all or one workspace's, as the world."""
    rows: list[Resource] = []
    for table, kind in TABLES.items():
        shared = table in ("daemons", "clocks")
        found = reader.rows(table, None if shared else workspace)
        rows += [msgspec.convert(row, kind) for row in found]
    return World(rows, position=reader.head())


def events_after(reader: Reader, position: int, *, until: int) -> Iterator[Event]:
    """Events past a position, oldest first. Raises LogUnavailable when one can't be read."""
    within = "position > ? AND position <= ?"
    for row in reader.events(within, position, until, oldest_first=True, decoded=False):
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
    """The world as it was at a position."""
    world = World()
    for event in events_after(reader, 0, until=position):
        world.apply(event)
    return world
