"""Types what the log says is to be typed into sessions.

A text is an intent on its session (`typing`) until its outcome is noted. It waits until a dialog is
answered or someone has finished typing, for as long as the log wants it. A daemon that died in between
types it once more: better twice than never.
"""

import contextlib
from collections.abc import Callable

from marvel.daemon.handoffs import copy_text
from marvel.daemon.hands import Hands
from marvel.daemon.observations import Observation, typed
from marvel.resources import Session
from marvel.settings import Paths
from marvel.tmux import Failed

PATH, PATH_FROM = "$MARVEL_HANDOFF", "$MARVEL_HANDOFF_FROM"


class Typist:
    """The texts of all sessions."""

    def __init__(
        self,
        *,
        paths: Paths,
        note: Callable[[Observation], None],
        hands: Hands,
        contained: Callable[[Session], bool],
    ) -> None:
        self._paths = paths
        self._note = note
        self._hands = hands
        self._contained = contained
        self._busy: set[str] = set()  # uids whose pane is being typed into

    def look(self, session: Session) -> None:
        """Type what a session is to get; as often as one likes."""
        typing = session.typing
        if typing is None or session.state != "running" or session.uid in self._busy:
            return
        if not self._hands.reaches(session):
            return  # looked at again once its panes are known

        def done(failed: Failed | None) -> None:
            self._busy.discard(session.uid)
            self._note(typed(session.uid, typing, failed.message if failed else ""))

        self._busy.add(session.uid)
        text = typing.text.replace(PATH_FROM, self._handoff_of_predecessor(session))
        text = text.replace("${MARVEL_HANDOFF}", PATH).replace(PATH, self._paths.handoff(session.uid))
        self._hands.paste(session, text, done, lambda newest: newest.typing == typing)

    def _handoff_of_predecessor(self, session: Session) -> str:
        """The file that a session reads; a contained one gets a copy: it sees no files of other sessions."""
        theirs = self._paths.handoff(session.predecessor)
        if not self._contained(session):
            return theirs
        copy = self._paths.predecessor_handoff(session.uid)
        with contextlib.suppress(OSError):  # the session is told where it would be
            copy_text(theirs, copy)
        return copy
