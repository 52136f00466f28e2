"""The terminal's way into the log: the client's door, and which resource a key names."""

from pathlib import Path

from marvel import keys
from marvel.cli.errors import say
from marvel.client.door import Decide, Door
from marvel.client.targets import named, session_of, workspace_of
from marvel.events import Event
from marvel.resources import Capability, Session, TeamKey
from marvel.settings import Paths, paths
from marvel.store.query import daemon_note
from marvel.tmux.version import check_socket_path
from marvel.world import World

__all__ = [
    "check_workspace",
    "permit",
    "record",
    "session_of",
    "session_or_team",
    "warn_without_daemon",
    "workspace_of",
]


def record(
    decide: Decide, *, needs: Capability | None = None, what: str = "", workspace: str | None = None
) -> list[Event]:
    """Decide and append one command; returns its events, none when it changed nothing.

    Inside an agent session it is refused unless the role has the capability it `needs`; None: always.
    """
    return Door(paths()).record(decide, needs=needs, what=what, workspace=workspace)


def permit(needs: Capability, team: TeamKey, *, what: str) -> None:
    """Refuse, and record, what this agent session may not do to a team. Raises Rejected."""
    Door(paths()).permit(needs, [team], what=what)


def check_workspace(name: str) -> None:
    """Refuse a workspace whose tmux socket would have too long a path, before anything is recorded."""
    check_socket_path(Path(paths().tmux_socket(name)))


def session_or_team(world: World, key: str) -> Session | TeamKey:
    """The session, else the team, that a key names. Raises NotFound and Rejected."""
    sessions = world.sessions.values()
    teams = [(team.workspace, team.team) for team in world.teams]
    kind, name = keys.find(key, [named(session) for session in sessions], teams)
    return world.sessions[name] if kind == "session" else TeamKey(*keys.team_key(name))


def warn_without_daemon(where: Paths) -> None:
    """What was recorded waits for a daemon."""
    if daemon_note(where) is None:
        say("no daemon is running: recorded, and done once one runs (marvel daemon -d)")
