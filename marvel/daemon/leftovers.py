"""What runs on without a live session: panes nobody owns, processes that outlived their agent.

An agent may leave children behind that it started, and a daemon may die before it closed a pane. All of it
is ended as sessions are, level by level with proof, and told in the log. Until then the session lingers: its
slot is not filled again.
"""

from collections.abc import Callable

from marvel.daemon.machine import Machine
from marvel.daemon.observations import Observation, leftover, orphaned
from marvel.daemon.processes import Process
from marvel.daemon.stopper import Stopper
from marvel.resources import Session, StopOrder
from marvel.tmux import Pane
from marvel.world import World

GRACE_SECONDS = 10.0  # before KILL


class Leftovers:
    """Those of all workspaces that are being ended."""

    def __init__(
        self,
        *,
        machine: Machine,
        stopper: Stopper,
        world: Callable[[], World],
        note: Callable[[Observation], None],
        close_pane: Callable[[str, Pane], None],
        home: str,
        knows: Callable[[str], bool],
        lingering: set[str],
        touch: Callable[[Session], None],
    ) -> None:
        self._machine = machine
        self._stopper = stopper
        self._world = world
        self._note = note
        self._close_pane = close_pane  # of a workspace
        self._home = home
        self._knows = knows  # whether the log tells of a session, also of one that is forgotten
        self._orphans: dict[str, tuple[str, Pane]] = {}  # uid → workspace, pane
        self._lingering = lingering  # ended sessions that may have left something behind; controllers read it
        self._touch = touch  # has the controllers look at a session

    def end_all(self) -> None:
        """What ended sessions left running, and an earlier daemon had no time to end."""
        sessions = self._world().sessions
        for uid in self._machine.uids_of(self._home):
            session = sessions.get(uid)
            if not session.alive if session is not None else self._knows(uid):
                self.end_of(uid)

    def end_of(self, uid: str, main: Process | None = None) -> None:
        """End what an ended session has left running, if anything.

        `main`: the process of its pane, when this daemon saw it end just now: while one of its group lives,
        the kernel gives that number to nobody else.
        """
        if uid in self._stopper:
            return
        self._lingering.add(uid)
        self.end(uid, main, GRACE_SECONDS)

    def end_orphan(self, workspace: str, pane: Pane, main: Process | None, *, known: bool) -> None:
        """End a pane of this log that no live session owns. That of an ended session was only left open."""
        if pane.uid in self._orphans:
            return
        if known and pane.dead:
            self._close_pane(workspace, pane)
            self.end_of(pane.uid)
            return
        self._orphans[pane.uid] = workspace, pane
        self._lingering.add(pane.uid)
        self._note(orphaned(workspace, pane.uid, pane.pane, pane.pid))
        self.end(pane.uid, main, GRACE_SECONDS)

    def end(self, uid: str, main: Process | None, grace: float) -> None:
        """Ask whatever carries a uid to end, at once, and kill it after `grace` seconds."""
        now = self._machine.wall()
        order = StopOrder(reason="leftover", at=now, deadline=now + grace)
        self._stopper.begin(uid, main, order, now, self._machine.monotonic())

    def gone(self, uid: str, outlived: list[int], left: list[int]) -> bool:
        """The stopper has proved a uid gone but for `left`, which can't be ended; was it a leftover?"""
        if left:
            self._note(leftover(uid, left, "can't be ended: they ignore KILL or are not ours"))
        if uid not in self._lingering:
            return False
        self._lingering.discard(uid)
        if uid in self._orphans:
            self._close_pane(*self._orphans.pop(uid))
        elif outlived and not left:
            self._note(leftover(uid, outlived, "outlived the agent that started them; ended"))
        session = self._world().sessions.get(uid)
        if session is not None:
            self._touch(session)
        return True
