"""What `scale`, `run`, `kill`, `restart`, `delete` and `stop` do."""

import os
import time

from marvel import commands, keys
from marvel.cli import door, oneoff, waiting
from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.client.door import mode_of
from marvel.commands.naming import session_or_team
from marvel.commands.orders import Delete, Kill, Restart, Run, Scale
from marvel.errors import DaemonUnavailable, NotFound, UsageError
from marvel.events import Draft
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
    door.obey(Scale(team=key, role=role, replicas=replicas, force_large=force_large))


def run(argv: list[str], *, role: str, team: str, workspace: str, cwd: str | None, env: list[str]) -> None:
    """A one-off session."""
    wanted = oneoff.arguments(argv, role=role, team=team, workspace=workspace, cwd=cwd, env=env)
    door.check_workspace(workspace)
    door.obey(Run(**wanted))


def kill(key: str, *, wait: bool, timeout: float) -> None:
    """End a session."""
    _end(Kill(key), wait=wait, timeout=timeout)


def restart(key: str, *, wait: bool, timeout: float) -> None:
    """Replace a session, or the sessions of a team one by one."""
    order = Restart(key)
    if not wait:
        door.obey(order)
        return
    found: list[Session | TeamKey] = []

    def decide(world: World, now: float) -> list[Draft]:
        found.append(session_or_team(world, key))
        return order.decide(world, now, mode_of)

    show(order.told(door.record(decide, needs=order.needs, what=order.what(), workspace=order.workspace())))
    door.warn_without_daemon(paths())
    target = found[-1]
    name = str(target) if isinstance(target, TeamKey) else target.key
    waiting.until_restarted(name, target, time.time(), timeout)


def delete(kind: str, key: str, *, wait: bool, timeout: float) -> None:
    """A resource and all that is in it."""
    if kind not in KINDS:
        raise UsageError(f"there is no kind {kind!r}", hint="kinds: session team workspace endpoint")
    kind = KINDS[kind]
    name = key.removeprefix(f"{kind}/")
    if kind == "session":
        _end(Delete(key), wait=wait, timeout=timeout)
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


def _end(order: Kill, *, wait: bool, timeout: float) -> None:
    events = door.obey(order)
    if wait and events:
        waiting.until_ended(events[-1].ref.uid or "", timeout)
