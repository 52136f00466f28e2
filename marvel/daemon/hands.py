"""What the daemon types or presses: through the one typist, under the pane's lock, past the one guard."""

from collections.abc import Callable
from pathlib import Path

from marvel.daemon.observations import Observation, injected
from marvel.resources import Session
from marvel.tmux import Failed, Leave, Message, Post, Standing, TmuxServer, standing_of, type_to
from marvel.world import World

PATIENCE_SECONDS = 86_400.0  # for someone who types there, or a dialog that nobody has answered yet

Done = Callable[[Failed | None], None]
Wanted = Callable[[Session], bool]  # whether a message is still to be typed, by the newest record


def _always(_session: Session) -> bool:
    return True


class Hands:
    """Types to the panes of all sessions."""

    def __init__(
        self,
        *,
        server: Callable[[str], TmuxServer | None],
        lock: Callable[[str], str],
        world: Callable[[], World],
        note: Callable[[Observation], None],
        post: Callable[[Session], Post | None],
    ) -> None:
        self._server = server  # of a workspace
        self._lock = lock  # the path of a session's lock
        self._world = world
        self._note = note
        self._post = post  # how a session takes a text without its keyboard, if it does

    def type(self, session: Session, text: str, done: Done) -> None:
        """Type a text and press Enter, as soon as the guard allows it; recorded as `session.injected`."""
        size = len(text.encode(errors="surrogateescape"))

        def over(failed: Failed | None) -> None:
            self._note(injected(session.uid, size=size, failed=failed))
            done(failed)

        self.paste(session, text, over)

    def paste(self, session: Session, text: str, done: Done, wanted: Wanted = _always) -> None:
        """Do the same for a caller that records the outcome; given up when it is not wanted any more."""
        self._send(session, done, text=text, enter=True, patience=PATIENCE_SECONDS, wanted=wanted)

    def press(self, session: Session, keys: tuple[str, ...], done: Done) -> None:
        """Press the keys by which a session is asked to end: now, or not at all.

        They may go over someone who types; they must not answer a dialog. What was not pressed is recorded.
        """

        def over(failed: Failed | None) -> None:
            if failed is not None:
                size = len(" ".join(keys).encode(errors="surrogateescape"))
                self._note(injected(session.uid, size=size, failed=failed, keys=True))
            done(failed)

        self._send(session, over, keys=keys, leave=Leave(over_person=True))

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
        leave: Leave | None = None,
        patience: float = 0.0,
        wanted: Wanted = _always,
    ) -> None:
        server = self._server(session.workspace)
        if server is None:
            done(Failed(reason="lost", message="there is no connection to tmux"))
            return

        def standing() -> Standing | None:
            newest = self._world().sessions.get(session.uid)
            return standing_of(newest) if newest is not None and wanted(newest) else None

        message = Message(
            pane=session.pane,
            uid=session.uid,
            lock=Path(self._lock(session.uid)),
            standing=standing,
            text=text,
            enter=enter,
            keys=keys,
            post=self._post(session),
            leave=leave or Leave(),
            patience=patience,
        )
        type_to(server, message, done)
