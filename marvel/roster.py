"""The sessions of one role, and which of them need no look of their own. The world keeps it up row by row.

Most sessions of a big role run, are ready, and are nobody's concern: they are *at rest*. Of these a
controller needs no more than how many there are, so that what a look costs does not grow with them. All
that can take one out of its rest is an event about it, a deadline of its own, or a change that concerns
the whole role; the daemon's agenda (daemon/agenda.py) has a look follow on each of them.
"""

from collections import defaultdict
from collections.abc import Collection

from marvel.resources import Session

RESTLESS_ACTIVITIES = ("stuck", "limited")  # in which something is waited for


class Roster:
    """The containers are for reading; only the world changes them, by `put` and `remove`."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}  # all that are remembered, by uid
        self.restless: dict[str, Session] = {}  # those to be looked at one by one
        self.past: dict[str, None] = {}  # uids of those that hold no slot, oldest first
        self._resting: defaultdict[int, set[str]] = defaultdict(set)  # uids of those at rest, by generation

    def copy(self) -> "Roster":
        """Return one that can be changed without changing this."""
        copied = Roster()
        copied.sessions, copied.restless = self.sessions.copy(), self.restless.copy()
        copied.past = self.past.copy()
        copied._resting.update((generation, uids.copy()) for generation, uids in self._resting.items())
        return copied

    def put(self, session: Session) -> None:
        """A session as it is now."""
        uid = session.uid
        self.sessions[uid] = session
        if is_at_rest(session):
            self._resting[session.generation].add(uid)
            self.restless.pop(uid, None)
            return
        self._wake(session)
        if session.current or session.alive:
            self.restless[uid] = session
            return
        self.past[uid] = None
        if session.one_off:  # forgotten after a while
            self.restless[uid] = session
        else:
            self.restless.pop(uid, None)

    def remove(self, session: Session) -> None:
        """A session that is forgotten."""
        self._wake(session)
        self.sessions.pop(session.uid, None)
        self.restless.pop(session.uid, None)
        self.past.pop(session.uid, None)

    def resting(self, but: Collection[Session] = ()) -> dict[int, int]:
        """How many are at rest in each generation, some sessions not counted."""
        counts = {generation: len(uids) for generation, uids in self._resting.items()}
        for session in but:
            if session.uid in self._resting.get(session.generation, ()):
                counts[session.generation] -= 1
        return counts

    def _wake(self, session: Session) -> None:
        """It is not, or no longer, at rest."""
        uids = self._resting.get(session.generation)
        if uids is not None:
            uids.discard(session.uid)
            if not uids:
                del self._resting[session.generation]


def is_at_rest(session: Session) -> bool:
    """Whether a session holds its slot, is ready, and nothing is on its way with it.

    What is decided about such a session depends on no other one.
    """
    return (
        session.state == "running"
        and session.ready
        and session.current
        and not session.one_off
        and session.stop is None
        and session.retirement is None
        and session.typing is None
        and session.health != "unhealthy"
        and not session.misses
        and not session.streak
        and session.activity not in RESTLESS_ACTIVITIES
        and not session.failure
    )
