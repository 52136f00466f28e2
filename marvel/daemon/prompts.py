"""First prompts, typed to agents that take none as an argument.

**A prompt is typed at most once.** First `session.prompted` is recorded, and only when that is in the log
the text is typed; a daemon that dies in between leaves the agent without, which is visible and can be mended
by hand.

It is typed once the agent is ready: what arrives earlier, an agent that is still starting throws away. Ready
is what the manifest says (`ready_pattern`, `ready_delay`); else the runtime's report of its start; else a
screen at rest, which takes longer where the program may not have taken the keyboard yet. A screen that
shows a question is not at rest. For a prompt that could not be typed in time, or did not arrive, someone is
called: `session.attention`.
"""

import re
from collections.abc import Callable

from marvel.daemon.hands import Hands
from marvel.daemon.observations import Observation, attention, prompted
from marvel.resources import RuntimeSpec, Session
from marvel.runtimes.dialogs import described, dialog_on
from marvel.tmux import Failed, Look, Standing, Terminal, TmuxServer, standing_of, terminal
from marvel.tmux.timers import Timers
from marvel.tmux.typist import UNREAD
from marvel.world import World

LOOK_SECONDS = 0.5  # between looks at a starting agent's screen
SLOW_LOOK_SECONDS = 2.0  # the same once someone was called
OPEN_LOOKS = 2  # equal ones in a row, while bracketed paste is on: its composer is there
REST_LOOKS = 3  # the same where the program reads key by key, or that is not known
LINE_REST_LOOKS = 10  # the same where it may not have taken the keyboard yet; a line reader never does
RESTLESS_SECONDS = 15.0  # after which the prompt is typed to a screen that never rests
CALL_SECONDS = 60.0  # without readiness, until someone is called
READ_SECONDS = 3.0  # for a program to read its prompt


class Starting:
    """A session that is to get its prompt."""

    def __init__(self, prompt: str, runtime: RuntimeSpec) -> None:
        self.prompt = prompt
        self.runtime = runtime
        self.screen = ""
        self.equal = 0  # looks in a row that saw the same
        self.since: float | None = None  # when it was first looked at
        self.called = False  # someone was called
        self.tty = ""
        self.recorded = False  # `session.prompted` was noted by this daemon


class Prompts:
    """Those of all sessions. The owner says which sessions run, and which events were seen."""

    def __init__(
        self,
        *,
        timers: Timers,
        clock: Callable[[], float],
        server: Callable[[str], TmuxServer | None],
        world: Callable[[], World],
        note: Callable[[Observation], None],
        hands: Hands,
    ) -> None:
        self._timers = timers
        self._clock = clock
        self._server = server  # of a workspace
        self._world = world
        self._note = note
        self._hands = hands
        self._starting: dict[str, Starting] = {}

    def look(self, session: Session, prompt: Callable[[], tuple[str, RuntimeSpec]]) -> None:
        """See to it that a running session gets its prompt, once."""
        waiting = self._starting.get(session.uid)
        if session.state != "running":
            self._starting.pop(session.uid, None)
        elif waiting is None and not session.prompted:
            text, runtime = prompt()
            if text:
                self._starting[session.uid] = Starting(text, runtime)
                self._after(session.uid, LOOK_SECONDS)
        elif waiting is not None and waiting.recorded and session.prompted:
            del self._starting[session.uid]
            self._type(session, waiting)

    def _after(self, uid: str, seconds: float) -> None:
        self._timers.after(seconds, lambda: self._watch(uid))

    def _watch(self, uid: str) -> None:
        """Look at the screen of a session that is not ready for its prompt yet."""
        session, starting = self._world().sessions.get(uid), self._starting.get(uid)
        if session is None or session.state != "running" or starting is None:
            self._starting.pop(uid, None)
            return
        server = self._server(session.workspace)
        if server is None:
            self._after(uid, LOOK_SECONDS)
            return
        server.look(session.pane, uid, lambda look: self._seen(uid, starting, look))

    def _seen(self, uid: str, starting: Starting, look: Look | Failed) -> None:
        session = self._world().sessions.get(uid)
        standing = standing_of(session)
        if session is None or standing is None:
            self._starting.pop(uid, None)
            return
        now = self._clock()
        starting.since = now if starting.since is None else starting.since
        if isinstance(look, Failed):
            self._after(uid, LOOK_SECONDS)
            return
        screen = look.screen.strip()
        starting.equal = starting.equal + 1 if screen and screen == starting.screen else 0
        starting.screen, starting.tty = screen, look.tty
        lacks = lacking(standing, look, terminal(look.tty), starting, now - starting.since)
        if not lacks:
            starting.recorded = True
            self._note(prompted(uid, size=len(starting.prompt.encode(errors="surrogateescape"))))
            return
        if not starting.called and now - starting.since >= CALL_SECONDS:
            starting.called = True
            self._call(session, f"its prompt is not typed yet: {lacks}")
        self._after(uid, SLOW_LOOK_SECONDS if starting.called else LOOK_SECONDS)

    # --- and whether it arrived ----------------------------------------------------------------

    def _type(self, session: Session, starting: Starting) -> None:
        def typed(failed: Failed | None) -> None:
            if failed is not None and failed.reason != "gone":
                self._expect(session, starting, failed, READ_SECONDS)

        self._hands.type(session, starting.prompt, typed)

    def _expect(self, session: Session, starting: Starting, failed: Failed, seconds: float) -> None:
        """Call someone for a prompt that did not arrive; what lies unread may still be read soon."""
        state = terminal(starting.tty)
        if failed.message != UNREAD or state is None or seconds <= 0:
            self._call(session, f"its prompt: {failed.message}")
        elif state.unread:
            again = seconds - LOOK_SECONDS
            self._timers.after(LOOK_SECONDS, lambda: self._expect(session, starting, failed, again))

    def _call(self, session: Session, why: str) -> None:
        detail = f"{why}: marvel attach {session.key} shows what it does"
        self._note(attention(session.uid, "unprompted", detail))


def lacking(
    standing: Standing, look: Look, keyboard: Terminal | None, starting: Starting, elapsed: float
) -> str:
    """Return what an agent still lacks to take its prompt; empty when it is ready.

    `elapsed`: seconds since it was first looked at.
    """
    if dialog := dialog_on(look.screen, standing.words, heard=standing.heard):
        return f"it shows {described(dialog)}"
    if standing.activity == "waiting":
        return "it waits for an answer"
    runtime = starting.runtime
    if runtime.ready_delay is not None and elapsed < runtime.ready_delay:
        return f"ready_delay is {runtime.ready_delay:g} s"
    if runtime.ready_pattern:
        pattern = re.compile(runtime.ready_pattern)
        seen = any(pattern.search(row) for row in look.screen.splitlines())
        return "" if seen else "its screen does not show ready_pattern"
    if runtime.ready_delay is not None:
        return ""
    if standing.starts:
        return "it has not reported its start"
    return "" if _rests(look, keyboard, starting.equal, elapsed) else "its screen does not come to rest"


def _rests(look: Look, keyboard: Terminal | None, equal: int, elapsed: float) -> bool:
    """Whether a screen has come to rest with a program behind it that takes what is typed."""
    if look.bracketed:
        needed = OPEN_LOOKS
    elif keyboard is not None and keyboard.by_line:
        needed = LINE_REST_LOOKS
    else:
        needed = REST_LOOKS
    return equal >= needed - 1 or elapsed >= RESTLESS_SECONDS
