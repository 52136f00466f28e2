"""What was seen, as facts. Each function gives `(world, now) → drafts`, run inside the write transaction:
what no longer fits the world by then (a session that has ended meanwhile) becomes nothing.
"""

from collections.abc import Callable, Sequence

from marvel.events import (
    AnyFact,
    ClockStepped,
    DaemonStalled,
    DaemonStarted,
    DaemonStopped,
    DaemonStopRequested,
    Draft,
    LogTruncated,
    PaneOrphaned,
    Ref,
    SessionAttention,
    SessionDegraded,
    SessionEnded,
    SessionHandoffWritten,
    SessionInjected,
    SessionLeftover,
    SessionPrompted,
    SessionSignaled,
    SessionStartDelayed,
    SessionStarted,
    SessionStartFailed,
    SessionThrottled,
    SessionTyped,
    TmuxServerLost,
    TmuxServerStarted,
    TmuxServerUnreachable,
    session_ref,
)
from marvel.resources import Attention, Session, State, Typing
from marvel.runtimes import Signal
from marvel.sessionfold import cost_after
from marvel.tmux import Failed, outcome_of
from marvel.world import World

Observation = Callable[[World, float], list[Draft]]

CONTEXT_STEP = 5.0  # points of context that are worth an event
COST_STEP_USD = 0.1  # of an agent at work, the same; at the end of a turn every change is
SETTLED = ("idle", "waiting", "limited")  # activities of an agent that spends nothing


def started(
    uid: str, *, server: str, pane: str, pid: int | None, pid_start: int | None, adopted: bool = False
) -> Observation:
    """A session's process is in a pane. `pid` is None when tmux does not tell it any more: then the process
    has ended, and its end is all that there is to record.
    """

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if pid is None or session is None or not session.alive or session.pid is not None:
            return []
        fact = SessionStarted(server=server, pane=pane, pid=pid, pid_start=pid_start, adopted=adopted)
        return [_about(session, fact)]

    return decide


def start_failed(uid: str, reason: str, detail: str) -> Observation:
    """There is nothing to run, or tmux would not have it."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or session.state != "pending":
            return []
        return [_about(session, SessionStartFailed(reason=reason, detail=detail))]

    return decide


def start_delayed(uid: str, reason: str, detail: str) -> Observation:
    """Something outside of a pending session keeps it from starting."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or session.state != "pending" or session.reason == reason:
            return []
        return [_about(session, SessionStartDelayed(reason=reason, detail=detail))]

    return decide


def ended(
    uid: str,
    *,
    exit_status: int | None = None,
    signal: str = "",
    reason: str = "",
    tail_sha256: str = "",
    at: float | None = None,
    last: Sequence[Signal] = (),
) -> Observation:
    """Record that a session's process is gone, since `at` where that is known.

    `reason` is for an end that neither status nor signal explains; `last` are readings that the log lacks.
    """

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or not session.alive:
            return []
        told = [_about(session, _signaled(signal)) for signal in last]
        state, why = _outcome(session, exit_status, signal, reason)
        fact = SessionEnded(
            state=state,
            reason=why,
            exit_status=exit_status,
            signal=signal,
            tail_sha256=tail_sha256,
            at=at,
        )
        return [*told, _about(session, fact)]

    return decide


def prompted(uid: str, *, size: int) -> Observation:
    """A session's prompt is about to be typed."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or session.state != "running" or session.prompted:
            return []
        return [_about(session, SessionPrompted(bytes=size))]

    return decide


def injected(uid: str, *, size: int, failed: Failed | None, keys: bool = False) -> Observation:
    """The daemon typed a text and pressed Enter, or why it could not."""
    fact = SessionInjected(
        outcome=outcome_of(failed), bytes=size, keys=keys, detail=failed.message if failed else ""
    )

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        return [_about(session, fact)] if session else []

    return decide


def attention(uid: str, reason: Attention, detail: str) -> Observation:
    """Someone should look at a session; recorded once for as long as the reason lasts."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or session.state != "running" or session.attention == reason:
            return []
        return [_about(session, SessionAttention(reason=reason, detail=detail))]

    return decide


def degraded(uid: str, reason: str, detail: str) -> Observation:
    """A promised signal will not come; said once."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or not session.alive or session.degraded:
            return []
        return [_about(session, SessionDegraded(reason=reason, detail=detail))]

    return decide


def throttled(uid: str, what: str) -> Observation:
    """A session says more than is recorded of one."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or not session.alive:
            return []
        return [_about(session, SessionThrottled(what=what))]

    return decide


def leftover(uid: str, pids: list[int], detail: str) -> Observation:
    """Processes of a session that outlived it."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        fact = SessionLeftover(pids=tuple(pids), detail=detail)
        return [_about(session, fact)] if session else []

    return decide


def signaled(uid: str, signal: Signal) -> Observation:
    """A heartbeat; an event only when it says something new."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or not session.alive:
            return []
        if not is_news(world, session, signal):
            return []
        return [_about(session, _signaled(signal))]

    return decide


def _signaled(signal: Signal) -> SessionSignaled:
    return SessionSignaled(
        activity=signal.activity,
        context_percent=signal.context_percent,
        agent_session_id=signal.agent_session_id,
        detail=signal.detail,
        failure=signal.failure,
        resets_at=signal.resets_at,
        model=signal.model,
        cost_usd=signal.cost_usd,
        cost_counter=signal.cost_counter,
        background_tasks=signal.background_tasks,
    )


def is_news(world: World, session: Session, signal: Signal) -> bool:
    """Whether a heartbeat is worth an event, by what is recorded of its session and role."""
    role = None if session.one_off else world.roles.get(session.role_key)
    if role is None:
        return says_something_new(session, signal)
    trigger, budget = role.spec.shift.context_percent, role.spec.max_cost_usd
    return says_something_new(session, signal, trigger=trigger, budget=budget)


def says_something_new(
    session: Session, signal: Signal, *, trigger: float | None = None, budget: float | None = None
) -> bool:
    """Whether a heartbeat is the first since the start, or reports another activity, conversation or model,
    a moved context or cost, a context that crossed the trigger, or a cost that crossed the budget.
    """
    if session.signaled_at is None:
        return True
    if signal.activity and signal.activity != session.activity:
        return True
    if signal.failure and signal.failure != session.failure:
        return True
    if signal.background_tasks is not None and signal.background_tasks != session.background_tasks:
        return True
    if signal.agent_session_id and signal.agent_session_id != session.agent_session_id:
        return True
    if signal.model and signal.model != session.model:
        return True
    if signal.resets_at is not None and signal.resets_at != session.limited_until:
        return session.activity == "limited" or signal.activity == "limited"
    return (
        _costs_more(session, signal, budget)
        or _moved(session.context_percent, signal.context_percent, CONTEXT_STEP)
        or _crossed(session.context_percent, signal.context_percent, trigger)
    )


def _costs_more(session: Session, signal: Signal, budget: float | None) -> bool:
    if signal.cost_usd is None:
        return False
    spent = cost_after(session, signal.cost_usd, signal.cost_counter)
    if session.cost_usd is None or _crossed(session.cost_usd, spent, budget):
        return True
    if session.activity in SETTLED:
        return signal.cost_usd != session.cost_counters.get(signal.cost_counter)
    return spent - session.cost_usd >= COST_STEP_USD


def _moved(known: float | None, told: float | None, step: float) -> bool:
    return told is not None and (known is None or abs(told - known) >= step)


def _crossed(known: float | None, told: float | None, trigger: float | None) -> bool:
    if known is None or told is None or trigger is None:
        return False
    return (known < trigger) != (told < trigger)


def typed(uid: str, typing: Typing, problem: str) -> Observation:
    """What became of a text that was to be typed; `problem` is empty when it was."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        if session is None or session.typing not in (None, typing):
            return []
        return [_about(session, SessionTyped(purpose=typing.purpose, problem=problem))]

    return decide


def handoff_written(uid: str, size: int) -> Observation:
    """The file for a session's successor is there."""

    def decide(world: World, now: float) -> list[Draft]:
        session = world.sessions.get(uid)
        mark = session.retirement if session is not None else None
        if session is None or mark is None or mark.asked_until is None or mark.written or mark.passed:
            return []
        return [_about(session, SessionHandoffWritten(size=size))]

    return decide


def orphaned(workspace: str, uid: str, pane: str, pid: int | None) -> Observation:
    """A pane of this log that no live session owns was stopped."""
    ref = Ref(workspace=workspace, uid=uid or None)
    return _fact(ref, PaneOrphaned(pane=pane, pid=pid))


def server_started(workspace: str, server: str) -> Observation:
    """A workspace's tmux server runs."""
    return _fact(Ref(workspace=workspace), TmuxServerStarted(server=server))


def server_lost(workspace: str, server: str, sessions: int) -> Observation:
    """A workspace's tmux server died."""
    return _fact(Ref(workspace=workspace), TmuxServerLost(server=server, sessions=sessions))


def server_unreachable(workspace: str, reason: str) -> Observation:
    """A workspace with live sessions has a tmux server that cannot be talked to."""

    def decide(world: World, now: float) -> list[Draft]:
        if not any(s.workspace == workspace and s.alive for s in world.sessions.values()):
            return []
        return _fact(Ref(workspace=workspace), TmuxServerUnreachable(reason=reason))(world, now)

    return decide


def daemon_started(run_id: str, pid: int, version: str) -> Observation:
    """This daemon took the lock."""
    return _fact(Ref(), DaemonStarted(run_id=run_id, pid=pid, version=version))


def drain_requested(run_id: str) -> Observation:
    """This daemon was started only to end what an earlier one left."""
    return _fact(Ref(), DaemonStopRequested(run_id=run_id))


def daemon_stopped(run_id: str, reason: str) -> Observation:
    """This daemon ends in order."""
    return _fact(Ref(), DaemonStopped(run_id=run_id, reason=reason))


def log_truncated(noted_position: int) -> Observation:
    """A power cut lost the last commits."""
    return _fact(Ref(), LogTruncated(noted_position=noted_position))


def stalled(seconds: float) -> Observation:
    """The daemon stood still: beats may have been lost meanwhile."""
    return _fact(Ref(), DaemonStalled(seconds=round(seconds, 3)))


def clock_stepped(seconds: float) -> Observation:
    """The clock jumped, or the machine slept."""
    return _fact(Ref(), ClockStepped(seconds=seconds))


def _fact(ref: Ref, fact: AnyFact) -> Observation:
    return lambda world, now: [Draft(ref=ref, fact=fact)]


def _about(session: Session, fact: AnyFact) -> Draft:
    return Draft(ref=session_ref(session), fact=fact, cause=session.position)


def _outcome(session: Session, exit_status: int | None, signal: str, reason: str) -> tuple[State, str]:
    """The state a session ends in, and why."""
    if session.stop is not None:
        return session.stop.state, session.stop.reason
    if exit_status == 0:
        return "succeeded", ""
    if exit_status is not None or signal:
        return "failed", "crashed"
    return "failed", reason or "unknown"
