"""SQLite's errors in words. Standard library only: readers and writers say the same."""

import os

from marvel.errors import LogUnavailable

_EXPLAINED = {
    "SQLITE_BUSY": ("is locked by another program", "see which one holds it: fuser -v {path}"),
    "SQLITE_FULL": ("can't grow: the disk is full", "free some space; nothing was lost"),
    "SQLITE_READONLY": ("is read-only", "check the file's owner and mode"),
    "SQLITE_READONLY_DIRECTORY": ("is in a directory that can't be written: {directory}", ""),
    "SQLITE_CANTOPEN": ("can't be opened", "check {directory}"),
    "SQLITE_NOTADB": ("is not a database", "it was left as it is; restore a backup: marvel restore FILE"),
    "SQLITE_CORRUPT": ("is damaged", "it was left as it is; restore a backup: marvel restore FILE"),
    "SQLITE_IOERR": ("can't be read or written: I/O error", "check the disk"),
}


def in_words(path: str, error: BaseException | None) -> LogUnavailable:
    """What an SQLite error means for the log at `path`."""
    name = getattr(error, "sqlite_errorname", "") or ""
    while name and name not in _EXPLAINED:
        name = name.rpartition("_")[0]
    if not name:
        return LogUnavailable(f"event log {path}: {error}")
    names = {"path": path, "directory": os.path.dirname(path)}
    what, hint = (text.format(**names) for text in _EXPLAINED[name])
    return LogUnavailable(f"event log {path} {what}", hint=hint)
