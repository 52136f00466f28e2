"""Why a role's sessions are, or are not, replaced by those of another generation; what a reason is. Pure."""

from typing import NamedTuple

from marvel.resources import Cohort, Role, Shift
from marvel.world import World


class Reason(NamedTuple):
    """One thing that is waited for, or not done."""

    text: str
    until: float | None = None
    hint: str = ""  # what a person can do


class Why(NamedTuple):
    """A resource's state in words."""

    because: str
    waits_for: list[Reason]
    not_done: list[Reason]


def shifting(shift: Shift, why: Why) -> None:
    """A shift in progress, its role's sessions seen."""
    key = f"{shift.workspace}/{shift.team}"
    if shift.started_at is None:
        text = f"its turn: the shift of {shift.key} begins when no other role of the team shifts"
        why.waits_for.append(Reason(text, hint=f"marvel shift status {key}"))
        return
    way = f"generation {shift.from_generation} to {shift.to_generation}"
    counts = f"{shift.ready} of {max(0, shift.replicas)} ready"
    if shift.aborted_at is not None:
        text = f"the shift of {way}, aborted ({shift.abort_reason}), to be run back"
        why.waits_for.append(Reason(text, shift.deadline))
        why.not_done.append(Reason(f"not shifted to generation {shift.to_generation}: {shift.abort_reason}"))
        if shift.stuck:
            why.not_done.append(Reason("no ready session is taken away: neither generation gets ready"))
    elif shift.paused_at is not None:
        text = f"not shifted on from {way}: it is paused"
        why.not_done.append(Reason(text, hint=f"marvel shift resume {key}"))
    else:
        text = f"the shift of {way}, {shift.phase}, {counts}"
        why.waits_for.append(Reason(text, shift.deadline, "without progress until then it is aborted"))


def changed(world: World, role: Role, cohort: Cohort, why: Why) -> None:
    """A template that is not that of the newest generation."""
    if cohort.template == role.template:
        return
    shift = f"marvel shift {role.workspace}/{role.team} --role {role.name}"
    kept = [(c.generation, c.template) for c in world.cohorts_of(role.key) if c.aborted]
    past = [(c.generation, c.template) for c in world.past.get(role.key, ()) if c.aborted]
    given_up = [generation for generation, template in kept + past if template == role.template]
    if given_up:
        text = f"not shifted to the changed template: the shift to generation {max(given_up)} was aborted"
        why.not_done.append(Reason(text, hint=f"{shift} tries again"))
    elif role.spec.shift.on_change == "manual":
        why.not_done.append(Reason("not shifted to the changed template: on_change is manual", hint=shift))
    else:
        why.waits_for.append(Reason("a shift to the changed template"))


def newest(cohorts: list[Cohort]) -> Cohort | None:
    """The generation that is to have the sessions."""
    kept = [cohort for cohort in cohorts if not cohort.aborted]
    return kept[-1] if kept else None
