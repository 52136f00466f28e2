"""The write side's way into the log: who acts, which resource a key names, one record."""

import getpass
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from marvel import keys
from marvel.cli.errors import say
from marvel.events import Draft, Event
from marvel.resources import Session, TeamKey
from marvel.settings import Paths, paths
from marvel.store.log import Store
from marvel.store.query import daemon_note
from marvel.tmux.version import check_socket_path
from marvel.world import World

Decide = Callable[[World, float], Iterable[Draft]]


def actor() -> str:
    """Who acts: the agent session that runs this command, else the user."""
    workspace, name = os.environ.get("MARVEL_WORKSPACE"), os.environ.get("MARVEL_SESSION")
    if workspace and name:
        return f"session:{workspace}/{name}"
    try:
        return f"user:{getpass.getuser()}"
    except (KeyError, OSError):  # a uid without a name
        return f"user:{os.getuid()}"


def record(decide: Decide, *, workspace: str | None = None) -> list[Event]:
    """Decide and append one command; returns its events, none when it changed nothing."""
    store = Store(paths())
    try:
        return store.record(decide, actor=actor(), workspace=workspace).events
    finally:
        store.close()


def check_workspace(name: str) -> None:
    """Refuse a workspace whose tmux socket would have too long a path, before anything is recorded."""
    check_socket_path(Path(paths().tmux_socket(name)))


def workspace_of(key: str) -> str | None:
    """The workspace that a key names for sure, so that no more than that has to be read."""
    parts = key.removeprefix("session/").removeprefix("team/").split("/")
    return parts[0] if len(parts) == 2 else None


def session_of(world: World, key: str) -> Session:
    """The session a key names. Raises NotFound and Rejected."""
    uid = keys.find_session(key, _named(world))
    if uid is None:
        raise keys.no_such("session", key)
    return world.sessions[uid]


def session_or_team(world: World, key: str) -> Session | TeamKey:
    """The session, else the team, that a key names. Raises NotFound and Rejected."""
    kind, name = keys.find(key, _named(world), [(team.workspace, team.team) for team in world.teams])
    return world.sessions[name] if kind == "session" else TeamKey(*keys.team_key(name))


def warn_without_daemon(where: Paths) -> None:
    """What was recorded waits for a daemon."""
    if daemon_note(where) is None:
        say("no daemon is running: recorded, and done once one runs (marvel daemon -d)")


def _named(world: World) -> list[keys.Named]:
    return [
        keys.Named(
            workspace=session.workspace,
            team=session.team,
            role=session.role,
            name=session.name,
            generation=session.generation,
            number=session.index,
            uid=session.uid,
            created_at=session.created_at,
            one_off=session.one_off,
        )
        for session in world.sessions.values()
    ]
