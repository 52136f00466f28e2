"""The directories of ended sessions: kept up to a number and a size, the newest of them.

Nothing is looked at while no session ends. Each look does a bounded piece of work, whatever an agent has put
into its directory, and goes on with the next one.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from marvel.tmux.timers import Timers
from marvel.world import World

MAX_DIRECTORIES = 500
MAX_BYTES = 256 * 1024 * 1024  # on the disk, of all of them together
LOOK_SECONDS = 5.0  # after a session has ended, until they are looked at; others may end meanwhile
MAX_REMOVED = 1_000  # files and directories in one look
MAX_COUNTED = 1_000  # of one directory; one that has more counts as if it were as big as all may be
MAX_DEPTH = 32  # of directories in directories; deeper ones stay
_BLOCK_BYTES = 512  # what `st_blocks` counts


class Directory(NamedTuple):
    """One session's."""

    path: str
    changed_at: float


class Kept:
    """Those in the state directory. The owner says when a session has ended."""

    def __init__(self, sessions: str, *, timers: Timers, world: Callable[[], World]) -> None:
        self._sessions = sessions
        self._timers = timers
        self._world = world
        self._is_planned = False

    def plan(self) -> None:
        """Look soon."""
        if not self._is_planned:
            self._is_planned = True
            self._timers.after(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._is_planned = False
        left = MAX_REMOVED
        for directory in surplus(_ended(self._sessions, needed(self._world())), _size):
            left = _remove(directory.path, left, MAX_DEPTH)
            if left <= 0:
                self.plan()
                return


def needed(world: World) -> set[str]:
    """Return the uids of which the directory is in use: of what is alive, and of what it follows."""
    alive = [session for session in world.sessions.values() if session.alive]
    return {uid for session in alive for uid in (session.uid, session.predecessor, session.replaces) if uid}


def surplus(directories: Iterable[Directory], size: Callable[[str], int]) -> list[Directory]:
    """Return those that are one too many, or from which on they take too much room; oldest first.

    Only of what is not too many is the size asked for.
    """
    newest = sorted(directories, key=lambda directory: directory.changed_at, reverse=True)
    stays, taken = 0, 0
    for directory in newest[:MAX_DIRECTORIES]:
        taken += size(directory.path)
        if taken > MAX_BYTES:
            break
        stays += 1
    return newest[stays:][::-1]


def _ended(sessions: str, in_use: set[str]) -> list[Directory]:
    found = []
    for entry in _entries(sessions):
        if entry.name in in_use or not entry.is_dir(follow_symlinks=False):
            continue
        try:
            changed_at = entry.stat(follow_symlinks=False).st_mtime
        except OSError:
            continue
        found.append(Directory(entry.path, changed_at))
    return found


def _size(path: str) -> int:
    """Return what a directory takes on the disk."""
    waiting, size, counted = [path], 0, 0
    while waiting:
        for entry in _entries(waiting.pop()):
            counted += 1
            if counted > MAX_COUNTED:
                return MAX_BYTES
            try:
                size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
            except OSError:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
    return size


def _remove(path: str, left: int, depth: int) -> int:
    """Remove a directory, as far as `left` allows; returns what is left of that. No link is followed."""
    for entry in _entries(path):
        if left <= 0:
            return 0
        if not entry.is_dir(follow_symlinks=False):
            _quietly(os.unlink, entry.path)
        elif depth > 0:
            left = _remove(entry.path, left, depth - 1)
        left -= 1
    _quietly(os.rmdir, path)
    return left - 1


def _entries(path: str) -> Iterator["os.DirEntry[str]"]:
    """Yield what is in a directory; nothing when it can't be read."""
    try:
        with os.scandir(path) as found:
            yield from found
    except OSError:
        return


def _quietly(remove: Callable[[str], None], path: str) -> None:
    """What can't be removed stays, and is tried again after the next end."""
    try:
        remove(path)
    except OSError:
        return
