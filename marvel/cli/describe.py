"""`marvel describe`: all there is to say about one resource. Gathers; marvel/cli/pages.py words it."""

import json
import time
from itertools import islice
from typing import Any

import msgspec

from marvel import settings
from marvel.cli import archived, objects
from marvel.cli.dialogs import dialog_of
from marvel.cli.get import find, named, show, warn_without_daemon
from marvel.cli.history import public
from marvel.cli.last_screen import last_lines
from marvel.cli.past import Past, look_back
from marvel.cli.request import NAMES, kind_of
from marvel.errors import NotFound, UsageError
from marvel.keys import find_session, team_key
from marvel.resources import RoleSpec, Template
from marvel.settings import Paths
from marvel.store.query import Reader

Row = dict[str, Any]
Source = Reader | Past

RECENT_EVENTS = 10
EARLIER = 10  # incarnations of a session
TAIL_LINES = 15
OUTPUTS = ("text", "json")
ENDINGS = "('session.ended', 'session.start-failed')"


def describe(word: str, key: str | None, output: str, at: str | None = None) -> int:
    """Print one resource. `word` is a kind, or (without a key) the key itself. Raises MarvelError."""
    output = output.removeprefix("=")
    if output not in OUTPUTS:
        raise UsageError(f"there is no output {output!r}", hint=f"-o {' | '.join(OUTPUTS)}")
    paths = settings.paths()
    if key is None and word in NAMES:
        raise UsageError(f"describe {word} needs a KEY", hint="marvel describe --help")
    now = time.time()
    with Reader(paths) as reader:
        source: Source = reader
        if at is not None:
            source = past = look_back(reader, at, now)
            now = past.time
        asked = (None, word) if key is None else (kind_of(word), key)
        kind, view = _view(paths, source, *asked)
        if at is None and len(view["events"]) < RECENT_EVENTS:
            archived.note(reader)
    if at is None:
        warn_without_daemon(paths)
        if kind == "sessions":
            view["dialog"] = dialog_of(view)
    if output == "json":
        shown = objects.published({**view, "events": [public(event) for event in view["events"]]})
        show(json.dumps(shown, indent=2) + "\n")
    else:
        from marvel.cli.pages import page

        show(page(kind, view, now))
    return 0


def _view(paths: Paths, reader: Source, kind: str | None, key: str) -> tuple[str, Row]:
    if kind is None:
        teams = [(row["workspace"], row["name"]) for row in reader.rows("teams")]
        what, key = find(key, reader.sessions(), teams)
        kind = f"{what}s"
    match kind:
        case "sessions":
            return kind, session_view(paths, reader, key)
        case "teams":
            return kind, team_view(reader, key)
        case "workspaces":
            return kind, workspace_view(reader, key)
        case _:
            return kind, endpoint_view(reader, key)


def session_view(paths: Paths, reader: Source, key: str) -> Row:
    """A session, what it was made of, what came before it in its slot and how that ended."""
    rows = reader.sessions()
    uid = find_session(key, named(rows))
    row = next((row for row in rows if row["uid"] == uid), None)
    if row is None:
        raise NotFound(f"no such session: {key}", hint="marvel get sessions lists what there is")
    stream = f"session/{row['workspace']}/{row['name']}"
    before = f" AND position < {row['started']:d}" if row.get("started") else ""
    ended = reader.events(f"stream = ? AND uid <> ? AND kind IN {ENDINGS}{before}", stream, row["uid"])
    template, spec = _made_of(reader, row)
    check = (spec or {}).get("healthcheck")
    return {
        **objects.session(row),
        "heartbeat": row.get("heartbeat", "none"),
        "healthcheck": check,
        "template": template,
        "predecessor_name": _name_of(reader, row.get("predecessor")),
        "signaled_at": row.get("signaled_at"),
        "dialog": "",
        "earlier": [_ending(event) for event in islice(ended, EARLIER if _had_others(row) else 0)],
        "tail": last_lines(paths, row, TAIL_LINES),
        "events": _recent(reader, "stream = ?", stream),
    }


def team_view(reader: Source, key: str) -> Row:
    """A team, its roles as declared, its sessions and endpoints."""
    workspace, name = team_key(key)
    rows = [reader.rows(table, workspace) for table in ("teams", "roles", "cohorts", "sessions")]
    team = next((team for team in objects.teams(*rows) if team["name"] == name), None)
    if team is None:
        raise NotFound(f"no such team: {workspace}/{name}", hint="marvel get teams lists what there is")
    specs = {row["name"]: row["spec"] for row in rows[1] if row["team"] == name}
    for role in team["roles"]:
        role["spec"] = full(msgspec.convert(specs[role["role"]], RoleSpec))
    endpoints = objects.endpoints(reader.rows("endpoints", workspace), rows[3])
    listed = [row for row in reader.sessions(workspace) if row["team"] == name and objects.is_listed(row)]
    return {
        **team,
        "endpoints": [row for row in endpoints if row["team"] == name],
        "sessions": [objects.session(row) for row in sorted(listed, key=objects.order)],
        "events": _recent(reader, "workspace = ? AND team = ?", workspace, name),
    }


def workspace_view(reader: Source, key: str) -> Row:
    """A workspace and what lives in it."""
    name = key.removeprefix("workspace/")
    rows = reader.rows("workspaces", name)
    teams, sessions = reader.rows("teams", name), reader.sessions(name)
    found = objects.workspaces(rows, teams, sessions)
    if not found:
        raise NotFound(f"no such workspace: {name}", hint="marvel get workspaces lists what there is")
    made = objects.teams(teams, reader.rows("roles", name), reader.rows("cohorts", name), sessions)
    return {
        **found[0],
        "team_list": made,
        "endpoint_list": objects.endpoints(reader.rows("endpoints", name), sessions),
        "one_offs": [
            objects.session(row)
            for row in sorted(sessions, key=objects.order)
            if row.get("one_off") and objects.is_listed(row)
        ],
        "events": _recent(reader, "workspace = ?", name),
    }


def endpoint_view(reader: Source, key: str) -> Row:
    """An endpoint and the sessions behind it."""
    key = key.removeprefix("endpoint/")
    workspace, _, name = key.partition("/")
    found = objects.endpoints(reader.rows("endpoints", workspace), reader.rows("sessions", workspace))
    endpoint = next((row for row in found if row["name"] == name), None)
    if endpoint is None:
        raise NotFound(f"no such endpoint: {key}", hint="marvel get endpoints lists what there is")
    where = "stream = ? AND kind GLOB 'endpoint.*' AND json_extract(payload, '$.name') = ?"
    return {**endpoint, "events": _recent(reader, where, f"workspace/{workspace}", name)}


def full(spec: Any) -> Any:
    """A spec as plain values, its defaults included: what holds, not only what was said."""
    if isinstance(spec, msgspec.Struct):
        return {field: full(getattr(spec, field)) for field in spec.__struct_fields__}
    return list(spec) if isinstance(spec, tuple) else spec


def _made_of(reader: Source, row: Row) -> tuple[Row | None, Row | None]:
    """The template of a session's cohort (or its own), and its role's spec while it is declared."""
    workspace = row["workspace"]
    if row.get("one_off"):
        return full(msgspec.convert(row.get("template") or {}, Template)), None
    place = (row["team"], row["role"])
    cohorts = [c for c in reader.rows("cohorts", workspace) if (c["team"], c["role"]) == place]
    templates = [c["template"] for c in cohorts if c["generation"] == row["generation"]]
    specs = [r["spec"] for r in reader.rows("roles", workspace) if (r["team"], r["name"]) == place]
    template = full(msgspec.convert(templates[0], Template)) if templates else None
    return template, full(msgspec.convert(specs[0], RoleSpec)) if specs else None


def _name_of(reader: Source, uid: str | None) -> str | None:
    """The name of a session that may have left the tables long ago."""
    if not uid:
        return None
    row = next((row for row in reader.rows("sessions") if row["uid"] == uid), None)
    if row is not None:
        return str(row["name"])
    event = next(reader.events("uid = ?", uid), None)
    return event["session"] if event else None


def _had_others(row: Row) -> bool:
    """Whether there were sessions of this name before: a look for them reads all events of the name."""
    return bool(row.get("replaces") or row.get("one_off"))


def _ending(event: Row) -> Row:
    payload = event["payload"]
    return {
        "uid": event["uid"],
        "ended_at": event["time"],
        "state": payload.get("state", "failed"),
        "reason": payload.get("reason"),
        "detail": payload.get("detail"),
        "exit_status": payload.get("exit_status"),
        "signal": payload.get("signal"),
    }


def _recent(reader: Source, where: str, *values: object) -> list[Row]:
    return list(islice(reader.events(where, *values), RECENT_EVENTS))[::-1]
