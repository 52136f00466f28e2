"""What the daemon types: the keys of a stop, a first prompt, a message. Under the pane's lock, like all.

**A prompt is typed at most once.** First `session.prompted` is recorded, and only when that is in the log
the text is typed; a daemon that dies in between leaves the agent without, which a person can see and mend.
It is typed once the agent's screen has come to rest: what arrives earlier, an agent that is still
starting throws away.
"""

from collections.abc import Callable
from pathlib import Path

from marvel.daemon.observations import Observation, injected, prompted
from marvel.resources import Session
from marvel.tmux import Failed, Message, TmuxServer, type_to
from marvel.tmux.timers import Timers
from marvel.world import World

LOOK_SECONDS = 0.5  # between looks at a starting agent's screen
REST_LOOKS = 3  # equal ones in a row: it has come to rest
REST_SECONDS = 15.0  # after which the prompt is typed to a screen that never rests
PERSON_PATIENCE_SECONDS = 3600.0  # for a person who types to an agent that waits for its prompt

Done = Callable[[Failed | None], None]


class Starting:
    """A session that is to get its prompt."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self.screen = ""
        self.equal = 0  # looks in a row that saw the same
        self.looks = 0
        self.recorded = False  # `session.prompted` was noted by this daemon


class Typing:
    """The daemon's hands. The owner says which sessions run, and which events were seen."""

    def __init__(
        self,
        *,
        timers: Timers,
        server: Callable[[str], TmuxServer | None],
        world: Callable[[], World],
        lock: Callable[[str], str],
        note: Callable[[Observation], None],
    ) -> None:
        self._timers = timers
        self._server = server
        self._world = world
        self._lock = lock
        self._note = note
        self._starting: dict[str, Starting] = {}

    def type(self, session: Session, text: str, done: Done, *, patience: float = 0.0) -> None:
        """Type a text and press Enter; recorded as `session.injected`. `done` when that is over."""
        size = len(text.encode(errors="surrogateescape"))

        def over(failed: Failed | None) -> None:
            self._note(injected(session.uid, size=size, failed=failed.message if failed else ""))
            done(failed)

        self.paste(session, text, over, patience=patience)

    def paste(self, session: Session, text: str, done: Done, *, patience: float = 0.0) -> None:
        """The same for a caller that records what became of it itself."""
        self._send(session, done, text=text, enter=True, patience=patience)

    def reaches(self, session: Session) -> bool:
        """Whether the session's pane can be typed to now."""
        return bool(session.pane) and self._server(session.workspace) is not None

    def press(self, session: Session, keys: tuple[str, ...], done: Done) -> None:
        """Press keys at once, whoever types there: the session is asked to end."""
        self._send(session, done, keys=keys, over_person=True)

    def look(self, session: Session, prompt: Callable[[], str]) -> None:
        """A running session: see to it that it gets its prompt, once."""
        waiting = self._starting.get(session.uid)
        if session.state != "running":
            self._starting.pop(session.uid, None)
        elif waiting is None and not session.prompted and (text := prompt()):
            self._starting[session.uid] = Starting(text)
            self._after(session.uid)
        elif waiting is not None and waiting.recorded and session.prompted:
            del self._starting[session.uid]
            self.type(session, waiting.prompt, _nothing, patience=PERSON_PATIENCE_SECONDS)

    def _after(self, uid: str) -> None:
        self._timers.after(LOOK_SECONDS, lambda: self._watch(uid))

    def _watch(self, uid: str) -> None:
        """Look at the screen of a session that has not come to rest yet."""
        session, starting = self._world().sessions.get(uid), self._starting.get(uid)
        if session is None or session.state != "running" or starting is None:
            self._starting.pop(uid, None)
            return
        server = self._server(session.workspace)
        if server is None:
            self._after(uid)
            return
        server.capture(session.pane, uid, lambda screen: self._seen(session, starting, screen))

    def _seen(self, session: Session, starting: Starting, screen: str | Failed) -> None:
        text = "" if isinstance(screen, Failed) else screen.strip()
        starting.looks += 1
        starting.equal = starting.equal + 1 if text and text == starting.screen else 0
        starting.screen = text
        rests = starting.equal >= REST_LOOKS - 1 or starting.looks * LOOK_SECONDS >= REST_SECONDS
        if not rests or session.activity == "waiting":
            self._after(session.uid)
            return
        starting.recorded = True
        self._note(prompted(session.uid, size=len(starting.prompt.encode(errors="surrogateescape"))))

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


def _nothing(_failed: Failed | None) -> None:
    """What became of it is in the log."""
