"""What `scale`, `run`, `kill`, `restart`, `delete` and `stop` do."""

import os
import time

from marvel import commands, keys
from marvel.cli import door, waiting
from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.client import Marvel
from marvel.errors import DaemonUnavailable, NotFound, UsageError
from marvel.events import Draft, Event
from marvel.resources import Session, TeamKey
from marvel.settings import check_private, paths
from marvel.store.query import daemon_note
from marvel.world import World

KINDS = {
    "session": "session",
    "sessions": "session",
    "s": "session",
    "team": "team",
    "teams": "team",
    "t": "team",
    "workspace": "workspace",
    "workspaces": "workspace",
    "w": "workspace",
    "endpoint": "endpoint",
    "endpoints": "endpoint",
    "e": "endpoint",
}


def scale(key: str, role: str, replicas: int, *, force_large: bool) -> None:
    """Another number of sessions for one role."""
    events = Marvel().scale(key, role, replicas, force_large=force_large)
    show(f"{key.removeprefix('team/')}/{role} {'scaled to' if events else 'already has'} {replicas}\n")
    door.warn_without_daemon(paths())


def run(argv: list[str], *, role: str, team: str, workspace: str, cwd: str | None, env: list[str]) -> None:
    """A one-off session."""
    variables = _variables(env)
    for name, limit in ((workspace, 30), (team, 63), (role, 63)):
        _check_name(name, limit)
    door.check_workspace(workspace)
    made = Marvel().run(argv, workspace=workspace, team=team, role=role, cwd=cwd, env=variables)
    show(f"{made.key}\n")
    door.warn_without_daemon(paths())


def kill(key: str, *, wait: bool, timeout: float) -> None:
    """End a session."""
    _ended(key, Marvel().kill(key), wait=wait, timeout=timeout)


def restart(key: str, *, wait: bool, timeout: float) -> None:
    """Replace a session, or the sessions of a team one by one."""
    found: list[Session | TeamKey] = []

    def decide(world: World, now: float) -> list[Draft]:
        target = door.session_or_team(world, key)
        found.append(target)
        if isinstance(target, TeamKey):
            return commands.restart_team(world, target)
        return commands.restart_session(world, target.uid, now)

    door.record(decide, needs="kill", what=f"restart {key}", workspace=door.workspace_of(key))
    target = found[-1]
    name = str(target) if isinstance(target, TeamKey) else target.key
    show(f"{name} restarting\n")
    door.warn_without_daemon(paths())
    if wait:
        waiting.until_restarted(name, target, time.time(), timeout)


def delete(kind: str, key: str, *, wait: bool, timeout: float) -> None:
    """A resource and all that is in it."""
    if kind not in KINDS:
        raise UsageError(f"there is no kind {kind!r}", hint="kinds: session team workspace endpoint")
    kind = KINDS[kind]
    name = key.removeprefix(f"{kind}/")
    if kind == "session":
        _ended(key, Marvel().delete(key), wait=wait, timeout=timeout)
        return

    def decide(world: World, now: float) -> list[Draft]:
        if kind == "team":
            return commands.delete_team(world, TeamKey(*keys.team_key(name)))
        if kind == "workspace":
            return commands.delete_workspace(world, name, now)
        workspace, slash, endpoint = name.partition("/")
        if not slash:
            raise NotFound(f"no such endpoint: {name}", hint="an endpoint is WORKSPACE/NAME")
        return commands.delete_endpoint(world, workspace, endpoint)

    door.record(decide, needs="kill", what=f"delete {kind}/{name}", workspace=name.partition("/")[0])
    show(f"{kind}/{name} deleted\n")
    if kind == "endpoint":
        return
    door.warn_without_daemon(paths())
    if wait:
        waiting.until_gone(*name.partition("/")[::2], timeout)


def stop(*, keep_sessions: bool, yes: bool, timeout: float) -> None:
    """End the daemon, and unless told otherwise all sessions before it."""
    where = paths()
    note = daemon_note(where)
    if note is None:
        _stop_without_daemon(keep_sessions=keep_sessions)
        return
    run_id = str(note.get("run_id"))
    if not keep_sessions and not yes:
        waiting.confirm_stop()

    def decide(world: World, _now: float) -> list[Draft]:
        return commands.stop_daemon(world, run_id, keep_sessions=keep_sessions)

    door.record(decide, what="stop")
    waiting.until_stopped(where, run_id, timeout)
    show("daemon stopped" + ("; its sessions run on\n" if keep_sessions else "\n"))


def _stop_without_daemon(*, keep_sessions: bool) -> None:
    """No daemon: what its last run left behind is drained by one that ends at once."""
    from marvel.daemon.main import drain

    where = paths()
    if keep_sessions or not check_private(where.home) or not os.path.exists(where.database):
        raise DaemonUnavailable("no daemon is running")
    if not waiting.alive_sessions(where):
        raise DaemonUnavailable("no daemon is running, and no session")
    door.record(lambda _world, _now: [], what="stop")  # refused inside a session
    say("no daemon is running: ending the sessions it left")
    drain(where)
    show("sessions stopped\n")


def _ended(key: str, events: list[Event], *, wait: bool, timeout: float) -> None:
    if not events:
        show(f"{key} is already stopping\n")
        return
    ref = events[-1].ref
    verb = {"session.forgotten": "forgotten", "session.restart-requested": "restarting"}
    show(f"{ref.workspace}/{ref.session} {verb.get(events[-1].kind, 'stopping')}\n")
    door.warn_without_daemon(paths())
    if wait:
        waiting.until_ended(ref.uid or "", timeout)


def _variables(pairs: list[str]) -> dict[str, str]:
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or "\0" in value or name.startswith("MARVEL_"):
            raise UsageError(f"--env {pair.partition('=')[0]!r} is not NAME=VALUE of your own")
        variables[name] = value
    return variables


def _check_name(name: str, limit: int) -> None:
    ok = name.replace("-", "a").isalnum() and name == name.lower() and name.isascii()
    if not ok or name[0] == "-" or name[-1] == "-" or len(name) > limit:
        raise UsageError(
            f"{name!r} is not a name", hint=f"letters a-z, digits and inner dashes, at most {limit}"
        )
