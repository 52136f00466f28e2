"""Free pages of a log's file, given back to the file system beside others that read and write it."""

import time
from typing import Any

INCREMENTAL = 2  # PRAGMA auto_vacuum
SLICE_PAGES = 2_000  # 8 MiB moved in one transaction: others wait about 20 ms for the log
CHECKPOINT_SLICES = 8  # so that the -wal file stays below 64 MiB
PAUSE_SECONDS = 0.005  # between slices: the lock is free
SMALL_PAGES = 16_384  # 64 MiB: rewritten in one transaction in less than a second


def give_back(connection: Any) -> bool:
    """Shorten the file of an sqlite3 connection; False when that would hold the log for too long.

    A log made by an earlier marvel has no list of which page belongs where: it is rewritten, once, and only
    while it is small.
    """
    if _number(connection, "auto_vacuum") == INCREMENTAL:
        _in_slices(connection)
    elif _number(connection, "page_count") - _number(connection, "freelist_count") <= SMALL_PAGES:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # from the next VACUUM on
        connection.execute("VACUUM")
    else:
        return False
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return True


def _in_slices(connection: Any) -> None:
    for number in range(1, 1 + _number(connection, "freelist_count") // SLICE_PAGES + 1):
        connection.executescript(f"PRAGMA incremental_vacuum({SLICE_PAGES})")  # execute() ends after one page
        if number % CHECKPOINT_SLICES == 0:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        time.sleep(PAUSE_SECONDS)


def _number(connection: Any, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
