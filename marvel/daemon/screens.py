"""Reads agents' screens: when something last came onto them, and which dialog or question they show.

A session is read soon after its start, and again until it is ready and was heard if its runtime reports
its start; one that shows a dialog until that is gone; any other when a list of panes says that its screen
changed. What was read is an observation for the controllers. Whoever types reads the screen again.
"""

from collections.abc import Callable, Iterable

from marvel.controllers import Screen
from marvel.resources import Session
from marvel.runtimes.dialogs import dialog_on
from marvel.tmux import Failed, Pane, TmuxServer
from marvel.tmux.timers import Timers
from marvel.world import World

FIRST_SECONDS = 0.5  # from a start to the first read
SOON_SECONDS = 1.0  # between reads of a screen that readiness waits for, or that shows a dialog
LATE_SECONDS = 5.0  # between reads of a ready agent that has not reported its start
TMUX_SECONDS = 1.0  # tmux reports changes in whole seconds

Words = Callable[[Session], tuple[tuple[str, str], ...]]


class Screens:
    """The screens of all sessions, as far as this daemon has read them."""

    def __init__(
        self,
        *,
        timers: Timers,
        server: Callable[[str], TmuxServer | None],
        world: Callable[[], World],
        wall: Callable[[], float],
        touch: Callable[[Session], None],
        words: Words,
        tells: Callable[[Session], bool],
    ) -> None:
        self._timers = timers
        self._server = server  # of a workspace
        self._world = world
        self._wall = wall
        self._touch = touch
        self._words = words  # of a session's first-run dialogs
        self._tells = tells  # whether a session's runtime reports its start
        self.seen: dict[str, Screen] = {}  # by uid
        self._watched: set[str] = set()  # uids with a timer
        self._reading: set[str] = set()  # uids whose screen was asked for

    def saw(self, panes: Iterable[Pane]) -> None:
        """Take in a list of our panes, and read the screens that changed."""
        now, sessions = self._wall(), self._world().sessions
        for pane in panes:
            session = sessions.get(pane.uid)
            if session is None or not session.alive:
                continue
            known = self.seen.get(pane.uid, Screen(0.0, 0.0))
            self.seen[pane.uid] = known._replace(changed_at=pane.changed_at, looked_at=now)
            if session.activity == "stuck":
                self._touch(session)
            is_new = session.signaled_at is None and known.read_at is None
            has_changed = known.looked_at > 0.0 and pane.changed_at >= known.looked_at - TMUX_SECONDS
            if session.uid not in self._watched and (is_new or has_changed):
                self._read(session)

    def watch(self, uid: str) -> None:
        """Read a session's screen until nothing depends on it; as often as one likes."""
        session = self._world().sessions.get(uid)
        if session is None or session.state != "running" or uid in self._watched:
            return
        if self._interval(session) is not None:
            self._again(uid, FIRST_SECONDS)

    def forget(self, uid: str) -> None:
        """Drop what is known of a session that has ended."""
        self.seen.pop(uid, None)

    def _again(self, uid: str, seconds: float) -> None:
        self._watched.add(uid)
        self._timers.after(seconds, lambda: self._look(uid))

    def _look(self, uid: str) -> None:
        session = self._world().sessions.get(uid)
        interval = self._interval(session) if session is not None and session.state == "running" else None
        self._watched.discard(uid)
        if session is not None and interval is not None:
            self._read(session)
            self._again(uid, interval)

    def _interval(self, session: Session) -> float | None:
        """Seconds until the next read; None when the lists of panes are enough."""
        known = self.seen.get(session.uid)
        if known is not None and known.dialog:
            return SOON_SECONDS
        if session.signaled_at is not None:
            return None
        if not session.ready:
            return SOON_SECONDS
        return LATE_SECONDS if self._tells(session) and not session.degraded else None

    def _read(self, session: Session) -> None:
        server = self._server(session.workspace)
        if server is None or not session.pane or session.uid in self._reading:
            return
        self._reading.add(session.uid)
        server.capture(session.pane, session.uid, lambda screen: self._take(session.uid, screen))

    def _take(self, uid: str, screen: str | Failed) -> None:
        self._reading.discard(uid)
        session = self._world().sessions.get(uid)
        if session is None or session.state != "running" or isinstance(screen, Failed):
            return  # unknown: what was known stands
        now = self._wall()
        known = self.seen.get(uid, Screen(now, now))
        dialog = dialog_on(screen, self._words(session), heard=session.signaled_at is not None)
        self.seen[uid] = known._replace(read_at=now, dialog=dialog)
        if dialog != known.dialog or known.read_at is None:
            self._touch(session)
        if dialog:
            self.watch(uid)
