"""A running shift: one generation takes over from the others, within the bounds. Pure.

    launch → wait until ready → one of the others retires per ready one → gone → complete

Not all of them at once: the first ones (`max_unavailable`, at least one) go alone, the rest `min_ready`
later, so that a template whose sessions die soon after they were ready costs one of the team, not the team.

An abort is the same with the generations changed round: the old one is to have all sessions again.
"""

from marvel.controllers import due
from marvel.controllers.strength import Strength, worst_first
from marvel.events import (
    CONTROLLER_SHIFTS,
    AnyFact,
    Draft,
    SessionKept,
    SessionRetiring,
    ShiftAborted,
    ShiftCompleted,
    ShiftProgressed,
    ShiftRolledBack,
    ShiftStuck,
    role_ref,
)
from marvel.resources import Cohort, Session, Shift, ShiftPhase

# A new daemon needs a moment to see what became ready while there was none.
SETTLING_SECONDS = 5.0


class Rollout:
    """One look at one running shift."""

    def __init__(self, strength: Strength, shift: Shift, target: Cohort) -> None:
        self.strength = strength
        self.shift = shift
        self.target = target
        self.aborting = shift.aborted_at is not None
        self.others = [c for c in strength.view.cohorts if c is not target]
        self.new = strength.of(target)
        self.olds = [s for s in strength.remaining if s.generation != target.generation]
        self.ready = sum(1 for s in self.new if strength.counts_as_ready(s))

    def advance(self) -> None:
        """Write what is missing."""
        shift, strength = self.shift, self.strength
        if shift.paused_at is not None:
            return
        if self._is_done():
            self._note(ShiftRolledBack() if self.aborting else ShiftCompleted())
            return
        if self._note_progress() or self._run_out():
            return  # the next look sees it
        self._unmark_target()
        self._launch()
        strength.pair(self.new, self.olds)
        self._drop_ended()
        self._retire()
        for session in list(self.olds):
            strength.see_off(session, self._cohort_of(session), at_once=self.aborting)

    def _is_done(self) -> bool:
        view, replicas = self.strength.view, self.strength.replicas
        gone = not any(
            (s.alive or s.current) and not s.one_off and s.generation != self.target.generation
            for s in view.sessions
        )
        if not gone or any(c.count for c in self.others) or self.target.count != replicas:
            return False
        return self.aborting or max(self.ready, self._most_ready()) >= replicas

    def _most_ready(self) -> int:
        """How many were ready at once, where those that have ended since do not come back."""
        comes_back = self.strength.role.spec.restart_policy != "never"
        if comes_back or self.shift.replicas != self.strength.replicas:
            return 0
        return self.shift.most_ready

    def _note_progress(self) -> bool:
        shift, strength = self.shift, self.strength
        old = len(self.olds) + sum(1 for s in strength.leaving if s.generation != self.target.generation)
        waiting = self.ready < self.target.count
        moved = shift.replicas != strength.replicas or self.ready - old > shift.ready - shift.old
        phase: ShiftPhase = "draining" if self._drains(waiting=waiting) else "launching"
        if not moved and phase == shift.phase and waiting == (shift.deadline is not None):
            return False
        deadline = None
        if waiting:
            kept = None if moved else shift.deadline
            deadline = kept or strength.now + strength.role.spec.shift.ready_timeout
        fact = ShiftProgressed(
            phase=phase,
            ready=self.ready if moved else shift.ready,
            old=old if moved else shift.old,
            replicas=strength.replicas,
            deadline=deadline,
        )
        self._note(fact)
        return True

    def _drains(self, *, waiting: bool) -> bool:
        others = [s for s in self.strength.staying if s.generation != self.target.generation]
        return any(s.retiring for s in others) or bool(others and self.target.count and not waiting)

    def _run_out(self) -> bool:
        """Whether there was no progress for too long, and what then."""
        shift, strength = self.shift, self.strength
        if shift.deadline is None or shift.stuck:
            return False
        settled_at = strength.view.looking_since(strength.now) + SETTLING_SECONDS
        if not due(shift.deadline, strength.role.spec.shift.ready_timeout, strength.now):
            strength.wake(shift.deadline)
            return False
        if not due(settled_at, SETTLING_SECONDS, strength.now):
            strength.wake(settled_at)
            return False
        missing = f"{self.ready} of {strength.replicas} ready in generation {self.target.generation}"
        if self.aborting:
            self._note(ShiftStuck(detail=f"{missing}: what is ready elsewhere is kept"))
        else:
            timeout = f"{strength.role.spec.shift.ready_timeout:g} s"
            self._note(ShiftAborted(reason="ready-timeout", detail=f"{missing} after {timeout}"))
        return True

    def _unmark_target(self) -> None:
        """After an abort: who was to be replaced stays."""
        for session in self.new:
            if session.retiring:
                self.strength.add(session, SessionKept(reason="shift aborted"), self.shift.position)

    def _launch(self) -> None:
        strength, target = self.strength, self.target
        missing = strength.replicas - strength.count(target)
        if missing > 0:
            grown = min(missing, max(0, strength.room()))
            strength.scale(target, strength.count(target) + grown, self._cause())
            return
        surplus = sorted(self.new, key=self._order)[: max(0, -missing)]
        for session in surplus:  # scaled down in the middle
            strength.dismiss(session, target, "scaled-down")
        if -missing > len(surplus):
            strength.scale(target, strength.replicas, self._cause())

    def _drop_ended(self) -> None:
        """What ended is not started again unless too few would be ready."""
        strength = self.strength
        if len(strength.ready) < strength.least_ready and not self.aborting:
            return
        for session in [s for s in self.olds if not s.alive and not strength.counts_as_ready(s)]:
            strength.dismiss(session, self._cohort_of(session), "shift")
            self.olds.remove(session)
        for cohort in self.others:
            slots = len(strength.of(cohort))
            if strength.count(cohort) > slots:
                strength.scale(cohort, slots, self._cause())

    def _retire(self) -> None:
        """One of the others per ready one of ours, worst first."""
        strength = self.strength
        candidates = sorted((s for s in self.olds if not s.retiring), key=self._order)
        if self.aborting:  # what is not ready is of no use
            for session in [s for s in candidates if not strength.counts_as_ready(s)]:
                strength.dismiss(session, self._cohort_of(session), "shift aborted")
                candidates.remove(session)
                self.olds.remove(session)
        ready = [s for s in strength.ready if not s.retiring]
        free = max(len(candidates) - max(0, strength.replicas - self.ready), self._to_make_room(ready))
        spare = len(ready) - strength.least_ready
        free = min(free, self._pace())
        for session in candidates:
            is_ready = strength.counts_as_ready(session)
            if free <= 0 or (is_ready and spare <= 0):
                break
            free -= 1
            spare -= is_ready
            self._mark(session)

    def _pace(self) -> int:
        """How many may be marked now: the first ones alone, the others once their heirs have lived on."""
        strength = self.strength
        min_ready = strength.role.spec.shift.min_ready
        if self.aborting or not min_ready:
            return len(self.olds)
        olds = [s for s in strength.view.sessions if s.generation != self.target.generation]
        marks = [s.retirement.at for s in olds if s.retirement is not None and s.retirement.reason == "shift"]
        since = [at for at in marks if at >= (self.shift.started_at or 0.0)]
        if not since:
            return max(1, strength.role.spec.shift.max_unavailable)
        goes_on_at = min(since) + min_ready
        if due(goes_on_at, min_ready, strength.now):
            return len(self.olds)
        strength.wake(goes_on_at)
        return 0

    def _to_make_room(self, ready: list[Session]) -> int:
        """How many must go before anything can be launched at all."""
        strength = self.strength
        blocked = (
            strength.count(self.target) < strength.replicas
            and strength.room() <= 0
            and not strength.leaving
            and not any(s.retirement for s in strength.staying)
            and self.ready >= strength.count(self.target)
        )
        return max(1, len(ready) - strength.least_ready) if blocked else 0

    def _mark(self, session: Session) -> None:
        strength = self.strength
        if self.aborting:
            strength.dismiss(session, self._cohort_of(session), "shift aborted")
            self.olds.remove(session)
            return
        deadline = strength.now + strength.role.spec.shift.drain_timeout
        strength.add(session, SessionRetiring(reason="shift", deadline=deadline), self.shift.position)

    def _order(self, session: Session) -> tuple[object, ...]:
        superseded = {c.generation for c in self.others if c.aborted}
        return worst_first(self.strength, superseded, session)

    def _cohort_of(self, session: Session) -> Cohort | None:
        return next((c for c in self.others if c.generation == session.generation), None)

    def _cause(self) -> int:
        return self.shift.position

    def _note(self, fact: AnyFact) -> None:
        ref = role_ref(self.shift.key, self.shift.to_generation)
        self.strength.drafts.append(
            Draft(ref=ref, fact=fact, cause=self.shift.position, actor=CONTROLLER_SHIFTS)
        )
