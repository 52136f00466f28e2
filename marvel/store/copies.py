"""Whole copies of a log: to a file while it is written to, and back from one into its place.

Made through SQLite, for what was committed may still be in the -wal file: copying the file alone would be
silently short. A copy is one file, without a -wal beside it, and only its owner may read it.
"""

import os
import sqlite3
import time

from marvel.errors import LogUnavailable
from marvel.settings import MODE_PRIVATE_FILE, Paths
from marvel.store.append import Head
from marvel.store.bell import ring
from marvel.store.chain import check_file
from marvel.store.engine import explained
from marvel.store.faults import in_words
from marvel.store.query import uri

BESIDE = ("", "-wal", "-shm")  # files of one database


def back_up(source: str, target: str) -> Head:
    """Copy a log to a new file, and check the copy; its head. Raises LogUnavailable.

    The copy gets its name when it is complete: what has the name of a backup is one.
    """
    fresh = f"{target}.new"
    try:
        if os.path.lexists(target):
            raise FileExistsError
        remove(fresh)
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE_PRIVATE_FILE))
        try:
            _copy(source, fresh)
            head = check_file(fresh)
            _name(fresh, target)
        finally:
            remove(fresh)
    except FileExistsError:
        hint = "name another file: a backup is never overwritten"
        raise LogUnavailable(f"{target} is already there", hint=hint) from None
    except OSError as error:
        raise LogUnavailable(f"{target} can't be written: {error.strerror}") from error
    return head


def _name(fresh: str, target: str) -> None:
    """Give a file its name, unless another has it. Raises FileExistsError."""
    try:
        os.link(fresh, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError from None
        os.rename(fresh, target)


def put_in_place(paths: Paths, file: str) -> tuple[Head, str]:
    """Put a checked copy of a log in the place of the present one, which is kept aside.

    Returns the head of what is now in place, and where the old log is (empty: there was none). Only while
    nobody else writes: the caller holds the daemon's lock. Raises LogUnavailable.
    """
    fresh = f"{paths.database}.restoring"
    remove(fresh)
    with explained(fresh):
        head = back_up(file, fresh)
        aside = _set_aside(paths.database)
        os.rename(fresh, paths.database)
        _settle(paths.home)
    ring(paths.bell)
    return head, aside


def _copy(source: str, target: str) -> None:
    try:
        reading = sqlite3.connect(uri(source), uri=True)
    except sqlite3.Error as error:
        raise in_words(source, error) from error
    try:
        writing = sqlite3.connect(target)
        try:
            reading.backup(writing)
        finally:
            writing.close()
        alone(target)
    except sqlite3.Error as error:
        raise in_words(source, error) from error
    finally:
        reading.close()


def alone(path: str) -> None:
    """Make a database one file, on the disk: no -wal is made beside it as soon as it is read."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _set_aside(database: str) -> str:
    """Move a log out of the way, with what is beside it: it may hold commits that are nowhere else."""
    if not os.path.exists(database):
        return ""
    aside = f"{database}.before-restore-{time.strftime('%Y%m%d-%H%M%S')}"
    while os.path.exists(aside):
        aside += "+"
    for ending in BESIDE:
        if os.path.exists(database + ending):
            os.rename(database + ending, aside + ending)
    return aside


def _settle(directory: str) -> None:
    """Renames survive a power cut once the directory is written."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: str) -> None:
    """A database file, with what is beside it, if it is there."""
    for ending in (*BESIDE, "-journal"):
        if os.path.exists(path + ending):
            os.unlink(path + ending)
