"""The part of the fold that knows of shifts: what a shift's events make of its row.

Called by marvel/world.py, which is the only fold; pure like it.
"""

from typing import Any

import msgspec

from marvel import events
from marvel.events import AnyShiftFact, Event
from marvel.resources import PastCohort, Retirement, RoleKey, Session, Shift, Typing

KEPT_GENERATIONS = 10  # per role, whose templates `shift undo` can go back to
NOT_YET = -1  # replicas of a shift whose progress was not noted yet
ENDINGS = (events.ShiftSuperseded, events.ShiftCompleted, events.ShiftRolledBack)


def next_shift(old: Shift | None, key: RoleKey, event: Event, fact: AnyShiftFact) -> Shift | None:
    """The row after an event about it; None when there is none any more."""
    if isinstance(fact, events.ShiftRequested):
        return _requested(key, event, fact.reason, event.position)
    if isinstance(fact, events.ShiftStarted):
        queued = old or _requested(key, event, fact.reason, event.cause or event.position)
        return msgspec.structs.replace(
            queued,
            position=event.position,
            from_generation=fact.from_generation,
            to_generation=event.ref.generation or 0,
            started_at=event.time,
            replicas=NOT_YET,
        )
    if old is None or isinstance(fact, ENDINGS):
        return None
    if isinstance(fact, events.ShiftAborted) and old.started_at is None:
        return None
    return msgspec.structs.replace(old, position=event.position, **_fields(old, event, fact))


def _requested(key: RoleKey, event: Event, reason: Any, cause: int) -> Shift:
    return Shift(
        position=event.position,
        workspace=key.workspace,
        team=key.team,
        role=key.role,
        reason=reason,
        requested_at=event.time,
        cause=cause,
    )


def _fields(old: Shift, event: Event, fact: AnyShiftFact) -> dict[str, Any]:
    match fact:
        case events.ShiftProgressed():
            same_goal = fact.replicas == old.replicas
            return {
                "phase": fact.phase,
                "ready": fact.ready,
                "old": fact.old,
                "most_ready": max(old.most_ready if same_goal else 0, fact.ready),
                "replicas": fact.replicas,
                "deadline": fact.deadline,
            }
        case events.ShiftPaused():
            return {"paused_at": event.time}
        case events.ShiftResumed():
            return {"paused_at": None, "deadline": None}
        case events.ShiftAborted():
            return {
                "aborted_at": event.time,
                "abort_reason": fact.detail or fact.reason,
                "paused_at": None,
                "deadline": None,
                "replicas": NOT_YET,
            }
        case events.ShiftStuck():
            return {"stuck": True}
        case _:
            return {}


def remembered(past: tuple[PastCohort, ...], added: PastCohort) -> tuple[PastCohort, ...]:
    """Past generations, oldest first, with one more."""
    kept = [one for one in past if one.generation != added.generation]
    return tuple(sorted([*kept, added], key=lambda one: one.generation))[-KEPT_GENERATIONS:]


def retirement_fields(old: Session, event: Event) -> dict[str, Any] | None:
    """What an event about a session's replacement changes in it; None for other events."""
    fact, at = event.fact, event.time
    known = old.retirement
    match fact:
        case events.SessionTriggered():
            mark = Retirement(reason=fact.reason, at=at, deadline=fact.deadline, triggered=True)
            if fact.reason == "age":
                return {"retirement": mark, "age_triggered_at": at}
            return {"retirement": mark, "reading": fact.reading}
        case events.SessionRetiring():
            return {"retirement": Retirement(reason=fact.reason, at=at, deadline=fact.deadline)}
        case events.SessionKept():
            return {"retirement": None, "typing": None}
        case events.SessionDismissed():
            mark = known or Retirement(reason=fact.reason, at=at, deadline=at)
            return {"retirement": msgspec.structs.replace(mark, dismissed=True), "typing": None}
        case events.SessionPaired():
            return {"predecessor": fact.predecessor}
        case events.SessionHandoffAsked() if known is not None:
            asked = msgspec.structs.replace(known, asked_until=fact.deadline)
            return {"retirement": asked, "typing": Typing(purpose="handoff", text=fact.text)}
        case events.SessionHandoffWritten() if known is not None:
            return {"retirement": msgspec.structs.replace(known, written=True)}
        case events.SessionHandoffPassed() if known is not None:
            return {"retirement": msgspec.structs.replace(known, passed=True), "typing": None}
        case events.SessionNoticeGiven():
            return {"typing": Typing(purpose="handoff-notice", text=fact.text)}
        case events.SessionTyped():
            return {"typing": None}
        case _:
            return None
