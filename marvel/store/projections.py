"""Rows from events and back. What is written here are the very changes the fold made to the world."""

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from marvel.resources import Resource
from marvel.store import schema
from marvel.store.rows import wrong_shape
from marvel.world import TABLES, Change, Key, World

_encoder = msgspec.json.Encoder(order="sorted")
_decoders = {name: msgspec.json.Decoder(kind) for name, kind in TABLES.items()}
_SHARED = ("daemons", "clocks")  # rows that belong to no workspace: part of every world


def row_key(key: Key) -> str:
    """A primary key as text."""
    return "/".join(str(part) for part in key)


# Built once: see log.py.
_TABLES = {name: schema.metadata.tables[name] for name in TABLES}
_WRITES = {name: sa.insert(table).prefix_with("OR REPLACE") for name, table in _TABLES.items()}
_DELETES = {name: table.delete().where(table.c.key == sa.bindparam("k")) for name, table in _TABLES.items()}


def encode(row: Resource) -> str:
    """A row's JSON, keys sorted so that equal rows are equal text."""
    return _encoder.encode(row).decode()


def write(connection: sa.Connection, changes: Iterable[Change]) -> None:
    """Bring the tables to what the changes say; the last change of a row wins."""
    last: dict[tuple[str, Key], Resource | None] = {(table, key): row for table, key, row in changes}
    gone: dict[str, list[dict[str, str]]] = {}
    kept: dict[str, list[dict[str, str]]] = {}
    for (name, key), row in last.items():
        if row is None:
            gone.setdefault(name, []).append({"k": row_key(key)})
        else:
            values = {"key": row_key(key), "workspace": _workspace_of(name, key, row), "data": encode(row)}
            kept.setdefault(name, []).append(values)
    for name, keys in gone.items():
        connection.execute(_DELETES[name], keys)
    for name, rows in kept.items():
        connection.execute(_WRITES[name], rows)


def _workspace_of(table: str, key: Key, row: Resource) -> str:
    """The workspace a row is found under; empty for what belongs to none."""
    return row_key(key) if table == "workspaces" else getattr(row, "workspace", "")


def load(connection: sa.Connection, position: int, workspace: str | None = None) -> World:
    """The world as the tables hold it: all of it, or one workspace and what is shared.

    Raises LogUnavailable when a row has a wrong shape.
    """
    rows: list[Resource] = []
    for name, decoder in _decoders.items():
        table = _TABLES[name]
        query = sa.select(table.c.data)
        if workspace is not None and name not in _SHARED:
            query = query.where(table.c.workspace == workspace)
        try:
            rows += [decoder.decode(data) for (data,) in connection.execute(query)]
        except (ValueError, TypeError, RecursionError) as error:
            raise wrong_shape(name, error) from error
    return World(rows, position=position)


def replace_all(connection: sa.Connection, world: World) -> None:
    """Throw the rows away and write those of `world`."""
    for name in TABLES:
        connection.execute(_TABLES[name].delete())
    write(connection, (Change(*row) for row in world.rows()))


def differences(connection: sa.Connection, world: World) -> list[str]:
    """Where the tables and `world` are not equal, one line each; empty when they are."""
    wanted = {
        (name, row_key(key)): (_workspace_of(name, key, row), encode(row)) for name, key, row in world.rows()
    }
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for name in TABLES:
        table = _TABLES[name]
        query = sa.select(table.c.key, table.c.workspace, table.c.data)
        for key, workspace, data in connection.execute(query):
            found[name, key] = (workspace, data)
    lines = []
    for name, key in sorted(wanted.keys() | found.keys()):
        if (name, key) not in found:
            lines.append(f"{name} {key}: row is missing")
        elif (name, key) not in wanted:
            lines.append(f"{name} {key}: row has no event")
        elif wanted[name, key] != found[name, key]:
            lines.append(f"{name} {key}: row differs from the log")
    return lines
