"""Descriptions in words: what `marvel describe` found, laid out for people. Pure."""

from collections.abc import Iterable
from typing import Any

from marvel.cli import listing
from marvel.cli.history import lines
from marvel.cli.objects import MASK
from marvel.cli.summaries import ending
from marvel.cli.table import table, width
from marvel.cli.times import age, local, until
from marvel.text import printable

Row = dict[str, Any]

INDENT = "  "
SHOWN_TEXT = 200  # characters of one value


def page(kind: str, view: Row, now: float) -> str:
    """The whole description, as of `now`."""
    match kind:
        case "sessions":
            parts = _session(view, now)
        case "teams":
            parts = _team(view, now)
        case "workspaces":
            parts = _workspace(view, now)
        case _:
            parts = _endpoint(view, now)
    events = lines(view["events"]) or "none\n"
    return "\n".join([*(part for part in parts if part), _section("Recent events", events)])


def _session(view: Row, now: float) -> list[str]:
    head = {
        "Session": view["key"],
        "UID": view["uid"],
        "Team": f"{view['workspace']}/{view['team']}",
        "Role": view["role"],
        "Generation": "one-off" if view["one_off"] else f"{view['generation']} (index {view['index']})",
        "Agent": listing.agent(view),
        "State": view["state"],
        "Reason": listing.reason({**view, "detail": None}) or None,
        "Detail": view["detail"],
        "Waits": view["restart_at"] and until(view["restart_at"], now),
        "Activity": " ".join(
            filter(None, (view["activity"], view["activity_detail"], _ago(view["activity_since"], now)))
        ),
        "Context": None if view["context_percent"] is None else f"{view['context_percent']:.1f} %",
        "Last heartbeat": _moment(view["last_heartbeat_at"], now),
        "Heartbeats": view["heartbeats"] or None,
        "Pane": _pane(view),
        "Process": view["pid"],
        "Agent session": view["agent_session_id"],
        "Model": view["model"],
        "Cost": None if view["cost_usd"] is None else f"{view['cost_usd']:.2f} USD",
        "Created": _moment(view["created_at"], now),
        "Started": _moment(view["started_at"], now),
        "Ended": _moment(view["ended_at"], now),
        "Predecessor": " ".join(filter(None, (view["predecessor_name"], view["predecessor"]))),
        "Shown": None if view["current"] else "only with --all: another session holds its slot, or none",
    }
    return [
        _fields(head),
        _section("Conditions", table([], _conditions(view, now))),
        _stop_order(view, now),
        _section("Made of", _tree(view["template"] or {})),
        _section(f"Restarts ({view['restarts']})", _earlier(view, now)),
        _section("Last lines of what ended", "".join(printable(text) + "\n" for text in view["tail"])),
    ]


def _conditions(view: Row, now: float) -> list[list[str]]:
    rows = [
        ["ready", "yes" if view["ready"] else "no", _ago(view["ready_since"], now)],
        ["healthy", view["health"], _ago(view["health_since"], now), view["health_reason"] or ""],
    ]
    if view["misses"]:
        rows.append(["misses", str(view["misses"]), "", "in a row"])
    if view["attention"]:
        why = listing.ATTENTIONS.get(view["attention"], "")
        rows.append(["attention", view["attention"], _ago(view["attention_at"], now), why])
    if view["dialog"]:
        rows.append(["dialog", view["dialog"], "", f"answer it: marvel attach {view['key']}"])
    if view["held"]:
        rows.append(["held", "yes", "", "not to be started yet"])
    if view["retiring"]:
        rows.append(["retiring", "yes", "", "is drained and replaced"])
    check = view["healthcheck"]
    if check:
        rows.append(["check", _check(check), "", _beats(view) if check["type"] == "heartbeat" else ""])
    if check and check["type"] == "heartbeat" and view["heartbeat"] == "none":
        rows.append(["heartbeat", "none", "", "this agent can't beat: judged by its process alone"])
    size = max(map(len, rows))
    return [row + [""] * (size - len(row)) for row in rows]


def _check(check: Row) -> str:
    words = f"{check['type']}, {check['failure_threshold']} misses of {check['timeout']:g} s each"
    if check["type"] == "exec":
        words = f"exec {' '.join(check['command'])} every {check['interval']:g} s, "
        words += f"{check['timeout']:g} s each, {check['failure_threshold']} failures"
    if check["type"] == "process-alive":
        words = check["type"]
    started = check["startup_timeout"]
    return words if started is None else f"{words}, first within {started:g} s"


def _beats(view: Row) -> str:
    return {"from-start": "counts from its start", "once-seen": "counts from its first beat"}.get(
        view["heartbeat"], ""
    )


def _stop_order(view: Row, now: float) -> str:
    order = view["stop"]
    if order is None:
        return ""
    fields = {
        "reason": order["reason"],
        "ordered": _moment(order["at"], now),
        "keys": " ".join(order["keys"]),
        "signal": order["signal"],
        "KILL follows": until(order["deadline"], now) if view["state"] == "stopping" else None,
    }
    return _section("Stop order", _fields(fields))


def _earlier(view: Row, now: float) -> str:
    rows = []
    for row in view["earlier"]:
        why = ", ".join(part for part in (ending(row), row["reason"]) if part)
        why = f"{why}: {row['detail']}" if row["detail"] else why
        rows.append([local(row["ended_at"]), f"{age(now - row['ended_at'])} ago", row["state"], why])
    return table([], rows) if rows else ""


def _team(view: Row, now: float) -> list[str]:
    head = {
        "Team": view["key"],
        "UID": view["uid"],
        "Created": _moment(view["created_at"], now),
        "Ready": f"{view['ready']} of {view['replicas']} sessions",
    }
    roles = _table("teams", [view], now)
    specs = [
        _section(f"Role {role['role']}", _tree({**role["spec"], "name": None})) for role in view["roles"]
    ]
    return [
        _fields(head),
        _section("Roles", roles),
        *specs,
        _section("Sessions", _table("sessions", view["sessions"], now)),
        _section("Endpoints", _table("endpoints", view["endpoints"], now)),
    ]


def _workspace(view: Row, now: float) -> list[str]:
    head = {
        "Workspace": view["key"],
        "UID": view["uid"],
        "Created": _moment(view["created_at"], now),
        "Sessions": f"{view['sessions']} alive",
    }
    return [
        _fields(head),
        _section("Teams", _table("teams", view["team_list"], now)),
        _section("Endpoints", _table("endpoints", view["endpoint_list"], now)),
        _section("One-off sessions", _table("sessions", view["one_offs"], now)),
    ]


def _endpoint(view: Row, now: float) -> list[str]:
    head = {
        "Endpoint": view["key"],
        "UID": view["uid"],
        "Created": _moment(view["created_at"], now),
        "Stands for": f"{view['workspace']}/{view['team']}, {view['role'] or 'every role'}",
        "Ready": view["ready"],
    }
    return [_fields(head), _section("Sessions", "".join(f"{name}\n" for name in view["sessions"]))]


def _table(kind: str, found: list[Row], now: float) -> str:
    rows = listing.lines(kind, found)
    return table(*listing.cells(kind, rows, now, wide=True)) if rows else ""


def _section(title: str, body: str) -> str:
    """A titled, indented part; nothing when it is empty."""
    if not body:
        return ""
    return f"{title}:\n" + "".join(f"{INDENT}{text}\n" for text in body.splitlines())


def _fields(fields: Row) -> str:
    """`Name:   value` lines of what there is."""
    known = {f"{name}:": printable(str(value)) for name, value in fields.items() if value not in (None, "")}
    size = max(map(width, known), default=0)
    return "".join(f"{name:<{size}}  {value}\n" for name, value in known.items())


def _tree(values: Row) -> str:
    """Nested values, indented; what is empty is left out, values of env are masked."""
    return "".join(f"{text}\n" for text in _branches(values, ""))


def _branches(values: Row, indent: str) -> Iterable[str]:
    for name, value in values.items():
        if value in (None, "", [], {}):
            continue
        if name == "env":
            yield f"{indent}env:  {' '.join(f'{printable(key)}={MASK}' for key in value)}"
        elif isinstance(value, dict):
            yield f"{indent}{name}:"
            yield from _branches(value, indent + INDENT)
        else:
            yield f"{indent}{name}:  {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = printable(repr(value) if isinstance(value, list) else str(value))
    return text if len(text) <= SHOWN_TEXT else text[: SHOWN_TEXT - 1] + "…"


def _pane(view: Row) -> str | None:
    if not view["pane"]:
        return None
    return f"{listing.desk(view['pane'])} of tmux server {view['server']}"


def _moment(at: float | None, now: float) -> str | None:
    return None if at is None else f"{local(at)} ({age(now - at)} ago)"


def _ago(at: float | None, now: float) -> str:
    return "" if at is None else f"for {age(now - at)}"
