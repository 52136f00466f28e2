"""The predicates over resources that several rooms ask: what is ready, in a turn, current, wanted. Pure.

A question that more than one room asks has its answer here, once. Which role of a team may shift is one of
them: one role after the other, in manifest order, `supervisor` last.
"""

from marvel.resources import Activity, Cohort, RestartPolicy, Role, RoleKey, Session, Shift, TeamKey
from marvel.world import World

LAST = "supervisor"  # a role of this name shifts after all others
CRASHING_STREAK = 2  # restarts without a good run: one may happen to anybody
MID_TURN: frozenset[Activity] = frozenset({"working", "compacting", "waiting"})


def is_ready(session: Session) -> bool:
    """Whether a session may be given work."""
    return session.state == "running" and session.ready


def counts_as_ready(session: Session, policy: RestartPolicy) -> bool:
    """Whether a session does, or has done for good, what it is wanted for."""
    if session.state == "succeeded":
        return policy != "always"
    return is_ready(session)


def is_crashing(session: Session) -> bool:
    """Whether a session's slot ended again and again without a good run."""
    return session.streak >= CRASHING_STREAK


def settles_at(session: Session, min_ready: float) -> float | None:
    """From when on a ready session is worth another one that is let go for it; None while time does not tell.

    It has run for `min_ready`, whatever makes it ready: one that beats and dies half a second later is no
    successor. One that came back after a crash has to end its streak of restarts first, by a good run.
    """
    if session.started_at is None or session.streak:
        return None
    return session.started_at + min_ready


def is_mid_turn(session: Session) -> bool:
    """Whether a session is in the middle of a turn, as far as its runtime tells of turns.

    One that waits for a permission is, and so is one whose background tasks go on. One that beats from the
    start and has said `working` ever since its first beat never tells.
    """
    if session.state != "running":
        return False
    if session.background_tasks:
        return True
    if session.failure:
        return False  # it waits for a login: an error ended the turn
    never_tells = session.heartbeat == "from-start" and session.activity_since == session.signaled_at
    return session.activity in MID_TURN and not (session.activity == "working" and never_tells)


def in_order(names: tuple[str, ...]) -> list[str]:
    """Names of roles in the order in which they shift."""
    return sorted(names, key=lambda name: name == LAST)


def current_of(cohorts: list[Cohort], shift: Shift | None) -> Cohort | None:
    """The generation that a shift leaves, or that has all sessions: the newest that was not given up."""
    target = shift.to_generation if shift is not None else 0
    kept = [c for c in cohorts if not c.aborted and c.stop is None and (c.generation != target or not target)]
    return kept[-1] if kept else None


def wants_shift(role: Role, cohorts: list[Cohort], shift: Shift | None) -> bool:
    """Whether a role is to be shifted and has not begun to: asked for, or by a changed template."""
    if shift is not None:
        return shift.started_at is None
    current = current_of(cohorts, None)
    if current is None or current.template == role.template or role.spec.shift.on_change == "manual":
        return False
    return not was_aborted(role, cohorts)


def was_aborted(role: Role, cohorts: list[Cohort]) -> bool:
    """Whether this very template was tried last and given up."""
    newest = cohorts[-1] if cohorts else None
    return newest is not None and newest.aborted and newest.template == role.template


def ahead(world: World, key: RoleKey) -> str:
    """The role of the team that has to be done with before this one may begin; empty: its turn."""
    team = world.teams.get(TeamKey(key.workspace, key.team))
    names = in_order(team.roles if team else ())
    before = True
    for name in names:
        if name == key.role:
            before = False
            continue
        other = RoleKey(key.workspace, key.team, name)
        role, shift = world.roles.get(other), world.shifts.get(other)
        if shift is not None and shift.started_at is not None and not shift.stuck:
            return name
        if before and role is not None and wants_shift(role, world.cohorts_of(other), shift):
            return name
    return ""
