"""The part of the fold that knows of sessions: what an event makes of a session's row.

Called by marvel/world.py, which is the only fold; pure like it. What a replacement makes of it is in
marvel/shiftfold.py.
"""

from typing import Any

from marvel import events
from marvel.events import Event
from marvel.resources import Overspent, Session, StopOrder, Typing
from marvel.shiftfold import retirement_fields

MAX_COUNTERS = 200  # that are remembered of one session, those of its latest sub-agents


def scheduled(event: Event, fact: events.SessionScheduled, before: Session | None) -> Session:
    """Return a session as it begins; `before` held its slot.

    A counter of a conversation goes on from its last reading, that of a process begins at 0.
    """
    ref = event.ref
    counters = before.cost_counters if before is not None else {}
    return Session(
        position=event.position,
        workspace=ref.workspace or "",
        team=ref.team or "",
        role=ref.role or "",
        name=ref.session or "",
        uid=ref.uid or "",
        generation=ref.generation or 0,
        index=fact.index,
        state="pending",
        created_at=event.time,
        image=fact.image,
        command=fact.command,
        heartbeat=fact.heartbeat,
        reason=fact.reason,
        one_off=fact.one_off,
        template=fact.template,
        held=fact.held,
        restarts=fact.restarts,
        streak=fact.streak,
        delay=fact.delay,
        replaces=fact.replaces,
        predecessor=fact.predecessor,
        resumes=fact.resumes,
        cleared_at=None if fact.held else event.time,
        cost_usd=fact.spent_usd or None,
        cost_counters={name: cost for name, cost in counters.items() if name},
    )


def cost_after(session: Session, cost: float, counter: str) -> float:
    """Return what a session's job has cost in US dollars, once one of its counters shows `cost`."""
    known = session.cost_counters.get(counter, 0.0)
    began_again = cost < known and not counter  # a process's counter was set to 0, as by claude's /clear
    return (session.cost_usd or 0.0) + (cost if began_again else max(0.0, cost - known))


def session_fields(old: Session, event: Event) -> dict[str, Any] | None:
    """What an event changes in its session; None for what changes nothing."""
    for part in (_of_life, _of_word, retirement_fields):
        fields = part(old, event)
        if fields is not None:
            return fields
    return None


def _of_life(old: Session, event: Event) -> dict[str, Any] | None:
    """Its start, its end and its slot."""
    fact, time = event.fact, event.time
    match fact:
        case events.SessionCleared():
            return {"held": False, "reason": "", "cleared_at": time}
        case events.SessionStartDelayed():
            return {"reason": fact.reason, "detail": fact.detail}
        case events.SessionStarted():
            state = "stopping" if old.stop is not None else "running"
            return {
                "state": state,
                "reason": old.stop.reason if old.stop else "",
                "detail": "",
                "server": fact.server,
                "pane": fact.pane,
                "pid": fact.pid if fact.pid > 1 else None,  # an old log may hold 0, for "not told"
                "pid_start": fact.pid_start,
                "started": event.position,
                "started_at": time,
            }
        case events.SessionStartFailed():
            return {
                "state": "failed",
                "outcome": "failed",
                "reason": fact.reason,
                "detail": fact.detail,
                "ended_at": time,
            }
        case events.SessionStopping():
            order = StopOrder(
                reason=fact.reason,
                at=time,
                deadline=fact.deadline,
                state=fact.state,
                release=fact.release or (old.stop is not None and old.stop.release),
                signal=fact.signal,
                keys=fact.keys,
            )
            return {"state": "stopping", "reason": fact.reason, "detail": "", "stop": order, "held": False}
        case events.SessionEnded():
            released = old.stop is not None and old.stop.release
            return {
                "state": fact.state,
                "outcome": fact.state,
                "reason": fact.reason,
                "detail": fact.detail,
                "exit_status": fact.exit_status,
                "signal": fact.signal,
                "ended_at": time if fact.at is None else max(fact.at, old.started_at or fact.at),
                "current": old.current and not released,
                "ready": False,
                "held": False,
            }
        case events.SessionBackedOff():
            return {"state": "crashloop-backoff", "restart_at": fact.restart_at, "delay": fact.delay}
        case events.SessionGaveUp():
            return {
                "state": fact.state,
                "reason": fact.reason,
                "detail": fact.detail,
                "restart_at": None,
            }
        case events.SessionReleased():
            state = old.outcome if old.state == "crashloop-backoff" else old.state
            return {"current": False, "state": state, "restart_at": None}
        case events.SessionRestartRequested():
            return {"restart_requested": True}
        case events.SessionRecovered():
            return {"streak": 0, "delay": 0.0}
        case _:
            return None


def _of_word(old: Session, event: Event) -> dict[str, Any] | None:
    """What it tells, what is told to it, and how it is judged."""
    fact, time = event.fact, event.time
    match fact:
        case events.SessionPrompted():
            lifted = {"attention": "", "attention_at": None} if old.attention == "unprompted" else {}
            return {"prompted": True, **lifted}
        case events.SessionSignaled():
            return _signaled(old, fact, time)
        case events.SessionOverspent():
            return {"overspent": Overspent(budget=fact.budget, limit=fact.limit, deadline=fact.deadline)}
        case events.SessionDegraded():
            promise = {"heartbeat": "none", "degraded": fact.detail}
            return promise | {"attention": "no-beat", "attention_at": time}
        case events.SessionContinued():
            return {
                "typing": Typing(purpose="resume", text=fact.text),
                "continued_at": time,
                "continues": old.continues + 1,
            }
        case events.SessionReadied():
            return {"ready": fact.ready, "ready_since": time}
        case events.SessionStuck():
            activity = "stuck" if fact.stuck else "working"
            return {"activity": activity, "activity_since": time, "attention": "", "attention_at": None}
        case events.SessionAttention():
            return {"attention": fact.reason, "attention_at": time}
        case events.HealthMissed():
            return {"misses": fact.misses, "missed_at": time}
        case events.HealthRecovered():
            return {"misses": 0, "missed_at": None}
        case events.HealthChanged():
            return _judged(old, fact, time)
        case _:
            return None


def _judged(old: Session, fact: events.HealthChanged, time: float) -> dict[str, Any]:
    fields: dict[str, Any] = {"health": fact.health, "health_reason": fact.reason}
    if fact.health != old.health:
        fields["health_since"] = time
    if fact.health == "healthy":
        fields |= {"misses": 0, "missed_at": None, "passed_at": old.passed_at or time}
        if (
            old.attention in ("stale", "no-beat") and not old.degraded
        ):  # what else there was to look at still is
            waits = old.activity in ("waiting", "limited")
            fields |= {"attention": old.activity if waits else "", "attention_at": time if waits else None}
    return fields


def _signaled(old: Session, fact: events.SessionSignaled, time: float) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if fact.activity and fact.activity != old.activity:
        fields |= {
            "activity": fact.activity,
            "activity_since": time,
            "limited_until": None,
            "attention": "",
            "attention_at": None,
        }
    if fact.activity and (fact.failure or fact.activity != old.activity):
        fields["failure"] = fact.failure
    if fact.activity == "idle" and not fields.get("failure", old.failure):
        fields["continues"] = 0
    if fact.activity:
        fields["activity_detail"] = fact.detail
    if fact.resets_at is not None:
        fields["limited_until"] = fact.resets_at
    if fact.background_tasks is not None:
        fields["background_tasks"] = fact.background_tasks
    if fact.model:
        fields["model"] = fact.model
    if fact.cost_usd is not None:
        fields["cost_usd"] = cost_after(old, fact.cost_usd, fact.cost_counter)
        others = [(name, cost) for name, cost in old.cost_counters.items() if name != fact.cost_counter]
        fields["cost_counters"] = dict([*others[1 - MAX_COUNTERS :], (fact.cost_counter, fact.cost_usd)])
    if fact.context_percent is not None:
        fields["context_percent"] = fact.context_percent
    elif fact.agent_session_id and fact.agent_session_id != old.agent_session_id:
        fields["context_percent"] = None  # another conversation: it reports its own with its first answer
    if fact.agent_session_id:
        fields["agent_session_id"] = fact.agent_session_id
    if old.signaled_at is None:
        fields["signaled_at"] = time
    return fields
