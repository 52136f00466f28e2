"""The strength of a role: its sessions in named buckets, and the bounds that a replacement keeps.

A replacement never has more than `replicas + max_surge` sessions alive (stopping ones count, and so does
every slot that may be filled at any moment), and never takes a ready session away below
`replicas - max_unavailable`. A session that takes over counts once it has settled (`marvel/rules.py`).
"""

from marvel.controllers import View, due, earliest
from marvel.controllers.retiring import dismissal, next_step
from marvel.events import (
    CONTROLLER_SHIFTS,
    AnyFact,
    CohortScaled,
    Draft,
    SessionPaired,
    role_ref,
    session_ref,
)
from marvel.resources import Cohort, Role, Session
from marvel.rules import counts_as_ready, is_mid_turn, settles_at


class Strength:
    """One role as a replacement sees it. Collects what is decided, and the nearest time to look again.

    While anything is replaced, or to be, all sessions are judged; else those at rest are only counted.
    """

    def __init__(self, view: View, role: Role, now: float) -> None:
        self.view = view
        self.role = role
        self.now = now
        self.drafts: list[Draft] = []
        self.wake_at: float | None = None
        self.whole_at: float | None = None
        self.replicas = role.replicas
        shift = view.shift
        self.target = shift.target if shift is not None and shift.started_at is not None else None
        spec = role.spec.shift
        self.surge = role.replicas if spec.max_surge is None else spec.max_surge
        if self.surge == 0 and spec.max_unavailable == 0:
            self.surge = 1  # of no replicas: nothing could move
        self.least_ready = role.replicas - spec.max_unavailable
        ours = [s for s in view.judged if not s.one_off]
        self.leaving = [s for s in ours if s.alive and s.stop is not None and s.stop.release]
        staying = [s for s in ours if s.current and not (s.stop is not None and s.stop.release)]
        self.staying = sorted(staying, key=lambda s: (s.generation, s.index))
        self.remaining = [s for s in self.staying if not s.dismissed]
        self.ready = [s for s in self.remaining if self.counts_as_ready(s)]
        self.going = sum(1 for s in ours if s.dismissed and s.alive)  # let go, and still there
        self._counts = {cohort.generation: cohort.count for cohort in view.cohorts}

    def counts_as_ready(self, session: Session) -> bool:
        """Whether a session counts for the bounds; one that takes over from others has to have settled."""
        if not counts_as_ready(session, self.role.spec.restart_policy):
            return False
        takes_over = session.predecessor if self.target is None else session.generation == self.target
        if session.state == "succeeded" or not takes_over:
            return True
        min_ready = self.role.spec.shift.min_ready
        settles = settles_at(session, min_ready)
        if settles is None:
            return False
        if due(settles, min_ready, self.now):
            return True
        self.wake_all(settles)
        return False

    def of(self, cohort: Cohort) -> list[Session]:
        """A cohort's sessions that are not on their way out."""
        return [s for s in self.remaining if s.generation == cohort.generation]

    def there(self, cohort: Cohort) -> int:
        """How many of a cohort's sessions are not on their way out."""
        return len(self.of(cohort)) + self.view.resting.get(cohort.generation, 0)

    def count(self, cohort: Cohort) -> int:
        """A cohort's count, with what was decided in this look."""
        return self._counts[cohort.generation]

    def room(self) -> int:
        """How many more sessions may be wanted."""
        reserved = len(self.leaving)
        for cohort in self.view.cohorts:
            staying = sum(1 for s in self.staying if s.generation == cohort.generation)
            reserved += max(self.count(cohort), staying)
        return self.replicas + self.surge - reserved

    def scale(self, cohort: Cohort, count: int, cause: int) -> None:
        """Want another number of a cohort's sessions."""
        if self.count(cohort) != count:
            self._counts[cohort.generation] = count
            ref = role_ref(cohort.key, cohort.generation)
            self.drafts.append(
                Draft(ref=ref, fact=CohortScaled(count=count), cause=cause, actor=CONTROLLER_SHIFTS)
            )

    def add(self, session: Session, fact: AnyFact, cause: int | None = None) -> None:
        """A fact about a session."""
        cause = session.position if cause is None else cause
        self.drafts.append(Draft(ref=session_ref(session), fact=fact, cause=cause, actor=CONTROLLER_SHIFTS))

    def wake(self, at: float | None) -> None:
        """Look again at a time."""
        self.wake_at = earliest((self.wake_at, at))

    def wake_all(self, at: float) -> None:
        """Look at the whole role at a time: a session may rest until then."""
        self.wake(at)
        self.whole_at = earliest((self.whole_at, at))

    def is_spared(self, session: Session) -> bool:
        """Whether taking a session away would leave too few ready ones."""
        return self.counts_as_ready(session) and len(self.ready) - 1 < self.least_ready

    def dismiss(self, session: Session, cohort: Cohort | None, reason: str) -> None:
        """Let a session go; with a cohort, its count falls with it."""
        self.add(session, dismissal(reason))
        self.going += session.alive
        self.remaining = [s for s in self.remaining if s is not session]
        self.ready = [s for s in self.ready if s is not session]
        if cohort is not None:
            self.scale(cohort, max(0, self.count(cohort) - 1), session.position)

    def successor_of(self, session: Session) -> Session | None:
        """The session that takes over from another."""
        heirs = [s for s in self.remaining if s.predecessor == session.uid and s.alive]
        return heirs[-1] if heirs else None

    def pair(self, newcomers: list[Session], leavers: list[Session]) -> None:
        """Tell pending newcomers whose work they take over: the same slot's, else the first that is free."""
        if not leavers:
            return
        taken = {s.predecessor for s in self.view.sessions if s.predecessor}
        free = [s for s in leavers if s.uid not in taken]
        for session in newcomers:
            if session.predecessor or session.state != "pending" or session.replaces or not free:
                continue
            leaver = next((s for s in free if s.index == session.index), free[0])
            free.remove(leaver)
            self.add(session, SessionPaired(predecessor=leaver.uid), leaver.position)

    def see_off(self, session: Session, cohort: Cohort | None, *, at_once: bool = False) -> None:
        """Take a retiring session one step further on its way out."""
        mark = session.retirement
        if mark is None or mark.dismissed:
            return
        successor = self.successor_of(session)
        if successor is not None and not self.counts_as_ready(successor):
            successor = None
        if not at_once:
            step = next_step(session, mark, self.role, successor, self.now)
            for about, fact in step.facts:
                self.add(about, fact, session.position)
            self.wake(step.wake_at)
            if not step.may_go:
                return
        if not self.is_spared(session):
            self.dismiss(session, cohort, mark.reason)


def worst_first(strength: Strength, superseded: set[int], session: Session) -> tuple[object, ...]:
    """Order in which old sessions are taken away."""
    successor = strength.successor_of(session)
    return (
        session.alive,
        session.generation not in superseded,  # an unfinished generation goes before the one it left
        session.health != "unhealthy",
        strength.counts_as_ready(session),
        not (successor is not None and strength.counts_as_ready(successor)),
        is_mid_turn(session),
        -(session.context_percent or 0.0),
        -session.index,
    )
