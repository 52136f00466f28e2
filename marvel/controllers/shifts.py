"""Shifts: how many sessions each cohort of a role shall have, and which of them are to be replaced.

No shift in progress: the newest cohort that was not given up has the role's `replicas` (one more for
each session that a trigger replaces) and the others none. A shift moves them to a new cohort
(`rollout`), one role of a team after the other (`marvel/rules.py`). It alone writes cohort counts and marks.
"""

from marvel import rules
from marvel.controllers import Decision, View
from marvel.controllers.rollout import Rollout
from marvel.controllers.strength import Strength
from marvel.controllers.triggers import replace_full_and_old
from marvel.events import (
    CONTROLLER_SHIFTS,
    AnyFact,
    CohortCreated,
    CohortRemoved,
    CohortScaled,
    Draft,
    SessionKept,
    ShiftAborted,
    ShiftStarted,
    ShiftSuperseded,
    role_ref,
)
from marvel.resources import Cohort, Role, Shift


def reconcile(view: View, now: float) -> Decision:
    """Cohort counts and marks of one role."""
    if view.draining:
        return Decision([], None)
    if view.role is None:
        return Decision([*_emptied(view), *_removed(view, None)], None)
    strength = Strength(view, view.role, now)
    current = rules.current_of(view.cohorts, view.shift)
    if current is None:
        strength.drafts.append(_created(view, view.role, view.role.replicas, view.role.position))
    elif view.shift is not None and view.shift.started_at is not None:
        _go_on(strength, view.shift, current)
    elif rules.wants_shift(view.role, view.cohorts, view.shift) and not view.ahead():
        _start(strength, current)
    else:
        _keep(strength, current)
    return Decision([*strength.drafts, *_removed(view, current)], strength.wake_at, strength.whole_at)


def _keep(strength: Strength, current: Cohort) -> None:
    """No shift in progress."""
    more = replace_full_and_old(strength, current)
    strength.scale(current, strength.replicas + more, _cause_of_count(strength, current))
    for cohort in strength.view.cohorts:
        if cohort is not current:
            strength.scale(cohort, 0, strength.role.position)


def _go_on(strength: Strength, shift: Shift, current: Cohort) -> None:
    """A shift in progress; a template that changed once more takes over from it."""
    role, view = strength.role, strength.view
    target = next((c for c in view.cohorts if c.generation == shift.target), None)
    if target is None:  # its cohort went with the role, and the role is back
        _superseded(strength, shift)
        return
    if shift.paused_at is None and role.spec.shift.on_change == "shift" and _has_changed(role, view, current):
        if role.template == current.template:
            ref = role_ref(shift.key, shift.to_generation)
            aborted = ShiftAborted(reason="template", detail="the template was changed back")
            strength.drafts.append(Draft(ref=ref, fact=aborted, cause=role.position, actor=CONTROLLER_SHIFTS))
            return
        _superseded(strength, shift)
        _start(strength, current)
        return
    Rollout(strength, shift, target).advance()


def _has_changed(role: Role, view: View, current: Cohort) -> bool:
    """Whether something else is wanted than what a shift in progress goes to."""
    newest, aborted = view.cohorts[-1], view.shift is not None and view.shift.aborted_at is not None
    return role.template != newest.template and not (aborted and role.template == current.template)


def _superseded(strength: Strength, shift: Shift) -> None:
    ref = role_ref(shift.key, shift.to_generation)
    cause = strength.role.position
    strength.drafts.append(Draft(ref=ref, fact=ShiftSuperseded(), cause=cause, actor=CONTROLLER_SHIFTS))


def _start(strength: Strength, current: Cohort) -> None:
    view, role = strength.view, strength.role
    queued = view.shift if view.shift is not None and view.shift.started_at is None else None
    cause = queued.position if queued else role.position
    for session in strength.remaining:
        if session.retiring:  # by a trigger: all are replaced now
            strength.add(session, SessionKept(reason="shift"), cause)
    created = _created(view, role, 0, cause)
    fact = ShiftStarted(
        reason=queued.reason if queued else "template",
        from_generation=current.generation,
    )
    strength.drafts.append(created)
    strength.drafts.append(Draft(ref=created.ref, fact=fact, cause=cause, actor=CONTROLLER_SHIFTS))


def _created(view: View, role: Role, count: int, cause: int) -> Draft:
    template = role.template
    proven = any(cohort.proven and cohort.template == template for cohort in view.cohorts)
    return Draft(
        ref=role_ref(role.key, view.generation + 1),
        fact=CohortCreated(template=template, count=count, proven=proven),
        cause=cause,
        actor=CONTROLLER_SHIFTS,
    )


def _emptied(view: View) -> list[Draft]:
    """The role is no longer declared."""
    return [_about(cohort, CohortScaled(count=0), cohort.position) for cohort in view.cohorts if cohort.count]


def _removed(view: View, current: Cohort | None) -> list[Draft]:
    """Generations without a session leave. One that was given up is remembered while it is wanted."""
    shift = view.shift
    busy = {shift.from_generation, shift.to_generation} if shift is not None else set()
    drafts = []
    for cohort in view.cohorts:
        if cohort is current or cohort.count or cohort.generation in busy or _in_use(view, cohort):
            continue
        newest = cohort is view.cohorts[-1]
        if newest and view.role is not None and rules.was_aborted(view.role, view.cohorts):
            continue
        drafts.append(_about(cohort, CohortRemoved(), cohort.position))
    return drafts


def _in_use(view: View, cohort: Cohort) -> bool:
    if view.resting.get(cohort.generation):
        return True
    sessions = (s for s in view.judged if s.generation == cohort.generation and not s.one_off)
    return any(session.alive or session.current for session in sessions)


def _cause_of_count(strength: Strength, cohort: Cohort) -> int:
    """The trigger that changes the count, else the role as it is wanted."""
    marks = [s.position for s in strength.of(cohort) if s.retiring]
    return max([strength.role.position, *marks])


def _about(cohort: Cohort, fact: AnyFact, cause: int) -> Draft:
    return Draft(ref=role_ref(cohort.key, cohort.generation), fact=fact, cause=cause, actor=CONTROLLER_SHIFTS)
