"""Waits for the world to become what was asked for, woken by the bell; with a bar on a terminal."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from marvel import keys
from marvel.cli import objects
from marvel.cli.dialogs import is_silent, is_unproven
from marvel.cli.get import find
from marvel.errors import MarvelError, NotFound, Rejected, TimedOut, UsageError
from marvel.resources import Session, TeamKey
from marvel.settings import Paths, paths
from marvel.store.bell import Bell
from marvel.store.query import Reader, daemon_note

LOOK_SECONDS = 0.5  # between looks that no ring asked for
BAR_CELLS = 30
GIVEN_UP = ("invalid-runtime", "restart-budget", "tmux-refused")  # reasons after which waiting is in vain


class Progress(NamedTuple):
    """How far it is: `done` of `total`, and what is said of it."""

    done: int
    total: int
    note: str = ""
    failed: str = ""  # waiting longer is in vain


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
    """All roles of some teams have as many ready sessions as are wanted."""
    until(lambda: _readiness(workspace, teams), workspace, timeout)


def until_stopped(where: Paths, run_id: str, timeout: float) -> None:
    """The daemon of one run is gone, and so is what it had to stop."""
    began: list[int] = []

    def look() -> Progress:
        note = daemon_note(where)
        if note is None or note.get("run_id") != run_id:
            return Progress(1, 1)
        left = len(alive_sessions(where))
        began.append(left)
        return Progress(max(began) - left, max(began) + 1, f"{left} still stopping")

    until(look, "stop", timeout)


def until_ended(uid: str, timeout: float) -> None:
    """One session has ended."""

    def look() -> Progress:
        with Reader(paths()) as reader:
            row = next((row for row in reader.rows("sessions") if row["uid"] == uid), None)
        return Progress(0 if row is not None and row["state"] in objects.ALIVE else 1, 1)

    until(look, "kill", timeout)


def until_gone(workspace: str, team: str, timeout: float) -> None:
    """No session of a workspace, or of one of its teams, is left."""

    def look() -> Progress:
        rows = [row for row in alive_sessions(paths()) if row["workspace"] == workspace]
        left = [row for row in rows if not team or row["team"] == team]
        return Progress(0 if left else 1, 1, f"{len(left)} still stopping")

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
    until(lambda: _waited(key, condition, test), f"{key} is not {condition}", timeout)


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
    working = [row for row in alive_sessions(paths()) if row.get("activity") == "working"]
    if working:
        names = ", ".join(f"{row['workspace']}/{row['name']}" for row in working[:5])
        more = f" and {len(working) - 5} more" if len(working) > 5 else ""
        confirm(f"{names}{more} {'is' if len(working) == 1 else 'are'} working. Stop?")


def _readiness(workspace: str, teams: list[str]) -> Progress:
    with Reader(paths()) as reader:
        sessions = reader.sessions(workspace)
        roles = [row for row in reader.rows("roles", workspace) if row["team"] in teams]
        cohorts = reader.rows("cohorts", workspace)
        shifting = {(row["team"], row["role"]) for row in reader.rows("shifts", workspace)}
    if not roles:
        return Progress(1, 1)
    ready = wanted = 0
    for role in roles:
        of_role = (role["team"], role["name"])
        ours = [c for c in cohorts if (c["team"], c["role"]) == of_role]
        good = [c for c in ours if not c.get("aborted")]
        newest = max((c["generation"] for c in good), default=None)
        current = _is_current(role, good, newest) and of_role not in shifting
        template = objects.wanted_template(role)
        if not current and any(c.get("aborted") and c["template"] == template for c in ours):
            where = f"{workspace}/{role['team']}"
            return Progress(
                0, 1, failed=f"the shift of {role['name']} was aborted: marvel shift history {where}"
            )
        rows = [
            row
            for row in sessions
            if (row["team"], row["role"]) == of_role
            and row["generation"] == newest
            and objects.is_listed(row)
        ]
        wanted += role["replicas"]
        ready += min(role["replicas"], sum(map(_counts_as_ready, rows))) if current else 0
        for row in rows:
            if row.get("reason") in GIVEN_UP:
                why = row.get("detail") or row["reason"]
                return Progress(ready, wanted, failed=f"{row['name']} is {row['state']}: {why}")
    return Progress(ready, wanted, f"{ready} of {wanted} ready")


def _is_current(role: objects.Row, cohorts: objects.Rows, newest: int | None) -> bool:
    """Whether the newest cohort is what the role asks for or waits with; not before the daemon looked."""
    if role["spec"].get("shift", {}).get("on_change") == "manual" and newest is not None:
        return True
    template = objects.wanted_template(role)
    return any(c["generation"] == newest and c["template"] == template for c in cohorts)


def _counts_as_ready(row: objects.Row) -> bool:
    return objects.is_ready(row) or row["state"] == "succeeded"


def _condition(condition: str) -> Callable[[objects.Row], bool]:
    name, equals, value = condition.partition("=")
    if condition == "ready":
        return _counts_as_ready
    if condition == "healthy":
        return lambda row: bool(row.get("health") == "healthy")
    if condition == "deleted":
        return lambda _row: False
    if name == "state" and equals and re.fullmatch(r"[a-z-]+", value):
        return lambda row: bool(row["state"] == value)
    raise UsageError(f"--for {condition!r} is unknown", hint="ready, healthy, state=STATE or deleted")


def _waited(key: str, condition: str, test: Callable[[objects.Row], bool]) -> Progress:
    with Reader(paths()) as reader:
        rows = reader.sessions()
        teams = [(row["workspace"], row["name"]) for row in reader.rows("teams")]
        roles = reader.rows("roles")
    listed = [row for row in rows if objects.is_listed(row)]
    try:
        kind, name = find(key, listed, teams)
    except NotFound:
        if condition == "deleted":
            return Progress(1, 1)
        raise
    if kind == "session":
        row = next(row for row in listed if row["uid"] == name)
        gone = condition == "deleted" and row["state"] not in objects.ALIVE
        return Progress(1 if gone or test(row) else 0, 1, f"it is {row['state']}")
    workspace, team = keys.team_key(name)
    ours = [row for row in listed if (row["workspace"], row["team"]) == (workspace, team)]
    wanted = sum(r["replicas"] for r in roles if (r["workspace"], r["team"]) == (workspace, team))
    met = sum(1 for row in ours if not row.get("one_off") and test(row))
    if condition == "deleted":
        return Progress(0, 1, "it is still there")
    return Progress(met, max(wanted, 1), f"{met} of {wanted}")


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
