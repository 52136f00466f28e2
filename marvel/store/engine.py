"""Connections as SQLite wants them, and its errors in words.

pysqlite begins late and commits DDL by itself; so it is told to leave transactions alone and BEGIN is
ours. Writers begin IMMEDIATE: a plain BEGIN that writes later fails at once when another wrote meanwhile.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from marvel.errors import LogUnavailable
from marvel.settings import own_file
from marvel.store.faults import in_words

BUSY_TIMEOUT_SECONDS = 5.0
SWITCH_PAUSE_SECONDS = 0.01
JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024


def open_engine(path: str) -> sa.Engine:
    """An engine with one connection, kept open; `write=True` in execution options begins IMMEDIATE."""
    return _engine(path, StaticPool)


def open_once(path: str) -> sa.Engine:
    """An engine whose connection closes after each use."""
    return _engine(path, NullPool)


def _engine(path: str, pool: Any) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        descriptor = own_file(path, os.O_RDWR | os.O_CREAT)  # never wider than ours
        os.close(descriptor)
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        _write_ahead(connection)
        for pragma in (
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            f"journal_size_limit={JOURNAL_LIMIT_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = sa.create_engine("sqlite+pysqlite://", creator=connect, poolclass=pool)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite does not wait here for others that do the same; so we do."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    connection.execute("PRAGMA busy_timeout=0")
    while True:
        try:
            if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
                # It can't be chosen later. On a log that exists it is a write, which a full disk refuses.
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1_000:.0f}")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(SWITCH_PAUSE_SECONDS)


@contextmanager
def any_text(connection: sa.Connection) -> Iterator[None]:
    """Read text that is no UTF-8 too, with surrogates in its place, instead of failing on it."""
    raw: Any = connection.connection.dbapi_connection
    raw.text_factory = lambda data: data.decode(errors="surrogateescape")
    try:
        yield
    finally:
        raw.text_factory = str


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn SQLite's errors into LogUnavailable, with the file's name and what to do."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise in_words(path, cause) from error
    except OSError as error:
        raise LogUnavailable(f"event log {path}: {error.strerror}") from error
