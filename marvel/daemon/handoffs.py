"""Looks for the handoffs that sessions were asked to write before they are replaced."""

import os
from collections.abc import Callable

from marvel.daemon.observations import Observation, handoff_written
from marvel.resources import Session
from marvel.settings import Paths
from marvel.tmux.timers import Timers
from marvel.world import World

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


def _is_awaited(session: Session) -> bool:
    mark = session.retirement
    if mark is None or session.state != "running" or mark.asked_until is None:
        return False
    return not (mark.written or mark.passed or mark.dismissed)
