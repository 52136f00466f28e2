"""The commands about shifts: begin, abort, pause, resume, undo."""

from marvel.errors import NotFound, Rejected
from marvel.events import (
    Draft,
    RoleTemplateChosen,
    ShiftAborted,
    ShiftPaused,
    ShiftRequested,
    ShiftResumed,
    role_ref,
)
from marvel.resources import PastCohort, Role, Shift, TeamKey, Template
from marvel.rules import current_of, in_order
from marvel.world import World


def shift(world: World, key: TeamKey, role: str | None = None) -> list[Draft]:
    """Fresh sessions for a role, or for all roles of a team, one role after the other."""
    roles = _roles(world, key, role)
    _refuse_second(world, key)
    return [Draft(ref=role_ref(one.key), fact=ShiftRequested(reason="requested")) for one in roles]


def shift_abort(world: World, key: TeamKey, role: str | None = None) -> list[Draft]:
    """Run what was begun backwards, drop what waits for its turn."""
    running = _running(world, key, role)
    begun = [one for one in running if one.aborted_at is None]
    fact = ShiftAborted(reason="requested")
    # What waits goes first: an abort of a running one drops it too.
    ordered = sorted(begun, key=lambda one: one.started_at is not None)
    return [_about(one, fact) for one in ordered]


def shift_pause(world: World, key: TeamKey, role: str | None = None) -> list[Draft]:
    """Nothing more is launched or drained until it is resumed."""
    running = [one for one in _running(world, key, role) if one.started_at is not None]
    if not running:
        raise Rejected(f"no shift of {key} has begun yet", hint=f"marvel shift status {key}")
    return [_about(one, ShiftPaused()) for one in running if one.paused_at is None]


def shift_resume(world: World, key: TeamKey, role: str | None = None) -> list[Draft]:
    """A paused shift goes on."""
    return [_about(one, ShiftResumed()) for one in _running(world, key, role) if one.paused_at is not None]


def shift_undo(
    world: World, key: TeamKey, role: str | None = None, generation: int | None = None
) -> list[Draft]:
    """A new generation with an earlier template, for each role that has one; what is begun is aborted."""
    drafts: list[Draft] = []
    for one in _roles(world, key, role):
        template = _earlier(world, one, generation)
        if template is not None:
            drafts += _undo(world, one, template, named=generation is not None)
    if not drafts:
        what = f"no generation {generation}" if generation is not None else "no earlier template"
        raise Rejected(
            f"{key} has {what} to go back to", hint=f"marvel shift history {key} lists its generations"
        )
    return drafts


def _undo(world: World, role: Role, template: Template, *, named: bool) -> list[Draft]:
    running = world.shifts.get(role.key)
    cohorts = world.cohorts_of(role.key)
    current = current_of(cohorts, running)
    chosen = Draft(ref=role_ref(role.key), fact=RoleTemplateChosen(template=template))
    back = current is not None and current.template == template
    if running is not None and not back and running.aborted_at is None:
        raise Rejected(
            f"a shift of {role.key} is in progress", hint=f"marvel shift abort {role.workspace}/{role.team}"
        )
    if back and (running is not None or not named):  # its sessions are there: only what was begun has to go
        begun = running is not None and running.aborted_at is None
        return [chosen, _about(running, ShiftAborted(reason="undo"))] if running and begun else [chosen]
    return [chosen, Draft(ref=role_ref(role.key), fact=ShiftRequested(reason="undo"))]


def _earlier(world: World, role: Role, generation: int | None) -> Template | None:
    """The template to go back to; None when there is none, or nothing to change."""
    known = [
        *world.past.get(role.key, ()),
        *(
            PastCohort(generation=c.generation, template=c.template, aborted=c.aborted)
            for c in world.cohorts_of(role.key)
        ),
    ]
    if generation is not None:
        return next((one.template for one in known if one.generation == generation), None)
    running = world.shifts.get(role.key)
    target = running.to_generation if running is not None else 0
    good = [one for one in known if not one.aborted and (not target or one.generation != target)]
    earlier = [one.template for one in good if one.template != role.template]
    return earlier[-1] if earlier else None


def _about(one: Shift, fact: ShiftAborted | ShiftPaused | ShiftResumed) -> Draft:
    return Draft(ref=role_ref(one.key, one.to_generation or None), fact=fact, cause=one.position)


def _refuse_second(world: World, key: TeamKey) -> None:
    running = [one for one in _shifts(world, key) if not one.stuck]
    if running:
        raise Rejected(
            f"a shift of {running[0].key} is in progress ({running[0].shown_phase})",
            hint=f"marvel shift status {key}, marvel shift abort {key}",
        )


def _running(world: World, key: TeamKey, role: str | None) -> list[Shift]:
    names = [one.name for one in _roles(world, key, role)]
    found = [one for one in _shifts(world, key) if one.role in names]
    if not found:
        raise Rejected(f"no shift of {key} is in progress", hint=f"marvel shift history {key}")
    return found


def _shifts(world: World, key: TeamKey) -> list[Shift]:
    return [one for shift_key, one in world.shifts.items() if shift_key[:2] == key]


def _roles(world: World, key: TeamKey, role: str | None) -> list[Role]:
    """A team's roles in the order in which they shift, or the one named."""
    if key not in world.teams:
        raise NotFound(f"no such team: {key}", hint="marvel get teams lists what there is")
    roles = {one.name: one for one in world.roles_of(key)}
    if role is None:
        return [roles[name] for name in in_order(tuple(roles))]
    if role not in roles:
        names = ", ".join(roles)
        raise NotFound(f"team {key} has no role {role}", hint=f"its roles: {names or 'none'}")
    return [roles[role]]
