"""Types what the log says is to be typed into sessions, and looks for the handoffs that are written.

A text is an intent on its session (`typing`) until its outcome is noted. A daemon that died in between
types it once more: better twice than never.
"""

import os
from collections.abc import Callable

from marvel.daemon.observations import Observation, handoff_written, typed
from marvel.daemon.typing import Typing
from marvel.resources import Session
from marvel.settings import Paths
from marvel.tmux import Failed
from marvel.tmux.timers import Timers
from marvel.world import World

LOOK_SECONDS = 0.2  # between looks for a handoff, while one is waited for
PERSON_PATIENCE_SECONDS = 30.0  # for a person who types there; what awaits the handoff has a time-out too
PATH, PATH_FROM = "$MARVEL_HANDOFF", "$MARVEL_HANDOFF_FROM"


class Typist:
    """The typed texts and awaited handoffs of all sessions."""

    def __init__(
        self,
        *,
        paths: Paths,
        timers: Timers,
        world: Callable[[], World],
        note: Callable[[Observation], None],
        typing: Typing,
    ) -> None:
        self._paths = paths
        self._timers = timers
        self._world = world
        self._note = note
        self._hands = typing
        self._typing: set[str] = set()  # uids whose pane is being typed into
        self._awaited: dict[str, tuple[int, float]] = {}  # uid → size and mtime of its file when last seen

    def look(self, session: Session) -> None:
        """Do what is missing for one session; as often as one likes."""
        self._type(session)
        if _is_awaited(session) and session.uid not in self._awaited:
            self._awaited[session.uid] = (0, 0.0)
            self._look_for(session.uid)

    def _type(self, session: Session) -> None:
        typing = session.typing
        if typing is None or session.state != "running" or session.uid in self._typing or not session.pane:
            return
        if not self._hands.reaches(session):
            return  # looked at again once its panes are known

        def done(failed: Failed | None) -> None:
            self._typing.discard(session.uid)
            self._note(typed(session.uid, typing, failed.message if failed else ""))

        self._typing.add(session.uid)
        text = typing.text.replace(PATH_FROM, self._paths.handoff(session.predecessor))
        text = text.replace("${MARVEL_HANDOFF}", PATH).replace(PATH, self._paths.handoff(session.uid))
        self._hands.paste(session, text, done, patience=PERSON_PATIENCE_SECONDS)

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
