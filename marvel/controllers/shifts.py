"""Shifts: how many sessions each cohort of a role shall have. It alone writes cohort counts.

No shift in progress: the newest cohort has the role's `replicas` and the others none. A changed template
makes a new cohort; the old one's sessions are stopped.
"""

from marvel.controllers import Decision, View
from marvel.events import CONTROLLER_SHIFTS, CohortCreated, CohortRemoved, CohortScaled, Draft, role_ref
from marvel.resources import Cohort, Role


def reconcile(view: View, now: float) -> Decision:  # the common signature
    """Cohort counts of one role."""
    drafts: list[Draft] = []
    older = view.cohorts
    if view.role is not None:
        newest = view.cohorts[-1] if view.cohorts else None
        if newest is None or newest.template != view.role.spec.template:
            drafts.append(_created(view, view.role))
        else:
            older = view.cohorts[:-1]
            if newest.count != view.role.replicas:
                drafts.append(_scaled(newest, view.role.replicas, view.role.position))
    cause = view.role.position if view.role is not None else None
    for cohort in older:
        if cohort.count:
            drafts.append(_scaled(cohort, 0, cause or cohort.position))
        elif not _in_use(view, cohort):
            drafts.append(_draft(cohort, CohortRemoved(), cohort.position))
    return Decision(drafts, None)


def _created(view: View, role: Role) -> Draft:
    template = role.spec.template
    proven = any(cohort.proven and cohort.template == template for cohort in view.cohorts)
    return Draft(
        ref=role_ref(role.key, view.generation + 1),
        fact=CohortCreated(template=template, count=role.replicas, proven=proven),
        cause=role.position,
        actor=CONTROLLER_SHIFTS,
    )


def _in_use(view: View, cohort: Cohort) -> bool:
    sessions = (s for s in view.sessions if s.generation == cohort.generation and not s.one_off)
    return any(session.alive or session.current for session in sessions)


def _scaled(cohort: Cohort, count: int, cause: int) -> Draft:
    return _draft(cohort, CohortScaled(count=count), cause)


def _draft(cohort: Cohort, fact: CohortScaled | CohortRemoved, cause: int) -> Draft:
    return Draft(ref=role_ref(cohort.key, cohort.generation), fact=fact, cause=cause, actor=CONTROLLER_SHIFTS)
