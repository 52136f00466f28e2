"""Who gets a message. Pure but for what it is given."""

from typing import NamedTuple

from marvel import keys
from marvel.commands.naming import named, one
from marvel.errors import NotFound, Rejected
from marvel.resources import Endpoint, Session, TeamKey


class Seen(NamedTuple):
    """What was recorded, at one moment."""

    sessions: list[Session]
    teams: list[TeamKey]
    endpoints: list[Endpoint]


def addressees(seen: Seen, key: str, *, role: str | None, but: str) -> list[Session]:
    """Who gets a message to `key`: a session; the running ones of a team, or of one of its roles, but
    the session with uid `but`; of an endpoint, the ready one with the lowest context.

    Raises NotFound, and Rejected when there is nobody or the key could be two things.
    """
    if key.startswith("endpoint/"):
        return [_of_endpoint(seen, key)]
    try:
        kind, name = keys.find(
            key, [named(s) for s in seen.sessions], [(t.workspace, t.team) for t in seen.teams]
        )
    except NotFound:
        if key in {f"{e.workspace}/{e.name}" for e in seen.endpoints}:
            return [_of_endpoint(seen, key)]
        raise
    if kind == "session":
        if role is not None:
            raise Rejected(f"{key} is a session: --role selects among those of a team")
        return [one(seen.sessions, name)]
    if key in {f"{e.workspace}/{e.name}" for e in seen.endpoints}:
        raise Rejected(f"{key!r} is both a team and an endpoint", hint=f"say team/{key} or endpoint/{key}")
    return _of_team(seen, TeamKey(*keys.team_key(name)), role, but)


def _of_team(seen: Seen, team: TeamKey, role: str | None, but: str) -> list[Session]:
    found = [
        session
        for session in seen.sessions
        if (session.workspace, session.team) == team
        and session.state == "running"
        and role in (None, session.role)
        and session.uid != but
    ]
    if not found:
        whom = f"{team}/{role}" if role else str(team)
        raise Rejected(f"no session of {whom} is running", hint=f"marvel get sessions --team {team}")
    return sorted(found, key=lambda s: (s.role, s.generation, s.index))


def _of_endpoint(seen: Seen, key: str) -> Session:
    name = key.removeprefix("endpoint/")
    endpoint = next((e for e in seen.endpoints if f"{e.workspace}/{e.name}" == name), None)
    if endpoint is None:
        raise keys.no_such("endpoint", name)
    ready = [
        session
        for session in seen.sessions
        if (session.workspace, session.team) == (endpoint.workspace, endpoint.team)
        and endpoint.role in ("", session.role)
        and session.state == "running"
        and session.ready
    ]
    if not ready:
        raise Rejected(f"no session behind endpoint {name} is ready", hint="marvel get endpoints")
    return min(ready, key=lambda s: (s.context_percent or 0.0, s.generation, s.index))
