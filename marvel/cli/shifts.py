"""What `marvel shift` and its verbs do: begin, watch, abort, pause, resume, undo, look back."""

import json
from typing import Any, Literal

from marvel import keys
from marvel.cli import archived, door, listing, objects, shifthistory, waiting
from marvel.cli.get import show, warn_without_daemon
from marvel.cli.table import ABSENT, table
from marvel.cli.times import MINUTE, age, local, span
from marvel.commands.orders import ChangeShift, Shift
from marvel.errors import NotFound
from marvel.resources import TeamKey
from marvel.settings import paths
from marvel.store.query import Reader
from marvel.text import printable

Row = dict[str, Any]


def begin(key: str, role: str | None, *, wait: bool, timeout: float | None) -> None:
    """Replace a team's sessions, or one role's."""
    team = _team(key)
    command = door.obey(Shift(key, role))
    if wait:
        _wait("shift", team, role, door.events_of(command), timeout)


def change(
    verb: Literal["abort", "pause", "resume", "undo"],
    key: str,
    role: str | None,
    generation: int | None,
    *,
    wait: bool = False,
    timeout: float | None = None,
) -> None:
    """abort, pause, resume or undo."""
    command = door.obey(ChangeShift(verb, key, role, generation))
    if wait:
        events = door.events_of(command)
        _wait(f"shift {verb}", _team(key), role, events, timeout, may_abort=verb == "abort")


def _wait(
    what: str,
    team: TeamKey,
    role: str | None,
    events: list[Row],
    timeout: float | None,
    *,
    may_abort: bool = False,
) -> None:
    """Wait for what a command's events began: in the roles they name, else in those that were asked for."""
    with Reader(paths()) as reader:
        declared = next((row for row in reader.rows("teams", team.workspace) if row["name"] == team.team), {})
        head = reader.head()
    named = list(dict.fromkeys(event["role"] for event in events))
    roles = named or ([role] if role is not None else list(declared.get("roles", ())))
    since = max((event["position"] for event in events), default=head)
    until_done(what, team, roles, since, timeout, may_abort=may_abort)


def status(key: str, role: str | None, *, watch: bool, output: str, timeout: float | None) -> None:
    """What is in progress, and who began it when and why; with `watch` until it is done."""
    team = _team(key)
    found = _shifts(team, role)
    warn_without_daemon(paths())
    if output == "json":
        show(json.dumps([objects.published(row) for row in found], indent=2) + "\n")
        return
    if not found:
        show(f"no shift of {team} is in progress\n")
        return
    import time

    show(table(*listing.cells("shifts", found, time.time(), wide=True)))
    with Reader(paths()) as reader:
        show("".join(f"{row['role']}: {_begun(reader, row)}\n" for row in found))
    if watch:
        since = min(row["cause"] for row in found)
        until_done("shift", team, [row["role"] for row in found], since, timeout)


def history(key: str, role: str | None, output: str) -> None:
    """Print the newest shifts of a team, newest last: who, when, why, how long."""
    team = _team(key)
    with Reader(paths()) as reader:
        _check_team(reader, team)
        rows = shifthistory.past(reader, team, role)
        is_archived = reader.base() is not None
        if len(rows) < shifthistory.MOST:
            archived.note(reader)
    if output == "json":
        show(json.dumps([objects.published(row) for row in rows], indent=2) + "\n")
        return
    if not rows:
        text = "no shift of {} is in the log any more" if is_archived else "{} has never been shifted"
        show(text.format(team) + "\n")
        return
    head = ["STARTED", "ROLE", "FROM", "TO", "OUTCOME", "TOOK", "WHO", "WHY"]
    show(table(head, [_cells(row) for row in rows]))


def _cells(row: Row) -> list[str]:
    return [
        ABSENT if row["started_at"] is None else local(row["started_at"]),
        row["role"],
        ABSENT if row["from_generation"] is None else str(row["from_generation"]),
        str(row["to_generation"]),
        row["outcome"],
        ABSENT if row["seconds"] is None else _took(row["seconds"]),
        row["actor"] or ABSENT,
        printable(row["why"]),
    ]


def _took(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < MINUTE else span(seconds)


def until_done(
    what: str, team: TeamKey, roles: list[str], since: int, timeout: float | None, *, may_abort: bool = False
) -> None:
    """Return when the shifts of some roles are done. Raises MarvelError when one was aborted, or is stuck."""

    def aborts() -> str:
        with Reader(paths()) as reader:
            ends = _ends(reader, team, since, may_abort=may_abort)
        ours = [end for end in ends if end["role"] in roles]
        return _why_ended(ours[0]) if ours else ""

    waiting.until_shifted(team, roles, what, timeout, aborts=aborts)


def _why_ended(event: Row) -> str:
    if event["kind"] == "role.removed":
        return f"role {event['role']} was removed"
    payload = event["payload"]
    verb = event["kind"].removeprefix("shift.")
    return f"{event['role']} {verb}: {payload.get('detail') or payload['reason']}"


def _begun(reader: Reader, row: Row) -> str:
    import time

    asked = shifthistory.event_at(reader, row["cause"])
    who = asked["actor"] if asked else "someone (archived)"
    took = age(time.time() - row["created_at"])
    why = shifthistory.WHY.get(row["reason"], row["reason"])
    return f"{why} by {who} at {local(row['created_at'])}, {took} ago"


def _ends(reader: Reader, team: TeamKey, since: int, *, may_abort: bool) -> list[Row]:
    kinds = (
        "('shift.stuck', 'role.removed')" if may_abort else "('shift.aborted', 'shift.stuck', 'role.removed')"
    )
    where = f"position > ? AND workspace = ? AND team = ? AND kind IN {kinds}"
    return list(reader.events(where, since, *team))


def _shifts(team: TeamKey, role: str | None) -> list[Row]:
    with Reader(paths()) as reader:
        _check_team(reader, team)
        return [row for row in _rows(reader, team) if role in (None, row["role"])]


def _rows(reader: Reader, team: TeamKey) -> list[Row]:
    rows = [reader.rows(table, team.workspace) for table in ("shifts", "sessions", "teams")]
    return [row for row in objects.shifts(*rows) if row["team"] == team.team]


def _check_team(reader: Reader, team: TeamKey) -> None:
    if not any(row["name"] == team.team for row in reader.rows("teams", team.workspace)):
        raise NotFound(f"no such team: {team}", hint="marvel get teams lists what there is")


def _team(key: str) -> TeamKey:
    return TeamKey(*keys.team_key(key))
