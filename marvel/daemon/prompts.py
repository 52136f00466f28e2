"""First prompts, typed to agents that take none as an argument.

**A prompt is typed at most once.** First `session.prompted` is recorded, and only when that is in the log
the text is typed; a daemon that dies in between leaves the agent without, which a person can see and mend.
It is typed once the agent's screen has come to rest: what arrives earlier, an agent that is still
starting throws away.
"""

from collections.abc import Callable

from marvel.daemon.hands import Hands
from marvel.daemon.observations import Observation, prompted
from marvel.resources import Session
from marvel.tmux import Failed, TmuxServer
from marvel.tmux.timers import Timers
from marvel.world import World

LOOK_SECONDS = 0.5  # between looks at a starting agent's screen
REST_LOOKS = 3  # equal ones in a row: it has come to rest
REST_SECONDS = 15.0  # after which the prompt is typed to a screen that never rests
PERSON_PATIENCE_SECONDS = 3600.0  # for a person who types to an agent that waits for its prompt


class Starting:
    """A session that is to get its prompt."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self.screen = ""
        self.equal = 0  # looks in a row that saw the same
        self.looks = 0
        self.recorded = False  # `session.prompted` was noted by this daemon


class Prompts:
    """Those of all sessions. The owner says which sessions run, and which events were seen."""

    def __init__(
        self,
        *,
        timers: Timers,
        server: Callable[[str], TmuxServer | None],
        world: Callable[[], World],
        note: Callable[[Observation], None],
        hands: Hands,
    ) -> None:
        self._timers = timers
        self._server = server  # of a workspace
        self._world = world
        self._note = note
        self._hands = hands
        self._starting: dict[str, Starting] = {}

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
            self._hands.type(session, waiting.prompt, _nothing, patience=PERSON_PATIENCE_SECONDS)

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


def _nothing(_failed: Failed | None) -> None:
    """What became of it is in the log."""
