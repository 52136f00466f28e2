"""Waits for the world to become what was asked for, woken by the bell; with a bar on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from marvel import keys
from marvel.cli import done, objects, servers
from marvel.cli.dialogs import is_silent, is_unproven
from marvel.cli.done import Progress
from marvel.cli.get import find, warn_without_daemon
from marvel.cli.request import STATES
from marvel.errors import MarvelError, NotFound, Rejected, TimedOut, UsageError
from marvel.resources import Role, RoleKey, Session, TeamKey
from marvel.rules import is_mid_turn
from marvel.settings import Paths, paths
from marvel.store.bell import Bell
from marvel.store.query import Reader, daemon_note

LOOK_SECONDS = 0.5  # between looks that no ring asked for
BAR_CELLS = 30
SHOWN = 3  # sessions that are named


def until(look: Callable[[], Progress], what: str, timeout: float | None) -> None:
    """Return when `look` says it is done. Raises TimedOut, or MarvelError when it can't be any more."""
    deadline = None if timeout is None else time.monotonic() + timeout
    where = paths()
    bell = Bell(where.bell)
    bar = _Bar()
    try:
        while True:
            seen = look()
            bar.draw(seen)
            if seen.done >= seen.total and not seen.failed:
                return
            if seen.failed:
                raise MarvelError(f"{what}: {seen.failed}")
            left = LOOK_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                state = f" ({seen.note})" if seen.note else ""
                raise TimedOut(f"{what}: not within {timeout:g} s{state}", hint="marvel get sessions -o wide")
            bell.wait(min(LOOK_SECONDS, left))
    finally:
        bar.clear()
        bell.close()


def until_ready(workspace: str, teams: list[str], timeout: float | None) -> None:
    """All roles of some teams are as their manifest wants them."""

    def look() -> Progress:
        seen = _seen(workspace)
        keys = [key for name in teams for key in _roles(seen, TeamKey(workspace, name))]
        missing = [name for name in teams if TeamKey(workspace, name) not in seen.teams]
        if missing:
            return Progress(0, 1, failed=f"team {workspace}/{missing[0]} was deleted")
        return done.of_roles(seen, keys, time.time(), declared=True)

    until(look, workspace, timeout)


def until_shifted(
    team: TeamKey, roles: list[str], what: str, timeout: float | None, *, aborts: Callable[[], str]
) -> None:
    """The shifts of some roles have come to their end, and what runs then is ready.

    `aborts` tells why one that must not was aborted; empty while none was.
    """

    def look() -> Progress:
        seen = _seen(team.workspace)
        if team not in seen.teams:
            return Progress(0, 1, failed=f"team {team} was deleted")
        progress = done.of_roles(seen, [RoleKey(*team, r) for r in roles], time.time(), declared=False)
        running = [seen.shifts[key] for key in seen.shifts if key[:2] == team and key.role in roles]
        ends = any(shift.aborted_at is not None and not shift.stuck for shift in running)
        why = "" if ends else aborts()
        return progress._replace(failed=why) if why else progress

    until(look, f"{what} {team}", timeout)


def until_stopped(where: Paths, run_id: str, timeout: float) -> None:
    """The daemon of one run is gone, and so is what it had to stop."""
    began: list[int] = []

    def look() -> Progress:
        note = daemon_note(where)
        if note is None or note.get("run_id") != run_id:
            return Progress(1, 1)
        left = alive_sessions(where)
        began.append(len(left))
        return Progress(max(began) - len(left), max(began) + 1, _stopping(left))

    until(look, "stop", timeout)


def until_ended(uid: str, timeout: float) -> None:
    """One session has ended."""

    def look() -> Progress:
        with Reader(paths()) as reader:
            left = [row for row in reader.rows("sessions") if row["uid"] == uid]
        left = [row for row in left if row["state"] in objects.ALIVE]
        return Progress(0 if left else 1, 1, _stopping(left))

    until(look, "kill", timeout)


def until_gone(workspace: str, team: str, timeout: float) -> None:
    """No session of a workspace, or of one of its teams, is left."""

    def look() -> Progress:
        rows = [row for row in alive_sessions(paths()) if row["workspace"] == workspace]
        left = [row for row in rows if not team or row["team"] == team]
        return Progress(0 if left else 1, 1, _stopping(left))

    until(look, "delete", timeout)


def until_restarted(name: str, target: Session | TeamKey, since: float, timeout: float) -> None:
    """What was to be restarted has newer sessions, and they are ready."""

    def concerned(row: objects.Row) -> bool:
        if isinstance(target, TeamKey):
            return (row["workspace"], row["team"]) == target and not row.get("one_off")
        return (row["workspace"], row["name"]) == (target.workspace, target.name)

    def look() -> Progress:
        with Reader(paths()) as reader:
            rows = [row for row in reader.rows("sessions") if concerned(row) and objects.is_listed(row)]
        if not rows:  # replaced by a shift, or no longer declared
            return Progress(0, 1, failed="nothing has a slot there any more")
        fresh = [row for row in rows if row["created_at"] >= since and objects.is_ready(row)]
        return Progress(len(fresh), len(rows), f"{len(fresh)} of {len(rows)} restarted")

    until(look, f"restart {name}", timeout)


def wait(key: str, condition: str, timeout: float | None) -> None:
    """`marvel wait`: a session or a team is ready, healthy, in a state, or gone."""
    test = _condition(condition)
    warn_without_daemon(paths())  # what is waited for is then not seen, and what was seen may be over
    met: list[str] = []  # keys that named something once

    def look() -> Progress:
        try:
            found = _waited(key, condition, test)
        except NotFound:
            if condition == "deleted":
                return Progress(1, 1)
            if not met:
                raise
            return Progress(0, 1, failed="it was deleted")
        met.append(key)
        return found

    until(look, f"{key} is not {condition}", timeout)


def alive_sessions(where: Paths) -> objects.Rows:
    """Rows of all sessions that are alive."""
    with Reader(where) as reader:
        return [row for row in reader.rows("sessions") if row["state"] in objects.ALIVE]


def until_heard(workspace: str, teams: list[str], timeout: float | None) -> None:
    """The agents of some teams whose runtimes tell of their start have done so."""

    def look() -> Progress:
        rows = [row for row in _listed(workspace) if row["team"] in teams and not row.get("one_off")]
        silent = sum(1 for row in rows if is_silent(row))
        return Progress(len(rows) - silent, len(rows), f"{silent} silent")

    until(look, workspace, timeout)


def unproven_sessions(workspace: str) -> list[objects.Row]:
    """Return sessions that are not ready, or whose runtimes have not reported anything yet."""
    return [row for row in sorted(_listed(workspace), key=objects.order) if is_unproven(row)]


def _listed(workspace: str) -> list[objects.Row]:
    with Reader(paths()) as reader:
        return [row for row in reader.rows("sessions", workspace) if objects.is_listed(row)]


def confirm(question: str) -> None:
    """Ask on a terminal; elsewhere the answer is yes. Raises Rejected."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Rejected("nothing was changed")


def confirm_stop() -> None:
    """Agents in the middle of something are named before they are stopped."""
    working = [session for session in _seen().sessions if is_mid_turn(session)]
    if working:
        names = ", ".join(session.key for session in working[:5])
        more = f" and {len(working) - 5} more" if len(working) > 5 else ""
        confirm(f"{names}{more} {'is' if len(working) == 1 else 'are'} working. Stop?")


def _stopping(rows: objects.Rows) -> str:
    """Which sessions are still there, until when they may take, and what else keeps them."""
    if not rows:
        return ""
    silent = servers.unreachable_now(paths())
    named = [f"{row['workspace']}/{row['name']}{_patience(row)}" for row in sorted(rows, key=objects.order)]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return "; ".join([f"waits for {len(rows)} to end: {', '.join(named[:SHOWN])}{more}", *silent])


def _patience(row: objects.Row) -> str:
    if row["state"] != "stopping" or not row.get("stop"):
        return f", which is {row['state']}"
    left = row["stop"]["deadline"] - time.time()
    return f" (KILL in {left:.0f} s)" if left > 0 else " (KILL was sent)"


def _seen(workspace: str | None = None) -> done.Seen:
    with Reader(paths()) as reader:
        return done.Seen.of(reader, workspace)


def _roles(seen: done.Seen, team: TeamKey) -> list[RoleKey]:
    return [RoleKey(*team, name) for name in seen.teams.get(team, ())]


def _condition(condition: str) -> done.Test | None:
    """The test of a condition; None for `deleted`. Raises UsageError."""
    name, _, value = condition.partition("=")
    if condition == "ready":
        return done.is_up
    if condition == "healthy":
        return lambda session, role: session.health == "healthy" and session.alive
    if condition == "deleted":
        return None
    if name == "state" and value in STATES:
        return lambda session, role: session.state == value
    if name == "state" and value:
        raise UsageError(f"--for {condition!r}: there is no state {value!r}", hint=" ".join(STATES))
    raise UsageError(f"--for {condition!r} is unknown", hint="ready, healthy, state=STATE or deleted")


def _waited(key: str, condition: str, test: done.Test | None) -> Progress:
    with Reader(paths()) as reader:
        rows = [row for row in reader.sessions() if objects.is_listed(row)]
        seen = done.Seen.of(reader)
    kind, name = find(key, rows, [(team.workspace, team.team) for team in seen.teams])
    if kind == "session":
        session = next(one for one in seen.sessions if one.uid == name)
        return _waited_session(seen, session, condition, test)
    if test is None:
        return Progress(0, 1, "it is still there")
    team = TeamKey(*keys.team_key(name))
    unchecked = [
        key for key in _roles(seen, team) if (role := seen.roles.get(key)) and not _can_be(condition, role)
    ]
    if unchecked:
        return Progress(0, 1, failed=f"{unchecked[0]} has no healthcheck")
    return done.of_roles(seen, _roles(seen, team), time.time(), test=test, word=condition, declared=False)


def _waited_session(seen: done.Seen, session: Session, condition: str, test: done.Test | None) -> Progress:
    role = None if session.one_off else seen.roles.get(session.role_key)
    if test is None:
        return Progress(0 if session.alive else 1, 1, f"it is {session.state}")
    if test(session, role):
        return Progress(1, 1)
    if done.is_final(session, role, time.time()):
        return Progress(0, 1, failed=done.ended_words(session))
    if not _can_be(condition, role):
        return Progress(0, 1, failed="it has no healthcheck")
    return Progress(0, 1, done.state_words(session))


def _can_be(condition: str, role: Role | None) -> bool:
    """Whether a role's sessions can ever be so: without a check nobody says that they are healthy."""
    return condition != "healthy" or (role is not None and role.spec.healthcheck is not None)


class _Bar:
    """One line that is drawn over, on a terminal only."""

    def __init__(self) -> None:
        self._shown = bool(sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
        self._last = ""

    def draw(self, seen: Progress) -> None:
        """The bar, when it changed."""
        if not self._shown or not seen.total:
            return
        full = BAR_CELLS * min(seen.done, seen.total) // seen.total
        line = f"[{'#' * full}{'.' * (BAR_CELLS - full)}] {seen.note}"
        if line != self._last:
            self._last = line
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line to whoever prints next."""
        if self._last:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
