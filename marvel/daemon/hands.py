"""The daemon's hands: all it types or presses goes to a pane under that pane's lock, as all typing does."""

from collections.abc import Callable
from pathlib import Path

from marvel.daemon.observations import Observation, injected
from marvel.resources import Session
from marvel.tmux import Failed, Message, TmuxServer, type_to

Done = Callable[[Failed | None], None]


class Hands:
    """Those for the panes of all sessions."""

    def __init__(
        self,
        *,
        server: Callable[[str], TmuxServer | None],
        lock: Callable[[str], str],
        note: Callable[[Observation], None],
    ) -> None:
        self._server = server  # of a workspace
        self._lock = lock  # the path of a session's lock
        self._note = note

    def type(self, session: Session, text: str, done: Done, *, patience: float = 0.0) -> None:
        """Type a text and press Enter; recorded as `session.injected`. `done` when that is over.

        `patience`: seconds to wait for a person who types there.
        """
        size = len(text.encode(errors="surrogateescape"))

        def over(failed: Failed | None) -> None:
            self._note(injected(session.uid, size=size, failed=failed.message if failed else ""))
            done(failed)

        self.paste(session, text, over, patience=patience)

    def paste(self, session: Session, text: str, done: Done, *, patience: float = 0.0) -> None:
        """The same for a caller that records what became of it itself."""
        self._send(session, done, text=text, enter=True, patience=patience)

    def press(self, session: Session, keys: tuple[str, ...], done: Done) -> None:
        """Press keys at once, whoever types there: the session is asked to end."""
        self._send(session, done, keys=keys, over_person=True)

    def reaches(self, session: Session) -> bool:
        """Whether the session's pane can be typed to now."""
        return bool(session.pane) and self._server(session.workspace) is not None

    def _send(
        self,
        session: Session,
        done: Done,
        *,
        text: str = "",
        enter: bool = False,
        keys: tuple[str, ...] = (),
        over_person: bool = False,
        patience: float = 0.0,
    ) -> None:
        server = self._server(session.workspace)
        if server is None:
            done(Failed(reason="lost", message="there is no connection to tmux"))
            return
        message = Message(
            pane=session.pane,
            uid=session.uid,
            lock=Path(self._lock(session.uid)),
            text=text,
            enter=enter,
            keys=keys,
            over_person=over_person,
            patience=patience,
        )
        type_to(server, message, done)
