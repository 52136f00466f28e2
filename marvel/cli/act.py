"""What `scale`, `run`, `kill`, `restart`, `delete` and `stop` do."""

import contextlib
import os
import time
from typing import Literal

from marvel.cli import door, oneoff, waiting
from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.commands.naming import session_of, session_or_team
from marvel.commands.orders import Delete, Kill, Remove, Restart, Run, Scale, Stop
from marvel.errors import DaemonUnavailable, NotFound, Rejected, UsageError
from marvel.resources import TeamKey
from marvel.settings import Paths, check_private, paths
from marvel.store.query import daemon_note
from marvel.text import printable

SESSION = ("session", "sessions", "s")
KINDS: dict[str, Literal["team", "workspace", "endpoint"]] = {
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
    command = door.obey(order)
    if wait:
        events = door.events_of(command)
        target = session_or_team(door.present(order.workspace()), key)
        name = str(target) if isinstance(target, TeamKey) else target.key
        asked_at = events[0]["time"] if events else time.time()
        waiting.until_restarted(name, target, asked_at, timeout)


def delete(kind: str, key: str, *, wait: bool, timeout: float) -> None:
    """A resource and all that is in it."""
    if kind in SESSION:
        _end(Delete(key), wait=wait, timeout=timeout)
        return
    found = KINDS.get(kind)
    if found is None:
        raise UsageError(f"there is no kind {kind!r}", hint="kinds: session team workspace endpoint")
    name = key.removeprefix(f"{found}/")
    door.send(Remove(found, name))
    if found == "endpoint":
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

    door.send(Stop(run_id, keep_sessions))
    waiting.until_stopped(where, run_id, timeout)
    show("daemon stopped" + ("; its sessions run on\n" if keep_sessions else "\n"))
    if not keep_sessions:
        _tell_others(where)


def _stop_without_daemon(*, keep_sessions: bool) -> None:
    """No daemon: what its last run left behind is drained by one that ends at once."""
    from marvel.daemon.main import drain

    where = paths()
    if keep_sessions or not check_private(where.home) or not os.path.exists(where.database):
        raise DaemonUnavailable("no daemon is running")
    if not waiting.alive_sessions(where):
        raise DaemonUnavailable("no daemon is running, and no session")
    door.check_person("stop")
    say("no daemon is running: ending the sessions it left")
    drain(where)
    show("sessions stopped\n")
    _tell_others(where)


def _tell_others(where: Paths) -> None:
    """What was left running, because it is no session's."""
    from marvel.cli.others import named

    for line in named(where):
        say(f"left running: {printable(line)}")


def _end(order: Kill, *, wait: bool, timeout: float) -> None:
    uid = ""
    if wait:
        with contextlib.suppress(NotFound, Rejected):  # which the order says in its own words
            uid = session_of(door.present(order.workspace()), order.key).uid
    door.obey(order)
    if wait:
        waiting.until_ended(uid, timeout)
