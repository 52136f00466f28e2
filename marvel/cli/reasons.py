"""Why a resource is as it is: what it waits for, and what is deliberately not done. Pure.

Asks the controllers' own rules where there are some, so that what is said here is what they will do.
"""

from typing import NamedTuple

from marvel.cli.generations import Reason, Why, changed, newest, shifting
from marvel.cli.listing import FAILURES
from marvel.cli.listing import reason as ended_how
from marvel.cli.table import counted
from marvel.cli.times import age
from marvel.controllers.continuing import CONTINUES_MOST, PASSING, continues_at
from marvel.controllers.restarts import BUDGET, budget_deadline, budget_of, judge, streak_reset_at
from marvel.controllers.sessions import INTERVAL, ONE_OFF_KEPT_SECONDS, UNPROVEN
from marvel.resources import Role, RoleKey, Session
from marvel.rules import is_mid_turn
from marvel.world import World

IN_WORDS = {  # reasons that end a session, or keep it from starting
    "killed": "it was killed by a command",
    "restarted": "a restart was asked for",
    "scaled-down": "fewer sessions are wanted",
    "role-removed": "its role is no longer declared",
    "workspace-deleted": "its workspace was deleted",
    "replaced": "another session takes its place",
    "daemon-stop": "marvel was asked to stop",
    "unhealthy": "it was found unhealthy",
    "budget": "its budget is used up",
    "restart-budget": "it crashed too often",
    "invalid-runtime": "there is nothing to run",
    "tmux-server-lost": "its tmux server died",
    "tmux-unavailable": "tmux can't be used",
    "file-locked": "a file that it needs changed is locked by another program",
    "shortage": "the machine is short of what a start needs",
    "files-unavailable": "a file or directory that a start needs can't be read now",
    "tmux-refused": "tmux refused to start it",
    "crashed": "it crashed",
    "shift": "in a shift",
    "context": "for its context was full",
    "age": "for its age",
    UNPROVEN: "its template is new: one session tries it first",
    INTERVAL: "sessions of its role start one after the other (start_interval)",
}
ENDED_TOO_OFTEN = "it ended too often"  # by itself, with success: no crash
TAKES_AGAIN = "a changed template, or marvel restart {key}, tries again"


class Known(NamedTuple):
    """What the log tells of a session besides the world."""

    crashed_since: float | None = None  # the first crash of its streak
    aborted: str = ""  # why the shift to its generation was, if it was


def of_session(world: World, session: Session, now: float, known: Known) -> Why:
    """A session."""
    why = Why(because(world, session), [], [])
    match session.state:
        case "pending":
            _pending(world, session, why)
        case "running":
            _running(world, session, now, why)
        case "stopping":
            _stopping(world, session, why)
        case _:
            _ended(world, session, now, known, why)
    return why


def of_role(world: World, role: Role) -> Why:
    """A role: how many of its sessions are ready, and what stands between it and its manifest."""
    key = role.key
    sessions = [s for s in world.sessions_of(key) if (s.current or s.alive) and not s.one_off]
    ready = sum(1 for s in sessions if s.state == "running" and s.ready)
    why = Why(f"{ready} of {role.replicas} sessions are ready", [], [])
    shift = world.shifts.get(key)
    if shift is not None:
        shifting(shift, why)
    cohort = newest(world.cohorts_of(key))
    if cohort is not None and shift is None:
        changed(world, role, cohort, why)
    if role.replicas != role.spec.replicas:
        text = f"not {role.spec.replicas} sessions, as the manifest says: it was scaled to {role.replicas}"
        why.not_done.append(Reason(text, hint="the manifest's own number wins once it changes"))
    if role.chosen is not None:
        text = "not made of the manifest's template: an undo chose an earlier one"
        why.not_done.append(Reason(text, hint="it stands until the manifest's template changes"))
    for session in sorted(sessions, key=lambda s: (s.generation, s.index)):
        if session.state != "running" or not session.ready:
            text = f"{session.key}, which is {session.state}: {because(world, session)}"
            why.waits_for.append(Reason(text, session.restart_at, f"marvel why {session.key}"))
    return why


def without_daemon() -> Reason:
    """Said of everything while nobody does anything."""
    return Reason("nothing is done: no daemon is running", hint="marvel daemon -d starts one")


# --- sessions ------------------------------------------------------------------------------------


def because(world: World, session: Session) -> str:
    """The state itself, in words."""
    row = {"reason": "", "signal": session.signal, "exit_status": session.exit_status, "detail": ""}
    ended = ended_how(row)
    reason = _held_for(world, session) if session.held else session.reason
    words = IN_WORDS.get(reason, reason)
    if reason == "restart-budget" and session.exit_status == 0:
        words = ENDED_TOO_OFTEN
    if session.state == "running":
        ready = "ready" if session.ready else "not ready yet"
        verdict = f", {session.health}" if session.health != "unknown" else ""
        return f"its process (pid {session.pid}) is in its pane{verdict}, {ready}"
    if session.state == "pending":
        words = words or "it is being started"
    if session.state == "succeeded":
        words = words or "it ended by itself"
    told = ", ".join(part for part in (words, ended) if part) or "it ended"
    return f"{told}: {session.detail}" if session.detail else told


def _held_for(world: World, session: Session) -> str:
    """What keeps a pending session from starting now: once its template has lived, only the interval."""
    cohorts = world.cohorts_of(session.role_key)
    proven = any(cohort.proven for cohort in cohorts if cohort.generation == session.generation)
    return INTERVAL if proven else session.reason


def _pending(world: World, session: Session, why: Why) -> None:
    if not session.held:
        if session.reason:
            text = f"another try: {IN_WORDS.get(session.reason, session.reason)}"
            why.waits_for.append(Reason(text, hint="marvel doctor checks this machine"))
        else:
            why.waits_for.append(Reason("its pane"))
        return
    role, reason = world.roles.get(session.role_key), _held_for(world, session)
    others = [s for s in world.sessions_of(session.role_key) if not s.one_off and s is not session]
    if reason == UNPROVEN:
        tries = [s for s in others if s.generation == session.generation and s.current and not s.held]
        for trying in tries[:1]:
            text = f"{trying.key} to live for a moment; it is {trying.state}: {because(world, trying)}"
            why.waits_for.append(Reason(text, trying.restart_at, f"marvel why {trying.key}"))
        why.not_done.append(Reason("not started: a broken command shall cost one start, not many"))
    if reason == INTERVAL and role is not None:
        starts = [s.cleared_at for s in others if s.cleared_at is not None]
        until = max(starts, default=session.created_at) + role.spec.start_interval
        text = f"its turn: one start each {role.spec.start_interval:g} s"
        why.waits_for.append(Reason(text, until))


def _running(world: World, session: Session, now: float, why: Why) -> None:
    role = None if session.one_off else world.roles.get(session.role_key)
    _readiness(session, role, why)
    _activity(session, role, why)
    if session.retirement is not None:
        _retiring(world, session, why)
    if role is None:
        if session.one_off:
            why.not_done.append(Reason("not replaced when it ends: it is a one-off"))
        return
    reset_at = streak_reset_at(session)
    if reset_at is not None and role.spec.restart_policy != "never":
        text = f"a good run: until then its {counted(session.streak, 'restart')} count"
        why.waits_for.append(Reason(text, reset_at))
    _budget(role, session, now, why)
    _replacement(world, role, session, why)


def _readiness(session: Session, role: Role | None, why: Why) -> None:
    check = role.spec.healthcheck if role else None
    if session.misses and check is not None and session.health != "unhealthy":
        text = f"{session.misses} of {check.failure_threshold} misses in a row: one beat makes them none"
        why.waits_for.append(Reason(text))
    if check is not None and check.type == "heartbeat" and session.signaled_at is None:
        if session.heartbeat == "once-seen":
            text = "not judged by heartbeats before its first: it may have no way to beat"
            why.not_done.append(Reason(text, hint=f"marvel attach {session.key} shows what it does"))
        elif session.heartbeat == "none":
            why.not_done.append(Reason("not judged by heartbeats: this agent sends none"))
    if not session.ready:
        why.waits_for.append(_to_be_ready(session, role))


def _to_be_ready(session: Session, role: Role | None) -> Reason:
    check = role.spec.healthcheck if role else None
    if check is not None and check.type == "heartbeat" and session.heartbeat != "none":
        return Reason("its first heartbeat, to be ready")
    if check is not None and check.type == "exec":
        return Reason("the first pass of its check, to be ready")
    if role is None or session.started_at is None:
        return Reason("to be ready")
    min_ready = role.spec.shift.min_ready
    text = f"to have run for {min_ready:g} s with no dialog on its screen, to be ready"
    return Reason(text, session.started_at + min_ready, f"marvel attach {session.key}")


def _activity(session: Session, role: Role | None, why: Why) -> None:
    detail = f": {session.activity_detail}" if session.activity_detail else ""
    attach = f"marvel attach {session.key}"
    match session.activity:
        case "waiting":
            why.waits_for.append(Reason(f"you{detail}", hint=attach))
        case "limited":
            why.waits_for.append(Reason(f"its rate limit to end{detail}", session.limited_until))
        case "idle" if session.failure:
            why.not_done.append(Reason(f"its turn failed, {FAILURES[session.failure]}{detail}", hint=attach))
        case "stuck":
            text = "not restarted, though it says that it works and shows nothing: that is only told"
            why.not_done.append(Reason(text, hint=f"{attach}, or marvel restart {session.key}"))
    if session.background_tasks:
        why.waits_for.append(Reason(counted(session.background_tasks, "background task")))
    at = continues_at(session)
    if at is not None:
        count = f", attempt {session.continues + 1} of {CONTINUES_MOST}" if session.failure else ""
        why.waits_for.append(Reason(f"to be told to go on{count}", at))
    elif session.failure in PASSING:
        why.not_done.append(Reason(f"not told to go on again: {CONTINUES_MOST} attempts had no effect"))
    if session.activity in ("waiting", "limited") and role is not None and role.spec.healthcheck:
        why.not_done.append(Reason("not restarted for its silence: an agent that waits is left alone"))


def _retiring(world: World, session: Session, why: Why) -> None:
    mark = session.retirement
    if mark is None:
        return
    if mark.dismissed:
        why.waits_for.append(Reason("its end: it was let go"))
        return
    why.waits_for.append(Reason(f"its replacement ({mark.reason})"))
    if is_mid_turn(session):
        why.waits_for.append(Reason("the end of its turn", mark.deadline))
    if mark.asked_until is not None and not mark.written and not mark.passed:
        why.waits_for.append(Reason("its handoff to be written", mark.asked_until))
    for heir in world.sessions_of(session.role_key):
        if heir.predecessor == session.uid and heir.alive:
            ready = "ready" if heir.ready else f"{heir.state}, not ready yet"
            why.waits_for.append(Reason(f"its successor {heir.key}, which is {ready}"))


def _budget(role: Role, session: Session, now: float, why: Why) -> None:
    budget = budget_of(role.spec, session)
    if budget is None:
        return
    if budget.spent_at > now:
        why.waits_for.append(Reason("the end of its max_runtime", budget.spent_at))
    elif is_mid_turn(session):
        text = f"not stopped, though its {budget.name} is used up: its turn may end first"
        why.not_done.append(Reason(text, budget_deadline(budget, session)))


def _replacement(world: World, role: Role, session: Session, why: Why) -> None:
    """Why it is, or is not, replaced by a session of another generation."""
    shift = world.shifts.get(role.key)
    if shift is not None and session.generation in (shift.from_generation, shift.to_generation):
        shifting(shift, why)
        return
    cohort = newest(world.cohorts_of(role.key))
    if shift is None and cohort is not None and cohort.generation == session.generation:
        changed(world, role, cohort, why)


def _stopping(world: World, session: Session, why: Why) -> None:
    order = session.stop
    if order is None:
        return
    text = f"its processes to end after SIG{order.signal}; KILL follows"
    why.waits_for.append(Reason(text, order.deadline))
    if session.one_off:
        why.not_done.append(Reason("not replaced: it is a one-off"))
    elif order.release:
        why.not_done.append(Reason(f"not replaced in its slot: {IN_WORDS.get(order.reason, order.reason)}"))
    elif order.reason != "restarted" and _is_never_restarted(world, session):
        why.not_done.append(Reason("not replaced: its restart_policy is never"))


def _is_never_restarted(world: World, session: Session) -> bool:
    role = world.roles.get(session.role_key)
    return role is not None and role.spec.restart_policy == "never"


def _ended(world: World, session: Session, now: float, known: Known, why: Why) -> None:
    if session.one_off:
        until = (session.ended_at or session.created_at) + ONE_OFF_KEPT_SECONDS
        why.not_done.append(Reason("not restarted: it is a one-off, and is listed", until))
        return
    if not session.current:
        why.not_done.append(_succeeded_by(world, session, known))
        return
    role = world.roles.get(session.role_key)
    if role is None:
        why.not_done.append(Reason("not restarted: its role is no longer declared"))
        return
    verdict = judge(session, role, now)
    match verdict.act:
        case "start":
            why.waits_for.append(Reason("its replacement, at once"))
        case "back-off" | "wait":
            why.waits_for.append(Reason("its restart", verdict.at))
            ends = session.streak + 1
            what, more = ("end", "ends") if session.exit_status == 0 else ("crash", "crashes")
            count = f"1 {what}" if ends == 1 else f"{ends} {more}"
            span = f" in {age(now - known.crashed_since)}" if known.crashed_since is not None else ""
            hint = f"marvel restart {session.key} does it now"
            why.not_done.append(Reason(f"not restarted yet: backoff, {count}{span}", verdict.at, hint))
        case "give-up":
            why.not_done.append(Reason(f"not restarted: {verdict.detail or verdict.reason}"))
        case "leave":
            why.not_done.append(_left(session, role))


def _left(session: Session, role: Role) -> Reason:
    """Why an ended session's slot stays as it is."""
    restart = f"marvel restart {session.key}"
    reason = session.stop.reason if session.stop else session.reason
    if session.reason == "invalid-runtime":
        return Reason("not restarted: there is nothing to run", hint=TAKES_AGAIN.format(key=session.key))
    if session.reason == "restart-budget":
        text = f"not restarted: max_restarts is {role.spec.max_restarts}, all without a good run"
        return Reason(text, hint=f"{restart} clears it")
    if reason == BUDGET:
        return Reason("not restarted: its budget (max_runtime, max_cost_usd) is used up", hint=restart)
    if role.spec.restart_policy == "never":
        return Reason("not restarted: its restart_policy is never", hint=restart)
    return Reason("not restarted: it succeeded, and its restart_policy is on-failure", hint=restart)


def _succeeded_by(world: World, session: Session, known: Known) -> Reason:
    """What holds the place of a session that has none any more."""
    newest = world.newest.get((session.workspace, session.name), "")
    if newest and newest != session.uid:
        return Reason(f"not restarted: a later session ({newest}) of the same name took its slot")
    for heir in world.sessions_of(session.role_key):
        if heir.predecessor == session.uid:
            occasion = IN_WORDS.get(session.retirement.reason, "") if session.retirement else ""
            text = f"not restarted: {heir.key} took over its work{occasion and f', {occasion}'}"
            return Reason(text, hint=f"marvel why {heir.key}")
    if known.aborted:
        return Reason(f"not restarted: the shift to its generation was aborted, {known.aborted}")
    reason = session.stop.reason if session.stop else session.reason
    words = IN_WORDS.get(reason, reason) or "it is no longer wanted"
    return Reason(f"not restarted: its slot was given up, {words}")


def role_key(key: str) -> RoleKey | None:
    """The role that `w/t/r` or `shift/w/t/r` names; None when it has another shape."""
    parts = key.removeprefix("role/").removeprefix("shift/").split("/")
    return RoleKey(*parts) if len(parts) == 3 and all(parts) else None
