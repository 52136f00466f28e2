"""`marvel get`: from argv to a printed listing, for both lanes.

The fast lane (`fast`) reads argv itself and never imports Typer. What it does not know, it leaves to
Typer, which knows the same options (marvel/cli/reading.py) and comes back to `run`.
"""

from __future__ import annotations

import sys
import time

from marvel import settings
from marvel.cli import listing, objects, servers
from marvel.cli.errors import say
from marvel.cli.request import STATES, WAITING, Request, check, kind_of, parse
from marvel.cli.table import is_coloured, table
from marvel.errors import NotFound
from marvel.store.condition import OUT_OF_DATE, remarks
from marvel.store.query import Reader, daemon_note
from marvel.text import printable

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from marvel.settings import Paths

    Row = dict[str, Any]
    Rows = list[Row]

    class Source(Protocol):
        """Where rows come from: a Reader, or a fold of the log up to some moment."""

        def rows(self, table: str, workspace: str | None = None) -> Rows: ...

        def sessions(self, workspace: str | None = None) -> Rows: ...


def fast(argv: list[str]) -> int | None:
    """Do `marvel get ARGV`; None when something in it is not for the fast lane."""
    request = parse(argv)
    return None if request is None else run(request)


def run(request: Request) -> int:
    """Print what was asked for. Raises MarvelError."""
    kind = kind_of(request.kind)
    check(kind, request)
    paths = settings.paths()
    now = time.time()
    with Reader(paths) as reader:
        source: Source = reader
        if request.at is not None:
            from marvel.cli.past import look_back

            source = past = look_back(reader, request.at, now)
            now = past.time
        rows, single = found(source, kind, request)
    if request.at is None:
        warn_without_daemon(paths)
    if single and not rows:
        raise unknown(kind, request)
    if request.output in ("table", "wide"):
        _print_table(kind, rows, request, now)
    else:
        _print_objects(kind, sorted_objects(kind, rows, request, now), request.output, single)
    return 0


def unknown(kind: str, request: Request) -> NotFound:
    """What is said when the one that was named is not there."""
    return NotFound(f"no such {kind[:-1]}: {request.key}", hint=f"marvel get {kind} lists what there is")


def warn_without_daemon(paths: Paths) -> None:
    """Say so on stderr when nobody keeps what is shown true, or when the daemon can't."""
    note = daemon_note(paths)
    if note is None:
        say("no daemon is running: this is what was recorded last (marvel daemon -d starts one)")
        return
    for remark in remarks(note):
        say(remark)
    for line in servers.unreachable_now(paths):
        say(f"{line}; {OUT_OF_DATE}")


def found(source: Source, kind: str, request: Request) -> tuple[Rows, bool]:
    """The objects asked for, in order, and whether it is one that was named by its key."""
    match kind:
        case "sessions":
            return _sessions(source, request)
        case "teams":
            return _teams(source, request), request.key is not None
        case "workspaces":
            rows = objects.workspaces(
                source.rows("workspaces"), source.rows("teams"), source.rows("sessions")
            )
            name = request.key.removeprefix("workspace/") if request.key else request.workspace
            rows = [row for row in rows if name in (None, row["name"])]
            return sorted(rows, key=lambda row: row["name"]), request.key is not None
        case "shifts":
            return _shifts(source, request), False
        case _:
            return _endpoints(source, request), request.key is not None


def _sessions(source: Source, request: Request) -> tuple[Rows, bool]:
    rows = source.sessions(request.workspace)
    single = False
    if request.key is not None:
        what, name = find_in(source, rows, request)
        single = what == "session"
        rows = [row for row in rows if name in (row["uid"], f"{row['workspace']}/{row['team']}")]
    test = session_test(request, unlisted=request.all or single)
    return [objects.session(row) for row in sorted(filter(test, rows), key=objects.order)], single


def session_test(request: Request, *, unlisted: bool) -> Callable[[Row], bool]:
    """Whether a session's row is what the options select."""
    states = request.state.split(",") if request.state else STATES

    def test(row: Row) -> bool:
        return (
            (unlisted or objects.is_listed(row))
            and request.workspace in (None, row["workspace"])
            and request.team in (None, row["team"])
            and request.role in (None, row["role"])
            and row["state"] in states
            and (not request.waiting or _waits(row))
        )

    return test


def _waits(row: Row) -> bool:
    """Whether an agent needs a person, or time."""
    return row["state"] == "running" and (row.get("activity") in WAITING or bool(row.get("failure")))


def find_in(source: Source, sessions: Rows, request: Request) -> tuple[str, str]:
    """("session", uid) or ("team", "w/t") of a request's key. Raises NotFound and Rejected."""
    teams = [(row["workspace"], row["name"]) for row in source.rows("teams", request.workspace)]
    return find(request.key or "", sessions, teams)


def find(key: str, sessions: Rows, teams: list[tuple[str, str]]) -> tuple[str, str]:
    """("session", uid) or ("team", "w/t") of a key among rows. Raises NotFound and Rejected."""
    from marvel import keys

    return keys.find(key, named(sessions), teams)


def named(sessions: Rows) -> list[Any]:
    """Sessions as keys.py wants to see them."""
    from marvel.keys import Named

    return [
        Named(
            workspace=row["workspace"],
            team=row["team"],
            role=row["role"],
            name=row["name"],
            generation=row["generation"],
            number=row["index"],
            uid=row["uid"],
            created_at=row["created_at"],
            one_off=row.get("one_off", False),
            there=objects.is_listed(row),
        )
        for row in sessions
    ]


def _teams(source: Source, request: Request) -> Rows:
    workspace, name = request.workspace, request.team
    if request.key is not None:
        from marvel.keys import team_key

        workspace, name = team_key(request.key)
    rows = [source.rows(table, workspace) for table in ("teams", "roles", "cohorts", "sessions")]
    teams = [team for team in objects.teams(*rows) if name in (None, team["name"])]
    if request.role is not None:
        for team in teams:
            team["roles"] = [role for role in team["roles"] if role["role"] == request.role]
        teams = [team for team in teams if team["roles"]]
    return sorted(teams, key=lambda team: (team["workspace"], team["name"]))


def _endpoints(source: Source, request: Request) -> Rows:
    name = request.key.removeprefix("endpoint/") if request.key is not None else None
    rows = objects.endpoints(*(source.rows(table, request.workspace) for table in ("endpoints", "sessions")))
    rows = [
        row
        for row in rows
        if name in (None, row["key"])
        and request.team in (None, row["team"])
        and request.role in (None, row["role"])
    ]
    return sorted(rows, key=lambda row: (row["workspace"], row["name"]))


def _shifts(source: Source, request: Request) -> Rows:
    """Shifts in progress; with a key those of one team, or of one role of it."""
    workspace, team, role = request.workspace, request.team, request.role
    if request.key is not None:
        from marvel.keys import team_key

        parts = request.key.removeprefix("shift/").split("/")
        role = parts.pop() if len(parts) == 3 else role
        workspace, team = team_key("/".join(parts))
    rows = [source.rows(table, workspace) for table in ("shifts", "sessions", "teams")]
    return [
        row for row in objects.shifts(*rows) if team in (None, row["team"]) and role in (None, row["role"])
    ]


def _sorted(kind: str, rows: Rows, request: Request, now: float) -> Rows:
    if request.sort_by is None:
        return rows
    return listing.sorted_by(listing.sort_keys(kind)[request.sort_by.lower()], rows, now)


def sorted_objects(kind: str, rows: Rows, request: Request, now: float) -> Rows:
    """A team has as many lines as roles: it stands where the first of them does."""
    if kind != "teams" or request.sort_by is None:
        return _sorted(kind, rows, request, now)
    lines = _sorted(kind, listing.lines(kind, rows), request, now)
    places: dict[str, int] = {}
    for place, line in enumerate(lines):
        places.setdefault(f"{line['workspace']}/{line['team']}", place)
    return sorted(rows, key=lambda team: places.get(team["key"], len(lines)))


def _print_table(kind: str, rows: Rows, request: Request, now: float) -> None:
    lines = _sorted(kind, listing.lines(kind, rows), request, now)
    if not lines:
        say(f"No {kind} found.")
        return
    headers, cells = listing.cells(kind, lines, now, wide=request.output == "wide")
    show(table([] if request.no_headers else headers, cells, coloured=is_coloured()))


def _print_objects(kind: str, rows: Rows, output: str, single: bool) -> None:
    if output == "name":
        show("".join(name_line(kind, row) for row in rows))
        return
    import json

    made = [objects.published(row) for row in rows]
    if output == "jsonl":
        show("".join(json.dumps(row) + "\n" for row in made))
    else:
        show(json.dumps(made[0] if single else made, indent=2) + "\n")


def name_line(kind: str, row: Row) -> str:
    """An object as `-o name` prints it."""
    return f"{kind[:-1]}/{printable(row['key'])}\n"


def show(text: str) -> None:
    """Text to standard output."""
    sys.stdout.write(text)
