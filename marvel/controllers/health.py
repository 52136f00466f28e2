"""Health: verdicts only. Nothing here starts or stops anything.

Ready: the session may take over. Running and, where the role has a heartbeat check, one beat since its
start; where nothing beats, running for `min_ready`.
"""

from marvel.controllers import Decision, View, due
from marvel.events import CONTROLLER_HEALTH, Draft, SessionReadied, session_ref
from marvel.resources import Session


def reconcile(view: View, now: float) -> Decision:
    """Readiness of one role's sessions."""
    drafts: list[Draft] = []
    wake_at: float | None = None
    for session in view.sessions:
        if session.state != "running":
            continue
        ready_at = _ready_at(view, session)
        if ready_at is None:
            continue
        if not due(ready_at, ready_at - (session.started_at or 0.0), now):
            wake_at = ready_at if wake_at is None else min(wake_at, ready_at)
        elif not session.ready:
            fact = SessionReadied(ready=True)
            drafts.append(
                Draft(ref=session_ref(session), fact=fact, cause=session.position, actor=CONTROLLER_HEALTH)
            )
    return Decision(drafts, wake_at)


def _ready_at(view: View, session: Session) -> float | None:
    """When a running session is ready; None while that depends on something else than time."""
    started = session.started_at or 0.0
    if view.role is None or session.one_off:
        return started
    check = view.role.spec.healthcheck
    if check is not None and check.type == "heartbeat" and _must_beat(view, session):
        return session.signaled_at
    return started + view.role.spec.shift.min_ready


def _must_beat(view: View, session: Session) -> bool:
    """Whether readiness waits for a beat: by promise, or because its like have beaten before."""
    if session.heartbeat == "from-start":
        return True
    return session.heartbeat == "once-seen" and any(s.signaled_at is not None for s in view.sessions)
