"""Sessions: makes each cohort's live sessions equal its count; owns slots, restarts and backoff.

A slot is an index within a cohort, one of 0 to replicas - 1, held by its newest session (`current`). People
hang worktrees, ports and accounts on it, so it is filled only when the processes of the session before are
proven gone; no other index stands in for it. What ended and is wanted is replaced by a new session of the
same name, by the role's restart policy; what is too many is stopped. A new template is tried by one session
alone, and the others wait (`held`) until it has lived.
"""

from collections.abc import Iterable
from functools import cached_property

from marvel.controllers import Decision, View, due, earliest
from marvel.controllers.continuing import continues_at
from marvel.controllers.restarts import (
    BUDGET,
    BUDGET_GRACE_SECONDS,
    Verdict,
    budget_deadline,
    budget_of,
    is_stale,
    judge,
    resumed,
    spent,
    streak_reset_at,
)
from marvel.events import (
    CONTROLLER_SESSIONS,
    AnyFact,
    CohortProven,
    Draft,
    Ref,
    SessionBackedOff,
    SessionCleared,
    SessionContinued,
    SessionForgotten,
    SessionGaveUp,
    SessionOverspent,
    SessionRecovered,
    SessionReleased,
    SessionScheduled,
    SessionStopping,
    role_ref,
    session_ref,
)
from marvel.resources import Cohort, Role, Session, State, mint, session_name
from marvel.rules import is_mid_turn, is_ready, settles_at

PROVEN_AFTER_SECONDS = 0.05  # a session that lived this long proves its template
ONE_OFF_KEPT_SECONDS = 3600.0  # an ended one-off stays in the listing
UNPROVEN, INTERVAL = "template-unproven", "start-interval"  # reasons to hold a pending session


def reconcile(view: View, now: float) -> Decision:
    """Slots, restarts and stops of one role."""
    return _Pass(view, now).decide()


class _Pass:
    """One look at one role. Collects what is missing, and the nearest time to look again."""

    def __init__(self, view: View, now: float) -> None:
        self.view = view
        self.now = now
        self.drafts: list[Draft] = []
        self.wake_at: float | None = None
        self.whole_at: float | None = None
        self.slots = _slots(view.judged)

    def decide(self) -> Decision:
        for session in self.view.judged:
            if session.one_off:
                self._one_off(session)
        if self.view.draining:
            for session in self.slots:
                self._stop_for_drain(session)
            return Decision(self.drafts, self.wake_at)
        known = {cohort.generation for cohort in self.view.cohorts}
        for session in self.slots:
            if session.generation not in known:
                self._give_up_slot(session, "role-removed", session.position)
        for cohort in self.view.cohorts:
            slots = [s for s in self.slots if s.generation == cohort.generation]
            resting = self.view.resting.get(cohort.generation, 0)
            if resting and self._needs_all(cohort, slots, resting):
                slots = [s for s in _slots(self.view.sessions) if s.generation == cohort.generation]
                resting = 0
            self._cohort(cohort, slots, resting)
        return Decision(self.drafts, self.wake_at, self.whole_at)

    def _needs_all(self, cohort: Cohort, slots: list[Session], resting: int) -> bool:
        """Whether it is not enough to know how many of a cohort's sessions are at rest."""
        if not cohort.proven or resting + len(slots) > cohort.count:
            return True
        role = self.view.role
        if role is None or not role.restart_asked:
            return False
        return any(is_stale(session, role) for session in self.view.sessions)

    def _cohort(self, cohort: Cohort, slots: list[Session], resting: int) -> None:
        """One cohort: the sessions that hold its slots, and how many more there are at rest."""
        staying = [s for s in slots if not (s.stop and s.stop.release)]
        # What was dismissed fills no place: its count fell with it, or already stands for somebody else.
        excess = [s for s in staying if s.dismissed]
        too_many = resting + len(staying) - len(excess) - cohort.count
        if too_many > 0:
            candidates = [s for s in staying if not s.dismissed]
            limit = self._index_limit(cohort)
            excess += sorted(candidates, key=lambda s: _first_to_go(s, limit))[:too_many]
        for session in excess:
            self._give_up_slot(session, self._removal_reason(cohort, session), cohort.position)
        if excess:
            given_up = {session.uid for session in excess}
            staying = [s for s in staying if s.uid not in given_up]
        if not cohort.proven and self._prove(cohort, staying):
            return  # the next look sees it
        if self.view.role is None:
            return
        starts = _Starts(self, self.view.role, cohort, slots)
        starts.refill(staying)
        missing = cohort.count - len(staying) - resting
        if missing > 0:
            for index in self._free_indexes(cohort, missing):
                starts.schedule(index)
        starts.clear(staying)
        for session in staying:
            if session.health == "unhealthy" and session.state == "running" and session.stop is None:
                self._stop(session, "unhealthy", session.position, state="failed")
        self._restart_stale(self.view.role, staying)
        spec = self.view.role.spec
        has_budget = spec.max_cost_usd is not None or spec.max_runtime is not None
        for session in staying:
            if session.streak:
                self._recover(self.view.role, session)
            if has_budget:
                self._hold_to_budget(self.view.role, session)
            if session.activity == "limited" or session.failure:
                self._continue(cohort, session)

    def _free_indexes(self, cohort: Cohort, number: int) -> list[int]:
        """The lowest indexes of a role that nothing of a cohort holds: neither a slot nor a process."""
        ours = (s for s in self.view.sessions if s.generation == cohort.generation and not s.one_off)
        used = {s.index for s in ours if s.current or s.uid in self.view.lingering}
        return [index for index in range(self._index_limit(cohort)) if index not in used][:number]

    def _index_limit(self, cohort: Cohort) -> int:
        """How many indexes a cohort has: those of the role, and one for each replacement by a trigger."""
        return max(self.view.role.replicas if self.view.role is not None else 0, cohort.count)

    def _prove(self, cohort: Cohort, slots: list[Session]) -> bool:
        """Whether one of the cohort's sessions has lived, or has ended well."""
        for session in slots:
            if session.started_at is None:
                continue
            lived_at = session.started_at + PROVEN_AFTER_SECONDS
            ended_at = session.ended_at or self.view.exits.get(session.uid)
            if ended_at is not None:
                lived = ended_at >= lived_at
            else:
                lived = due(lived_at, PROVEN_AFTER_SECONDS, self.now)
            if lived or session.state == "succeeded":
                self._add(role_ref(cohort.key, cohort.generation), CohortProven(), session.position)
                return True
            if ended_at is None:
                self._wake(lived_at)
        return False

    def _restart_stale(self, role: Role, slots: list[Session]) -> None:
        """`marvel restart TEAM`: one session at a time, the next once all the others are ready."""
        if not role.restart_asked:
            return
        stale = [s for s in slots if is_stale(s, role)]
        running = [s for s in stale if s.state == "running"]
        if not running or any(s.stop for s in slots):
            return
        if all(self._has_settled(s, role) for s in slots if s not in stale):
            self._stop(running[0], "restarted", role.restart_asked)

    def _has_settled(self, session: Session, role: Role) -> bool:
        """Whether the next one may go; one that succeeded has done its part, whatever the policy."""
        if session.state == "succeeded":
            return True
        min_ready = role.spec.shift.min_ready
        settles = settles_at(session, min_ready) if is_ready(session) else None
        if settles is None:
            return False
        if not due(settles, min_ready, self.now):
            self._wake_all(settles)
            return False
        return True

    def _recover(self, role: Role, session: Session) -> None:
        """A good run ends the streak of restarts."""
        reset_at = streak_reset_at(session)
        if reset_at is None or role.spec.restart_policy == "never":
            return
        if due(reset_at, reset_at - (session.started_at or 0.0), self.now):
            self._add(session_ref(session), SessionRecovered(), session.position)
        else:
            self._wake(reset_at)

    def _hold_to_budget(self, role: Role, session: Session) -> None:
        """Past its budget a session ends at its next turn boundary or after a grace, and stays ended."""
        if session.state != "running":
            return
        budget = budget_of(role.spec, session)
        if budget is None:
            return
        if budget.spent_at > self.now:
            self._wake_all(budget.spent_at)
            return
        deadline = budget_deadline(budget, session)
        if not is_mid_turn(session) or (
            deadline is not None and due(deadline, BUDGET_GRACE_SECONDS, self.now)
        ):
            self._stop(session, BUDGET, session.position, state="failed")
        elif deadline is not None:
            self._wake_all(deadline)
        else:
            until = self.now + BUDGET_GRACE_SECONDS
            noted = SessionOverspent(budget=budget.name, limit=budget.limit, deadline=until)
            self._add(session_ref(session), noted, session.position)

    def _continue(self, cohort: Cohort, session: Session) -> None:
        """Tell an agent to go on after its limit is over, or its turn failed for a reason that passes."""
        at, text = continues_at(session), cohort.template.resume_prompt
        if at is None or not text or session.typing is not None or session.retirement is not None:
            return
        if self.now < at:
            self._wake(at)
        else:
            self._add(session_ref(session), SessionContinued(text=text), session.position)

    def _one_off(self, session: Session) -> None:
        if session.alive:
            if self.view.draining:
                self._stop_for_drain(session)
            return
        forget_at = (session.ended_at or session.created_at) + ONE_OFF_KEPT_SECONDS
        if due(forget_at, ONE_OFF_KEPT_SECONDS, self.now):
            self._add(session_ref(session), SessionForgotten(), session.position)
        else:
            self._wake(forget_at)

    def _stop_for_drain(self, session: Session) -> None:
        if session.alive and session.stop is None:
            self._stop(session, "daemon-stop", session.position, release=session.one_off)

    def _give_up_slot(self, session: Session, reason: str, cause: int) -> None:
        if not session.alive:
            self._add(session_ref(session), SessionReleased(), cause)
        elif session.stop is None or not session.stop.release:
            self._stop(session, reason, cause, release=True)

    def _stop(
        self, session: Session, reason: str, cause: int, *, release: bool = False, state: State = "stopped"
    ) -> None:
        spec = self.view.stop_spec(session)
        deadline = spec.deadline(self.now)
        if session.stop is not None:  # an earlier order's, unless the clock went back since
            deadline = min(deadline, session.stop.deadline)
        fact = SessionStopping(
            reason=reason,
            deadline=deadline,
            state=state,
            release=release,
            signal=spec.signal,
            keys=spec.keys,
        )
        self._add(session_ref(session), fact, cause)

    def _removal_reason(self, cohort: Cohort, session: Session) -> str:
        if self.view.role is None:
            return "role-removed"
        mark = session.retirement
        if mark is not None and mark.dismissed:
            return "scaled-down" if mark.reason == "scaled-down" else "replaced"
        newer = [c for c in self.view.cohorts if c.generation > cohort.generation and not c.aborted]
        return "replaced" if newer else "scaled-down"

    def _add(self, ref: Ref, fact: AnyFact, cause: int) -> None:
        self.drafts.append(Draft(ref=ref, fact=fact, cause=cause, actor=CONTROLLER_SESSIONS))

    def _wake(self, at: float) -> None:
        self.wake_at = earliest((self.wake_at, at))

    def _wake_all(self, at: float) -> None:
        """Look at the whole role at a time: a session may rest until then."""
        self._wake(at)
        self.whole_at = earliest((self.whole_at, at))


class _Starts:
    """Everything that starts a session of one cohort goes through here, and so through its gates."""

    def __init__(self, work: _Pass, role: Role, cohort: Cohort, slots: list[Session]) -> None:
        self.work = work
        self.role = role
        self.cohort = cohort
        self.trying = cohort.proven or any(self._is_try(s) for s in slots)
        self.started_now = False

    def refill(self, slots: list[Session]) -> None:
        """What ended and is wanted comes back, at once or after its backoff."""
        for session in slots:
            if session.alive:
                continue
            verdict = judge(session, self.role, self.work.now)
            match verdict.act:
                case "start" if session.uid in self.work.view.lingering:
                    pass  # looked at again once its processes are gone
                case "start":
                    self.schedule(session.index, after=session, verdict=verdict)
                case "back-off":
                    fact = SessionBackedOff(restart_at=verdict.at, delay=verdict.delay)
                    self.work._add(session_ref(session), fact, session.position)
                    self.work._wake(verdict.at)
                case "give-up":
                    gave_up = SessionGaveUp(reason=verdict.reason, detail=verdict.detail, state=verdict.state)
                    self.work._add(session_ref(session), gave_up, session.position)
                case "wait":
                    self.work._wake(verdict.at)
                case "leave":
                    pass

    def schedule(self, index: int, *, after: Session | None = None, verdict: Verdict | None = None) -> None:
        """A new session in a slot, the successor of the one before it there."""
        cohort, now = self.cohort, self.work.now
        name = session_name(cohort.team, cohort.role, cohort.generation, index)
        uid = mint(cohort.workspace, name, now, after.uid if after else cohort.position)
        is_try_again = after is not None and not after.held and self._is_try(after)
        reason = self._interval() if is_try_again else self._gate()
        if not reason:
            self._note_start()
        runtime = cohort.template.runtime
        promise = self.work.view.promise(cohort.generation)
        fact = SessionScheduled(
            index=index,
            image=runtime.image,
            command=runtime.command,
            heartbeat=promise.heartbeat,
            held=bool(reason),
            reason=reason,
            restarts=after.restarts + 1 if after else 0,
            streak=verdict.streak if verdict else 0,
            delay=verdict.delay if verdict else 0.0,
            replaces=after.uid if after else "",
            predecessor=after.predecessor if after else "",
            resumes=resumed(cohort.template, after) if promise.resumes else "",
            spent_usd=spent(after),
        )
        ref = Ref(
            workspace=cohort.workspace,
            team=cohort.team,
            role=cohort.role,
            session=name,
            uid=uid,
            generation=cohort.generation,
        )
        self.work._add(ref, fact, after.position if after else cohort.position)

    def clear(self, slots: list[Session]) -> None:
        """Let held sessions start, as far as the gates allow."""
        for session in slots:
            if session.state != "pending" or not session.held:
                continue
            if self._gate():
                return
            self._note_start()
            self.work._add(session_ref(session), SessionCleared(), self.cohort.position)

    def _gate(self) -> str:
        """Why nothing may start right now; empty when something may."""
        if not self.cohort.proven and self.trying:
            return UNPROVEN
        return self._interval()

    def _interval(self) -> str:
        return "" if self._interval_over() else INTERVAL

    def _interval_over(self) -> bool:
        interval = self.role.spec.start_interval
        if interval <= 0:
            return True
        last_start = self.work.now if self.started_now else self._last_start
        if last_start is None:
            return True
        next_start = last_start + interval
        if not self.started_now and due(next_start, interval, self.work.now):
            return True
        self.work._wake(next_start)
        return False

    @cached_property
    def _last_start(self) -> float | None:
        """When one of the role's sessions was last allowed to start, before this look."""
        now, ours = self.work.now, (s for s in self.work.view.sessions if not s.one_off)
        # A start ahead of now was before the clock went back: it would void the interval for that long.
        cleared = (s.cleared_at for s in ours if s.cleared_at is not None and s.cleared_at <= now)
        return max(cleared, default=None)

    def _note_start(self) -> None:
        self.trying = True
        self.started_now = True

    def _is_try(self, session: Session) -> bool:
        """Whether a slot is the one that tries an unproven template.

        One that gave up hands the try on; a missing command does not: it is missing for all.
        """
        if session.cleared_at is None or (session.stop is not None and session.stop.release):
            return False
        if session.alive:
            return True
        if session.reason == "invalid-runtime":
            return "{" not in self.cohort.template.runtime.cwd
        return judge(session, self.role, self.work.now).act in ("start", "back-off", "wait")


def _slots(sessions: Iterable[Session]) -> list[Session]:
    """Those that hold slots, in order."""
    slots = [s for s in sessions if s.current and not s.one_off]
    return sorted(slots, key=lambda s: (s.generation, s.index))


def _first_to_go(session: Session, limit: int) -> tuple[bool, bool, bool, bool, bool, int]:
    """Order of removal: retiring, an index that the role no longer has, failed (or on its way out),
    unhealthy, pending, then the highest index.
    """
    return (
        not session.retiring,
        session.index < limit,
        session.state in ("pending", "running", "succeeded"),
        session.health != "unhealthy",
        session.state != "pending",
        -session.index,
    )
