"""The world from what a reader sees: for decisions that are only looked at, never recorded."""

import msgspec

from marvel.resources import Resource
from marvel.store.query import Reader
from marvel.world import TABLES, World


def load_world(reader: Reader, workspace: str | None = None) -> World:
    """The projections' rows, all or one workspace's, as the world."""
    rows: list[Resource] = []
    for table, kind in TABLES.items():
        shared = table in ("daemons", "clocks")
        found = reader.rows(table, None if shared else workspace)
        rows += [msgspec.convert(row, kind) for row in found]
    return World(rows)
