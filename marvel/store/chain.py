"""The hash chain of a log, whole or in a file of its own: from where it begins to the first thing wrong."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from marvel.errors import LogUnavailable
from marvel.store import triggers
from marvel.store.append import GENESIS, Head, intact
from marvel.store.faults import in_words
from marvel.store.query import uri
from marvel.store.revisions import refuse_newer
from marvel.store.schema import events

ARCHIVES_SINCE = "0002"  # the first revision that has them
BEGINNING = Head(0, 0.0, GENESIS)  # what a log continues that was never archived from


def first_wrong(rows: Iterable[Sequence[Any]], base: Head = BEGINNING) -> tuple[int, str | None]:
    """How many events, in the table's columns, are as recorded; and what is wrong with the next, or None."""
    previous, expected = base.hash, base.position + 1
    for row in rows:
        *stored, found = row
        if stored[0] != expected:
            wrong = f"position {expected} is missing (the next one is {stored[0]})"
            return expected - base.position - 1, wrong
        if not intact(previous, stored, found):
            return expected - base.position - 1, f"position {expected} was changed after it was recorded"
        previous, expected = found, expected + 1
    return expected - base.position - 1, None


def check_file(path: str) -> Head:
    """The head of the log in a file, every event of it and its triggers checked. Raises LogUnavailable."""
    if not os.path.isfile(path):
        raise LogUnavailable(f"there is no file {path}")
    try:
        connection = sqlite3.connect(uri(os.path.abspath(path)), uri=True, isolation_level=None)
        try:
            return _checked(connection, path)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise in_words(path, error) from error


def _checked(connection: sqlite3.Connection, path: str) -> Head:
    connection.text_factory = lambda data: data.decode(errors="surrogateescape")
    connection.execute("BEGIN")
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if made is None:
        raise LogUnavailable(f"{path} is not an event log of marvel")
    (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    refuse_newer(path, revision)
    columns = ", ".join(column.name for column in events.c)
    rows = connection.execute(f"SELECT {columns} FROM events ORDER BY position")  # noqa: S608
    base = _base(connection, revision)
    count, wrong = first_wrong(rows, base)
    if wrong:
        raise LogUnavailable(f"{path}: {wrong}; the {count} events before it are whole")
    if problem := triggers.wrong(connection.execute(triggers.QUERY)):
        raise LogUnavailable(f"{path}: {problem}; its {count} events are whole")
    newest = "SELECT position, time, hash FROM events ORDER BY position DESC LIMIT 1"
    row = connection.execute(newest).fetchone()
    return base if row is None else Head(row[0], row[1] / 1e6, row[2])


def _base(connection: sqlite3.Connection, revision: str) -> Head:
    """What the log in a file goes on from."""
    if revision < ARCHIVES_SINCE:
        return BEGINNING
    newest = "SELECT last, time, hash FROM archives ORDER BY last DESC LIMIT 1"
    row = connection.execute(newest).fetchone()
    return BEGINNING if row is None else Head(row[0], row[1] / 1e6, row[2])
