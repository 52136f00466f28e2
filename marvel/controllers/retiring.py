"""How a session that is marked to be replaced leaves: handoff, turn boundary, then dismissed. Pure."""

from typing import NamedTuple

from marvel.controllers import due
from marvel.events import (
    AnyFact,
    SessionDismissed,
    SessionHandoffAsked,
    SessionHandoffPassed,
    SessionNoticeGiven,
)
from marvel.resources import Retirement, Role, Session
from marvel.rules import is_mid_turn

PATH = "$MARVEL_HANDOFF"  # stands in a text for the file a session writes …
PATH_FROM = "$MARVEL_HANDOFF_FROM"  # … and for the one its predecessor wrote; the daemon puts them in
NOTICE = "You take over from {name}. What it left for you is in {path}"
NO_NOTICE = "You take over from {name}. It was asked for a handoff and wrote none; if it still does: {path}"


class Step(NamedTuple):
    """What is next for a retiring session."""

    facts: list[tuple[Session, AnyFact]]
    wake_at: float | None = None
    may_go: bool = False  # nothing is waited for any more


def next_step(session: Session, mark: Retirement, role: Role, successor: Session | None, now: float) -> Step:
    """The next thing to be done; `successor` is its ready successor, if it has one."""
    if session.state != "running":
        return Step([], may_go=True)
    spec = role.spec.shift
    if spec.handoff and successor is not None and not mark.passed:
        if mark.asked_until is None:
            asked = SessionHandoffAsked(text=spec.handoff, deadline=now + spec.handoff_timeout)
            return Step([(session, asked)])
        if not mark.written and not due(mark.asked_until, spec.handoff_timeout, now):
            return Step([], wake_at=mark.asked_until)
        notice = (NOTICE if mark.written else NO_NOTICE).format(name=session.name, path=PATH_FROM)
        return Step([(session, SessionHandoffPassed()), (successor, SessionNoticeGiven(text=notice))])
    if is_mid_turn(session) and not due(mark.deadline, spec.drain_timeout, now):
        return Step([], wake_at=mark.deadline)
    return Step([], may_go=True)


def dismissal(reason: str) -> SessionDismissed:
    """It may be stopped now."""
    return SessionDismissed(reason=reason)
