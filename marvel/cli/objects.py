"""What a program gets to see: one object per resource, made of projection rows. Pure.

Keys are in a stable order; what is absent is None; times are seconds until `published` makes them
RFC 3339. Fields are only ever added.
"""

from __future__ import annotations

from marvel.cli.times import is_time, rfc3339

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]
    Rows = list[Row]

ALIVE = ("pending", "running", "stopping")  # as marvel.resources.ALIVE; a test holds them together
MASK = "***"


def session(row: Row) -> Row:
    """A session, with the newest that its lease knows."""
    get = row.get
    return {
        "key": session_key(row),
        "uid": row["uid"],
        "workspace": row["workspace"],
        "team": row["team"],
        "role": row["role"],
        "generation": None if get("one_off") else row["generation"],
        "index": row["index"],
        "name": row["name"],
        "state": row["state"],
        "reason": get("reason"),
        "health": get("health", "unknown"),
        "activity": get("activity"),
        "context_percent": get("context_percent"),
        "pane": get("pane"),
        "pid": get("pid"),
        "exit_status": get("exit_status"),
        "signal": get("signal"),
        "restarts": get("restarts", 0),
        "restart_at": get("restart_at"),
        "ready": get("ready", False),
        "predecessor": get("predecessor"),
        "agent_session_id": get("agent_session_id"),
        "created_at": row["created_at"],
        "started_at": get("started_at"),
        "ended_at": get("ended_at"),
        "last_heartbeat_at": get("last_heartbeat_at"),
        "image": row["image"] or None,
        "command": row["command"] or None,
        "detail": get("detail"),
        "resumes": get("resumes"),
        "model": get("model"),
        "cost_usd": get("cost_usd"),
        "activity_detail": get("activity_detail"),
        "limited_until_at": get("limited_until"),
        "failure": get("failure"),
        "continues_at": _continues_at(row),
        "health_reason": get("health_reason"),
        "health_since": get("health_since"),
        "misses": get("misses", 0),
        "heartbeats": get("heartbeats", 0),
        "attention": get("attention"),
        "attention_at": get("attention_at"),
        "activity_since": get("activity_since"),
        "ready_since": get("ready_since"),
        "one_off": get("one_off", False),
        "current": get("current", True),
        "held": get("held", False),
        "retiring": bool(get("retirement")),
        "streak": get("streak", 0),
        "replaces": get("replaces"),
        "server": get("server"),
        "stop": _stop(get("stop")),
        "background_tasks": get("background_tasks", 0),
    }


def _continues_at(row: Row) -> float | None:
    """When an agent whose turn was cut off is to be told to go on."""
    if not (get := row.get)("failure") and get("activity") != "limited":
        return None
    import msgspec  # nothing that lists other agents needs it

    from marvel.controllers.continuing import continues_at
    from marvel.resources import Session

    return continues_at(msgspec.convert(row, Session))


def session_key(row: Row) -> str:
    """The name of a session in its workspace; those of one slot share it."""
    return f"{row['workspace']}/{row['name']}"


def teams(rows: Rows, roles: Rows, cohorts: Rows, sessions: Rows) -> Rows:
    """Teams with their roles in manifest order."""
    by_role: dict[tuple[str, str, str], Rows] = {}
    for row in sessions:
        if not row.get("one_off"):
            by_role.setdefault((row["workspace"], row["team"], row["role"]), []).append(row)
    newest: dict[tuple[str, str, str], Row] = {}
    aborted: dict[tuple[str, str, str], Row] = {}
    for row in cohorts:
        name = (row["workspace"], row["team"], row["role"])
        kept = aborted if row.get("aborted") else newest
        if name not in kept or kept[name]["generation"] < row["generation"]:
            kept[name] = row
    found = {(row["workspace"], row["team"], row["name"]): row for row in roles}
    made = []
    for row in rows:
        names = [(row["workspace"], row["name"], role) for role in row.get("roles", ())]
        ours = [
            _role(found[n], newest.get(n), aborted.get(n), by_role.get(n, [])) for n in names if n in found
        ]
        team = {
            "key": f"{row['workspace']}/{row['name']}",
            "uid": row["uid"],
            "workspace": row["workspace"],
            "name": row["name"],
            "created_at": row["created_at"],
            "replicas": sum(role["replicas"] for role in ours),
            "ready": sum(role["ready"] for role in ours),
            "roles": ours,
        }
        made.append(team)
    return made


def workspaces(rows: Rows, teams: Rows, sessions: Rows) -> Rows:
    """Workspaces with what lives in them."""
    return [
        {
            "key": row["name"],
            "uid": row["uid"],
            "name": row["name"],
            "created_at": row["created_at"],
            "teams": sum(1 for team in teams if team["workspace"] == row["name"]),
            "sessions": sum(1 for s in sessions if s["workspace"] == row["name"] and s["state"] in ALIVE),
        }
        for row in rows
    ]


def endpoints(rows: Rows, sessions: Rows) -> Rows:
    """Endpoints with the ready sessions behind them."""
    made = []
    for row in rows:
        behind = sorted((s for s in sessions if is_ready(s) and _is_behind(s, row)), key=order)
        endpoint = {
            "key": f"{row['workspace']}/{row['name']}",
            "uid": row["uid"],
            "workspace": row["workspace"],
            "name": row["name"],
            "team": row["team"],
            "role": row.get("role"),
            "ready": len(behind),
            "sessions": [s["name"] for s in behind],
            "created_at": row["created_at"],
        }
        made.append(endpoint)
    return made


def shifts(rows: Rows, sessions: Rows, teams: Rows) -> Rows:
    """Shifts in progress, in the order in which a team's roles take their turns."""
    order = {(t["workspace"], t["name"]): turn_order(t.get("roles", ())) for t in teams}
    rows = sorted(rows, key=lambda row: _turn(row, order))
    made = []
    for row in rows:
        started = row.get("started_at") is not None
        running = [other["role"] for other in rows if _same_team(other, row) and other is not row]
        made.append(_shift(row, sessions, None if started else ", ".join(running[:1]) or "the daemon"))
    return made


def turn_order(roles: Any) -> list[str]:
    """Roles in the order in which they shift: marvel/rules.py, for rows."""
    return sorted(roles, key=lambda name: name == "supervisor")


def wanted_template(row: Row) -> Row:
    """What new sessions of a role are to be made of: its manifest's template, or what an undo chose."""
    chosen = row.get("chosen")
    template: Row = row["spec"].get("template", {}) if chosen is None else chosen
    return template


def is_ready(row: Row) -> bool:
    """Whether a session may be given work."""
    return bool(row.get("ready")) and row["state"] == "running"


def is_listed(row: Row) -> bool:
    """Whether a session is in a plain listing: it holds its slot, or still lives."""
    return bool(row.get("current", True)) or row["state"] in ALIVE


def order(row: Row) -> tuple[str, str, str, int, int, float]:
    """Workspace, team, role, generation, index; numbers as numbers, then by age."""
    return (
        row["workspace"],
        row["team"],
        row["role"],
        row["generation"] or 0,
        row["index"],
        row["created_at"],
    )


def published(value: Any, name: str = "") -> Any:
    """A copy for other eyes: times in RFC 3339, values of `env` masked."""
    if isinstance(value, dict):
        if name == "env":
            return dict.fromkeys(value, MASK)
        return {key: published(inner, key) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [published(inner) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and is_time(name):
        return rfc3339(value)
    return value


def _same_team(one: Row, other: Row) -> bool:
    return (one["workspace"], one["team"]) == (other["workspace"], other["team"])


def _turn(row: Row, order: dict[tuple[str, str], list[str]]) -> tuple[str, str, bool, int]:
    names = order.get((row["workspace"], row["team"]), [])
    place = names.index(row["role"]) if row["role"] in names else len(names)
    return row["workspace"], row["team"], row.get("started_at") is None, place


def _shift(row: Row, sessions: Rows, waits_for: str | None) -> Row:
    get, place = row.get, (row["workspace"], row["team"], row["role"])
    aborted, paused = get("aborted_at") is not None, get("paused_at") is not None
    to = get("to_generation") or None
    target = get("from_generation") if aborted else to
    ours = [s for s in sessions if (s["workspace"], s["team"], s["role"]) == place and not s.get("one_off")]
    return {
        "key": "/".join(place),
        "workspace": place[0],
        "team": place[1],
        "role": place[2],
        "from_generation": get("from_generation") or None,
        "to_generation": to,
        "phase": "paused" if paused else "aborting" if aborted else get("phase", "launching"),
        "ready": sum(1 for s in ours if s["generation"] == target and is_ready(s)) if to else 0,
        "replicas": max(0, get("replicas", 0)),
        "old": sum(1 for s in ours if s["generation"] != target and is_listed(s)) if to else 0,
        "reason": row["reason"],
        "abort_reason": get("abort_reason"),
        "stuck": get("stuck", False),
        "waits_for": waits_for,
        "cause": row["cause"],
        "deadline": get("deadline"),
        "created_at": row["requested_at"],
        "started_at": get("started_at"),
        "paused_at": get("paused_at"),
        "aborted_at": get("aborted_at"),
    }


def _stop(order: Row | None) -> Row | None:
    if order is None:
        return None
    return {
        "reason": order["reason"],
        "at": order["at"],
        "deadline": order["deadline"],
        "signal": order.get("signal", "TERM"),
        "keys": order.get("keys", []),
    }


def _role(row: Row, cohort: Row | None, aborted: Row | None, sessions: Rows) -> Row:
    spec = row["spec"]
    template = wanted_template(row)
    runtime = template.get("runtime", {})
    states: dict[str, int] = {}
    for s in sessions:
        if is_listed(s):
            states[s["state"]] = states.get(s["state"], 0) + 1
    return {
        "key": f"{row['workspace']}/{row['team']}/{row['name']}",
        "uid": row["uid"],
        "role": row["name"],
        "replicas": row["replicas"],
        "declared_replicas": spec.get("replicas", 1),
        "ready": sum(1 for s in sessions if is_ready(s)),
        "generation": cohort["generation"] if cohort else None,
        "image": runtime.get("image"),
        "command": runtime.get("command"),
        "changed": cohort is not None and cohort["template"] != template,
        "undone": row.get("chosen") is not None,
        "aborted": aborted is not None and aborted["template"] == template,
        "on_change": spec.get("shift", {}).get("on_change", "shift"),
        "states": dict(sorted(states.items())),
        "created_at": row["created_at"],
    }


def _is_behind(row: Row, endpoint: Row) -> bool:
    if row.get("one_off") or (row["workspace"], row["team"]) != (endpoint["workspace"], endpoint["team"]):
        return False
    return not endpoint.get("role") or row["role"] == endpoint["role"]
