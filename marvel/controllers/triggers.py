"""Full and old sessions are replaced inside their cohort: count + 1, successor ready, the old one drained.

Only the sessions concerned, once per reading, at a turn boundary; a turn that goes on for longer than
`drain_timeout` is not waited for. A successor that does not get ready in `ready_timeout` is given up, and the
session it should have replaced stays.
"""

from marvel.controllers import due
from marvel.controllers.strength import Strength
from marvel.events import SessionKept, SessionTriggered
from marvel.resources import Cohort, Session
from marvel.rules import is_mid_turn

NOT_READY = "replacement-not-ready"


def replace_full_and_old(strength: Strength, cohort: Cohort) -> int:
    """Take every replacement one step further; returns how many sessions more than `replicas` are wanted.

    One for each replacement in progress; fewer while those that were let go are still there, so that no
    more than `replicas + max_surge` are ever alive. What is triggered now counts from the next look on,
    when its event is there to be named as a cause.
    """
    ours = strength.of(cohort)
    marked = [s for s in ours if s.retiring]
    spec = strength.role.spec.shift
    if not marked and spec.context_percent is None and spec.max_age is None:
        return _more(strength, strength.there(cohort), 0)
    newcomers = [s for s in ours if not s.retiring]
    strength.pair(newcomers, [s for s in marked if s.alive])
    for session in marked:
        if _give_up(strength, session) or _waits(strength, session):
            continue
        strength.see_off(session, None)
    going = [s for s in strength.of(cohort) if s.retiring]
    in_progress = len(going)
    for session in sorted(newcomers, key=lambda s: s.started_at or s.created_at):  # nobody waits for ever
        if len(going) >= max(1, strength.surge):
            break
        if _trigger(strength, session):
            going.append(session)
    return _more(strength, strength.there(cohort), in_progress)


def _more(strength: Strength, there: int, in_progress: int) -> int:
    """How many sessions more than `replicas` are wanted; what is there is not stopped."""
    more = min(in_progress, strength.surge - strength.going)
    return max(more, min(0, there - strength.replicas))


def _waits(strength: Strength, session: Session) -> bool:
    """Whether a session is still needed until its successor is ready."""
    if not strength.surge or not session.alive:
        return False
    successor = strength.successor_of(session)
    return successor is None or not strength.counts_as_ready(successor)


def _give_up(strength: Strength, session: Session) -> bool:
    mark, timeout = session.retirement, strength.role.spec.shift.ready_timeout
    if mark is None or not session.alive or not _waits(strength, session):
        return False
    if not due(mark.at + timeout, timeout, strength.now):
        strength.wake(mark.at + timeout)
        return False
    strength.add(session, SessionKept(reason=NOT_READY))
    successor = strength.successor_of(session)
    if successor is not None:
        strength.dismiss(successor, None, NOT_READY)
    strength.remaining = [s for s in strength.remaining if s is not session]
    return True


def _trigger(strength: Strength, session: Session) -> bool:
    if session.state != "running" or session.stop is not None or session.typing is not None:
        return False
    spec = strength.role.spec.shift
    deadline = strength.now + spec.drain_timeout
    percent = session.context_percent
    is_full = spec.context_percent is not None and percent is not None and percent >= spec.context_percent
    if is_full and percent != session.reading and _may_begin(strength, session, session.activity_since):
        strength.add(session, SessionTriggered(reason="context", deadline=deadline, reading=percent))
        return True
    if spec.max_age is None:
        return False
    since = max(session.started_at or session.created_at, session.age_triggered_at or 0.0)
    if not due(since + spec.max_age, spec.max_age, strength.now):
        strength.wake_all(since + spec.max_age)
        return False
    if not _may_begin(strength, session, since + spec.max_age):
        return False
    strength.add(session, SessionTriggered(reason="age", deadline=deadline))
    return True


def _may_begin(strength: Strength, session: Session, since: float | None) -> bool:
    """Whether a replacement begins now: at the end of a turn, or when it has gone on for long enough."""
    if not is_mid_turn(session):
        return True
    patience = strength.role.spec.shift.drain_timeout
    until = (strength.now if since is None else since) + patience
    if due(until, patience, strength.now):
        return True
    strength.wake_all(until)
    return False
