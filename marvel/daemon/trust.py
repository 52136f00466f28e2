"""Put one value into a JSON file of the user's own: only where a manifest asks for it, and never in part.

The file belongs to another program. That program takes a lock, a directory beside the file, around each of
its changes; so does this module, or it would undo what others write meanwhile. A lock whose holder stopped
refreshing it is taken over by the same rule as there (proper-lockfile's).
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

from marvel.daemon.observations import Observation, start_delayed
from marvel.runtimes.adapter import Merge
from marvel.settings import regular
from marvel.tmux.timers import Timers

MAX_FILE_BYTES = 64 * 1024 * 1024
STALE_SECONDS = 10.0  # after the last refresh of a lock, which its holder repeats every 5 s
HOLD_SECONDS = 5.0  # our own lock, which is never refreshed, counts for as long
RETRY_SECONDS = 0.02  # between attempts while another program holds the lock
PATIENCE_SECONDS = 5.0  # of attempts before the delay is recorded


class Locked(Exception):
    """Another program is changing the file."""


class Trust:
    """The changes that sessions wait for before they start."""

    def __init__(
        self, *, timers: Timers, again: Callable[[str], None], note: Callable[[Observation], None]
    ) -> None:
        self._timers = timers
        self._again = again  # called with the uid of a session that can be started now, perhaps
        self._note = note
        self._attempts: dict[str, int] = {}  # by uid

    def is_settled(self, uid: str, merge: Merge | None) -> bool:
        """Whether nothing is left to change; otherwise `again` is called later. Raises OSError."""
        if merge is None:
            return True
        try:
            put(merge)
        except Locked:
            attempts = self._attempts[uid] = self._attempts.get(uid, 0) + 1
            if attempts * RETRY_SECONDS >= PATIENCE_SECONDS:
                self._note(start_delayed(uid, "file-locked", f"another program holds {merge.lock}"))
            self._timers.after(RETRY_SECONDS, lambda: self._again(uid))
            return False
        self._attempts.pop(uid, None)
        return True


def put(merge: Merge) -> bool:
    """Return whether the value is there now; a file that is not a JSON object is left alone.

    Raises Locked, and OSError.
    """
    path = os.path.realpath(merge.path)
    content = _read(path)  # every writer replaces the file, so that a reader needs no lock
    if content is not None and _put_into(content, merge) == "added":
        with _locked(merge.lock) as still_ours:
            content = _read(path)
            if content is not None and _put_into(content, merge) == "added":
                _replace(path, json.dumps(content, indent=2, ensure_ascii=False), still_ours)
    return content is not None and _put_into(content, merge) == "there"


def _put_into(content: dict[str, Any], merge: Merge) -> Literal["added", "there", "misfit"]:
    place = content
    for name in merge.names[:-1]:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            return "misfit"
    if place.get(merge.names[-1]) == merge.value:
        return "there"
    place[merge.names[-1]] = merge.value
    return "added"


@contextlib.contextmanager
def _locked(path: str) -> Iterator[Callable[[], bool]]:
    """Hold a lock, and give a question whether it is still held. Raises Locked."""
    taken_at = time.monotonic()
    try:
        os.mkdir(path)
    except FileExistsError:
        _take_over(path)
    ours = os.stat(path).st_ino

    def still_ours() -> bool:
        with contextlib.suppress(FileNotFoundError):
            return os.stat(path).st_ino == ours and time.monotonic() - taken_at < HOLD_SECONDS
        return False

    try:
        yield still_ours
    finally:
        if still_ours():
            os.rmdir(path)


def _take_over(path: str) -> None:
    """Take the lock of a holder that is gone. Raises Locked."""
    try:
        if time.time() - os.stat(path).st_mtime < STALE_SECONDS:
            raise Locked(path)
        os.rmdir(path)
        os.mkdir(path)
    except (FileNotFoundError, FileExistsError):  # another one was quicker
        raise Locked(path) from None


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb", opener=regular) as file:
            content = json.loads(file.read(MAX_FILE_BYTES))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _replace(path: str, text: str, still_ours: Callable[[], bool]) -> None:
    """Put another file in its place, with its mode: a reader sees the old one or the new one.

    Raises Locked when the lock was lost meanwhile.
    """
    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o600
    fd, fresh = tempfile.mkstemp(prefix=f"{os.path.basename(path)}.", dir=os.path.dirname(path))
    try:
        with open(fd, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
            file.flush()
            os.fchmod(fd, mode)
            os.fsync(fd)
        if not still_ours():
            raise Locked(path)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
