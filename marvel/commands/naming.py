"""Which sessions and teams a key names. Pure."""

from collections.abc import Iterable

from marvel import keys
from marvel.resources import Session, TeamKey
from marvel.world import World


def named(session: Session) -> keys.Named:
    """A session as keys.py wants to see it."""
    return keys.Named(
        workspace=session.workspace,
        team=session.team,
        role=session.role,
        name=session.name,
        generation=session.generation,
        number=session.index,
        uid=session.uid,
        created_at=session.created_at,
        one_off=session.one_off,
        there=session.current or session.alive,
    )


def workspace_of(key: str) -> str | None:
    """The workspace that a key names for sure, so that no more than that has to be read."""
    parts = key.removeprefix("session/").removeprefix("team/").split("/")
    return parts[0] if len(parts) == 2 else None


def session_of(world: World, key: str) -> Session:
    """The session a key names. Raises NotFound and Rejected."""
    return one(world.sessions.values(), key)


def one(sessions: Iterable[Session], key: str) -> Session:
    """The session among some that a key names. Raises NotFound and Rejected."""
    known = {session.uid: session for session in sessions}
    uid = keys.find_session(key, [named(session) for session in known.values()])
    if uid is None:
        raise keys.no_such("session", key)
    return known[uid]


def session_or_team(world: World, key: str) -> Session | TeamKey:
    """The session, else the team, that a key names. Raises NotFound and Rejected."""
    teams = [(team.workspace, team.team) for team in world.teams]
    kind, name = keys.find(key, [named(session) for session in world.sessions.values()], teams)
    return world.sessions[name] if kind == "session" else TeamKey(*keys.team_key(name))
