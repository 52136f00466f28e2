"""The restart policy: what becomes of an ended session whose slot is wanted. Pure arithmetic."""

import hashlib
from typing import Literal, NamedTuple

from marvel.controllers import due
from marvel.resources import BudgetName, Role, RoleSpec, Session, State, Template

JITTER = 0.25  # of the delay, at most
MIN_GOOD_RUN_SECONDS = 60.0  # that ends a streak of restarts
# Ended because marvel or a person said so: it comes back at once, and nothing is charged.
UNCHARGED = ("killed", "tmux-server-lost")
BUDGET = "budget"  # reason: max_runtime or max_cost_usd is used up
BUDGET_GRACE_SECONDS = 300.0  # in which the turn that passed a budget may end
STARTS_AFRESH = ("killed", "restarted")  # a person wanted another one, not the same again
FRESH = ("restarted", "daemon-stop")  # the same, and the streak begins anew

Act = Literal["start", "back-off", "wait", "give-up", "leave"]


class Verdict(NamedTuple):
    """What is to be done about an ended session."""

    act: Act
    at: float = 0.0  # back-off, wait: until then
    delay: float = 0.0
    streak: int = 0  # of the session to be started
    reason: str = ""  # give-up
    detail: str = ""
    state: State = "failed"  # give-up: how the slot is left


LEAVE = Verdict("leave")


def judge(session: Session, role: Role, now: float) -> Verdict:
    """The verdict on a session that has ended and holds a wanted slot."""
    why = session.stop.reason if session.stop else session.reason
    if session.restart_requested or is_stale(session, role) or why in FRESH:
        return Verdict("start")
    if session.reason == "invalid-runtime" or why == BUDGET:
        return LEAVE
    if not _comes_back(session, role.spec):
        return _left(session)
    if why in UNCHARGED:
        return Verdict("start", streak=session.streak, delay=session.delay)
    budget = role.spec.max_restarts
    if budget and session.streak >= budget:
        if session.reason == "restart-budget":
            return LEAVE
        detail = f"{session.streak} restarts without a good run; marvel restart {session.key} clears it"
        return Verdict("give-up", reason="restart-budget", detail=detail)
    return _after_backoff(session, role.spec, now)


def resumed(template: Template, before: Session | None) -> str:
    """The agent's conversation that a refill goes on with; empty for a fresh start.

    A resume that came to nothing (its agent never spoke) is not tried again, unless tmux was the cause.
    """
    if before is None or not template.resume or before.reason in STARTS_AFRESH:
        return ""
    lost = before.reason == "tmux-server-lost"
    return before.agent_session_id or (before.resumes if lost else "")


def spent(before: Session | None) -> float:
    """Return what the job of a slot has cost in US dollars, where its next session goes on with that job."""
    if before is None or before.restart_requested or before.reason in (*STARTS_AFRESH, BUDGET):
        return 0.0
    return before.cost_usd or 0.0


def is_stale(session: Session, role: Role) -> bool:
    """Whether a restart of the whole role was asked for since the session started, or ended unstarted."""
    if session.started:
        return session.started < role.restart_asked
    return not session.alive and session.position < role.restart_asked


def backoff(spec: RoleSpec, uid: str, streak: int) -> float:
    """Seconds to wait before the restart that follows `streak` earlier ones: 0, then doubling."""
    if streak == 0:
        return 0.0
    return jittered(min(spec.backoff_initial * 2.0 ** min(streak - 1, 32), spec.backoff_max), uid, streak)


def jittered(seconds: float, uid: str, count: int) -> float:
    """Return a pause, up to a quarter longer: many agents that wait for the same do not return together."""
    draw = int.from_bytes(hashlib.blake2s(f"{uid}/{count}".encode(), digest_size=4).digest(), "big")
    return seconds * (1 + JITTER * draw / 2**32)


class Budget(NamedTuple):
    """A budget of a session that is, or will be, used up."""

    name: BudgetName
    limit: float
    spent_at: float  # 0: it is


def budget_of(spec: RoleSpec, session: Session) -> Budget | None:
    """The budget that a running session uses up first; None while it has none that time alone will."""
    if spec.max_cost_usd is not None and (session.cost_usd or 0.0) >= spec.max_cost_usd:
        return Budget("max_cost_usd", spec.max_cost_usd, 0.0)
    if spec.max_runtime is None or session.started_at is None:
        return None
    return Budget("max_runtime", spec.max_runtime, session.started_at + spec.max_runtime)


def budget_deadline(budget: Budget, session: Session) -> float | None:
    """Until when the turn that passed a budget may go on; None while nothing is noted of it."""
    noted = session.overspent
    if noted is None or (noted.budget, noted.limit) != (budget.name, budget.limit):
        return None
    return noted.deadline


def streak_reset_at(session: Session) -> float | None:
    """When a running session will have run well for long enough; None when it has no streak."""
    if session.state != "running" or session.started_at is None or session.streak == 0:
        return None
    return session.started_at + max(2 * session.delay, MIN_GOOD_RUN_SECONDS)


def _after_backoff(session: Session, spec: RoleSpec, now: float) -> Verdict:
    streak = session.streak + 1
    if session.state == "crashloop-backoff" and session.restart_at is not None:
        if due(session.restart_at, session.delay, now):
            return Verdict("start", streak=streak, delay=session.delay)
        return Verdict("wait", at=session.restart_at)
    delay = backoff(spec, session.uid, session.streak)
    if delay <= 0:
        return Verdict("start", streak=streak)
    return Verdict("back-off", at=(session.ended_at or now) + delay, delay=delay)


def _comes_back(session: Session, spec: RoleSpec) -> bool:
    match spec.restart_policy:
        case "always":
            return True
        case "on-failure":
            ended = session.outcome if session.state == "crashloop-backoff" else session.state
            return ended != "succeeded"
        case "never":
            return False


def _left(session: Session) -> Verdict:
    """Nothing more is started; a slot that was waiting for a restart stops waiting."""
    if session.state == "crashloop-backoff":
        detail = "the restart policy changed"
        return Verdict("give-up", reason=session.reason, detail=detail, state=session.outcome)
    return LEAVE
