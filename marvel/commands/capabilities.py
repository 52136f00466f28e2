"""What an agent session may do: by its role's capabilities, and to its own team only. Pure.

A person may do everything. A session that acts by its token may beat and read; more, if its role lists it
under `capabilities`. A role named `supervisor` has all of them. `work` and `stop` are for people.
"""

from collections.abc import Collection, Iterable

from marvel.events import Draft, EndpointRemoved
from marvel.resources import Capability, Session, TeamKey
from marvel.world import World

SUPERVISOR = "supervisor"


def lacking(world: World, session: Session, needs: Capability | None) -> str:
    """Why a session may not do what needs this capability, if it may not. None: only a person may."""
    if needs is None:
        return "this is for people, no capability allows it"
    if not session.alive:
        return "it has ended"
    role = None if session.one_off else world.roles.get(session.role_key)
    if role is None:
        return "it has no role that could allow it"
    if needs == "run" and _is_contained(world, session):
        return "it is contained, and what it starts would not be"
    if role.name == SUPERVISOR or needs in role.spec.capabilities:
        return ""
    return f'role {role.name} does not have the capability "{needs}"'


def _is_contained(world: World, session: Session) -> bool:
    cohorts = world.cohorts_of(session.role_key)
    return any(c.template.runtime.contain for c in cohorts if c.generation == session.generation)


def outside(session: Session, teams: Collection[TeamKey | None]) -> str:
    """Why a session may not touch these teams, if it may not. None stands for what is in no team."""
    own = TeamKey(session.workspace, session.team)
    foreign = [team for team in teams if team != own]
    if not foreign:
        return ""
    return f"{foreign[0] or 'that'} is not in its team, {own}"


def teams_of(world: World, drafts: Iterable[Draft]) -> list[TeamKey | None]:
    """The teams that a command would change."""
    return [_team_of(world, draft) for draft in drafts]


def _team_of(world: World, draft: Draft) -> TeamKey | None:
    ref = draft.ref
    if isinstance(draft.fact, EndpointRemoved):
        endpoint = world.endpoints.get((ref.workspace or "", draft.fact.name))
        return TeamKey(endpoint.workspace, endpoint.team) if endpoint else None
    return TeamKey(ref.workspace, ref.team) if ref.workspace and ref.team else None
