"""Runs `exec` probes: one at a time for each session, every `interval`, a bounded number in all.

A result is kept for the health controller to judge; a probe that could not be run has no result but why.
A probe runs where its agent runs and with its environment, but for what would make it the agent itself.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from marvel.controllers import Probed
from marvel.daemon.children import Children, Ended
from marvel.resources import HealthcheckSpec, RoleKey, Session
from marvel.tmux.timers import Timers
from marvel.world import World

MAX_IN_FLIGHT = 32  # probes of all sessions together; the others wait


class Surroundings(NamedTuple):
    """Where and with what a session's probe runs."""

    cwd: str
    env: Mapping[str, str]
    argv: tuple[str, ...]


class Probes:
    """All probes. `results` holds the newest of each session."""

    def __init__(
        self,
        children: Children,
        timers: Timers,
        *,
        world: Callable[[], World],
        touch: Callable[[Session], None],
        surroundings: Callable[[Session, tuple[str, ...]], Surroundings],
    ) -> None:
        self._children = children
        self._timers = timers
        self._world = world
        self._touch = touch
        self._surroundings = surroundings
        self.results: dict[str, Probed] = {}
        self._planned: set[str] = set()  # uids whose probe runs, waits its turn, or has a timer
        self._turn: deque[str] = deque()  # due, but too many run
        self._in_flight = 0

    def look(self, uid: str) -> None:
        """See that a session's probe runs from now on, if it has one."""
        if uid not in self._planned and self._due(uid) is not None:
            self._planned.add(uid)
            self._run(uid)

    def look_at_role(self, key: RoleKey) -> None:
        """The same for every session of a role."""
        for session in self._world().sessions_of(key):
            self.look(session.uid)

    def look_at_all(self) -> None:
        """The same for every session."""
        for uid in list(self._world().sessions):
            self.look(uid)

    def forget(self, uid: str) -> None:
        """A session has ended."""
        self.results.pop(uid, None)

    def _due(self, uid: str) -> tuple[Session, HealthcheckSpec] | None:
        """A session that is to be probed, and how."""
        world = self._world()
        session = world.sessions.get(uid)
        if session is None or session.state != "running" or session.one_off:
            return None
        role = world.roles.get(session.role_key)
        check = role.spec.healthcheck if role is not None else None
        return (session, check) if check is not None and check.type == "exec" else None

    def _run(self, uid: str) -> None:
        found = self._due(uid)
        if found is None:
            self._planned.discard(uid)
            self.results.pop(uid, None)
            return
        if self._in_flight >= MAX_IN_FLIGHT:
            self._turn.append(uid)
            return
        session, check = found
        try:
            where = self._surroundings(session, check.command)
            self._children.start(
                where.argv,
                cwd=where.cwd,
                env=where.env,
                seconds=check.timeout,
                done=lambda ended: self._ended(session, check, ended),
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._take(session, Probed(time.time(), None, f"{check.command[0]}: {why}"), check.interval)
        else:
            self._in_flight += 1

    def _ended(self, session: Session, check: HealthcheckSpec, ended: Ended) -> None:
        self._in_flight -= 1
        detail = f"{check.command[0]}: {ended.words}" if ended.words else ""
        self._take(session, Probed(time.time(), not detail, detail), check.interval - ended.seconds)
        while self._turn and self._in_flight < MAX_IN_FLIGHT:
            self._run(self._turn.popleft())

    def _take(self, session: Session, result: Probed, pause: float) -> None:
        uid = session.uid
        self.results[uid] = result
        self._touch(session)
        self._timers.after(max(0.0, pause), lambda: self._run(uid))
