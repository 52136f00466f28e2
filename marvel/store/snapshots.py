"""The whole world at some positions, so that looking back replays a few thousand events and not all.

Not part of the hash chain: like the projections they are derived, and a rebuild makes them anew. Taken in
the transaction that crosses a boundary, from the rows as they are in the tables: 1,000 sessions take 4 ms.
"""

import sqlalchemy as sa

from marvel.store import schema
from marvel.store.projections import encode
from marvel.store.revisions import PROJECTION
from marvel.store.rows import packed
from marvel.world import TABLES, World

EVERY = 10_000  # positions


def is_due(before: int, now: int) -> bool:
    """Whether a boundary lies between two heads of the log."""
    return before // EVERY != now // EVERY


def take(connection: sa.Connection, position: int) -> None:
    """Keep the tables as they are now."""
    tables = []
    for name in TABLES:
        query = sa.select(schema.metadata.tables[name].c.data)
        tables.append((name, [data for (data,) in connection.execute(query)]))
    _keep(connection, position, packed(tables))


def take_of(connection: sa.Connection, world: World) -> None:
    """Keep a world that a replay has come to."""
    _keep(connection, world.position, packed_world(world))


def packed_world(world: World) -> bytes:
    """A world as a snapshot."""
    tables: dict[str, list[str]] = {name: [] for name in TABLES}
    for name, _, row in world.rows():
        tables[name].append(encode(row))
    return packed(tables.items())


def forget(connection: sa.Connection) -> None:
    """Throw all of them away."""
    connection.execute(schema.snapshots.delete())


def _keep(connection: sa.Connection, position: int, data: bytes) -> None:
    values = {"position": position, "projection": PROJECTION, "data": data}
    connection.execute(sa.insert(schema.snapshots).prefix_with("OR REPLACE"), values)
