"""Looks for the handoffs that sessions were asked to write before they are replaced."""

import contextlib
import os
from collections.abc import Callable

from marvel.daemon.observations import Observation, handoff_written
from marvel.resources import Session
from marvel.settings import Paths, regular
from marvel.tmux.timers import Timers
from marvel.world import World

MAX_HANDOFF_BYTES = 4 * 1024 * 1024  # that are copied
LOOK_SECONDS = 0.2  # between looks for a handoff, while one is waited for


class Handoffs:
    """The awaited ones of all sessions."""

    def __init__(
        self,
        *,
        paths: Paths,
        timers: Timers,
        world: Callable[[], World],
        note: Callable[[Observation], None],
    ) -> None:
        self._paths = paths
        self._timers = timers
        self._world = world
        self._note = note
        self._awaited: dict[str, tuple[int, float]] = {}  # uid → size and mtime of its file when last seen

    def look(self, session: Session) -> None:
        """Begin to look for a session's, if one is awaited; as often as one likes."""
        if _is_awaited(session) and session.uid not in self._awaited:
            self._awaited[session.uid] = (0, 0.0)
            self._look_for(session.uid)

    def _look_for(self, uid: str) -> None:
        """Whether the file is there, newer than the question, and no longer growing."""
        session = self._world().sessions.get(uid)
        if session is None or session.retirement is None or not _is_awaited(session):
            self._awaited.pop(uid, None)
            return
        try:
            found = os.stat(self._paths.handoff(uid))
            seen = (found.st_size, found.st_mtime)
        except OSError:
            seen = (0, 0.0)
        if seen[0] and seen[1] >= session.retirement.at and seen == self._awaited[uid]:
            self._awaited.pop(uid)
            self._note(handoff_written(uid, seen[0]))
            return
        self._awaited[uid] = seen
        self._timers.after(LOOK_SECONDS, lambda: self._look_for(uid))


def copy_text(source: str, target: str) -> None:
    """Copy what one agent wrote to where another may write too: links are followed on neither side.

    Raises OSError.
    """
    with open(regular(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        content = file.read(MAX_HANDOFF_BYTES)
    fresh = f"{target}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    with open(regular(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW), "wb") as file:
        file.write(content)
    os.rename(fresh, target)


def _is_awaited(session: Session) -> bool:
    mark = session.retirement
    if mark is None or session.state != "running" or mark.asked_until is None:
        return False
    return not (mark.written or mark.passed or mark.dismissed)
