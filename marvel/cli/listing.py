"""Rows and columns of the tables that `get` prints: promises, in this order."""

from __future__ import annotations

from itertools import groupby

from marvel.cli.table import ABSENT, joined
from marvel.cli.times import age, until

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Row = dict[str, Any]
    Rows = list[Row]

NOTE_MAX = 80  # characters of words in a NOTE
ATTENTIONS = {  # why a person should look
    "waiting": "waits for you",
    "limited": "rate-limited",
    "stale": "silent",
    "no-beat": "never beat",
    "stuck": "stuck",
    "unprompted": "has no prompt",
    "turn-failed": "its turn failed",
}
FAILURES = {  # why a turn failed
    "limit": "a rate limit",
    "server": "its API failed",
    "login": "it is not logged in",
    "credit": "no credit is left",
    "too-long": "its prompt is too long",
    "request": "its API refused the request",
}


class Column:
    """A header, the field that sorts by it, and how a row shows in it."""

    __slots__ = ("cell", "field", "header", "wide")

    def __init__(
        self, header: str, field: str, cell: Callable[[Row, float], str] | None = None, *, wide: bool = False
    ) -> None:
        self.header = header
        self.field = field
        self.cell = cell or (lambda row, now: text(row[field]))
        self.wide = wide  # only with -o wide


def text(value: Any) -> str:
    """A value in a cell; what is absent is a dash."""
    return ABSENT if value is None or value == "" else str(value)


def percent(value: float | None) -> str:
    """Context in use, in whole percent."""
    return ABSENT if value is None else f"{value:.0f}"


def desk(pane: str | None) -> str:
    """The number of a pane."""
    return text(pane and pane.removeprefix("%"))


def agent(row: Row) -> str:
    """What runs: the adapter, else the command's base name."""
    return text(row["image"] or (row["command"] or "").rpartition("/")[2] or row["command"])


def session_note(row: Row, now: float) -> str:
    """Why a session is as it is, and until when."""
    parts: list[str | None] = [reason(row)]
    if row["state"] == "running":
        parts = [row["health_reason"] if row["health"] != "healthy" else None, row["reason"]]
        parts.append(f"{row['misses']} missed" if row["misses"] and row["health"] != "unhealthy" else None)
        parts.append(ATTENTIONS.get(row["attention"] or ""))
        parts.append("retiring" if row["retiring"] else None)
        if row["activity"] in ("waiting", "limited"):
            parts.append(row["activity_detail"])
        if row["failure"]:
            parts.append(FAILURES[row["failure"]])
        if row["continues_at"] is not None:
            left = row["continues_at"] - now
            parts.append(f"told to go on in {age(left)}" if left > 0 else "told to go on now")
        if row["activity"] == "limited" and row["limited_until_at"] is not None:
            parts.append(until(row["limited_until_at"], now))
    if row["state"] == "crashloop-backoff" and row["restart_at"] is not None:
        parts.append(until(row["restart_at"], now))
    if row["state"] == "stopping" and row["stop"]:
        parts.append(until(row["stop"]["deadline"], now))
    return text(", ".join(part for part in parts if part))


def reason(row: Row) -> str:
    """Reason, how it ended and what there is to say about it, in a few words."""
    parts = [row["reason"]]
    if row["signal"]:
        parts.append(f"SIG{row['signal']}")
    elif row["exit_status"]:
        parts.append(f"exit {row['exit_status']}")
    words = ", ".join(part for part in parts if part)
    if row["detail"]:
        words = f"{words}: {row['detail']}" if words else row["detail"]
    return words if len(words) <= NOTE_MAX else words[: NOTE_MAX - 1] + "…"


def role_note(row: Row, now: float) -> str:
    """What about a role is not as its manifest says."""
    parts = []
    if row["replicas"] != row["declared_replicas"]:
        parts.append(f"scaled, manifest says {row['declared_replicas']}")
    if row["undone"]:
        parts.append("undone, manifest says otherwise")
    if row["changed"]:
        parts.append(_changed_note(row))
    parts += [f"{count} {state}" for state, count in row["states"].items() if state != "running"]
    return text(", ".join(parts))


def _changed_note(row: Row) -> str:
    if row["aborted"]:
        return "changed, its shift was aborted: marvel shift tries again"
    return "changed, waits for marvel shift" if row["on_change"] == "manual" else "changed, being replaced"


def shift_note(row: Row, now: float) -> str:
    """What a shift waits for."""
    if row["waits_for"]:
        return f"waits for {row['waits_for']}"
    parts = [row["abort_reason"] and f"aborted: {row['abort_reason']}"]
    if row["stuck"]:
        parts.append("neither generation gets ready: what is ready is kept")
    elif row["deadline"] is not None and row["phase"] != "paused":
        parts.append(f"to be ready {until(row['deadline'], now)}")
    return text(", ".join(part for part in parts if part))


NOTES = {"session": session_note, "role": role_note, "shift": shift_note}


def _age(row: Row, now: float) -> str:
    return age(now - row["created_at"])


COLUMNS = {
    "sessions": (
        Column("WORKSPACE", "workspace"),
        Column("TEAM", "team"),
        Column("ROLE", "role"),
        Column("GEN", "generation"),
        Column("NAME", "name"),
        Column("STATE", "state"),
        Column("HEALTH", "health"),
        Column("CTX%", "context_percent", lambda row, now: percent(row["context_percent"])),
        Column("DESK", "desk", lambda row, now: desk(row["pane"])),
        Column("AGENT", "agent", lambda row, now: agent(row)),
        Column("ACTIVITY", "activity", wide=True),
        Column("RESTARTS", "restarts", wide=True),
        Column("AGE", "age", _age, wide=True),
        Column("NOTE", "note", session_note, wide=True),
    ),
    "teams": (
        Column("WORKSPACE", "workspace"),
        Column("TEAM", "team"),
        Column("ROLE", "role"),
        Column("REPLICAS", "replicas"),
        Column("READY", "ready"),
        Column("GEN", "generation"),
        Column("RUNTIME", "agent", lambda row, now: agent(row)),
        Column("NOTE", "note", role_note, wide=True),
    ),
    "shifts": (
        Column("WORKSPACE", "workspace"),
        Column("TEAM", "team"),
        Column("ROLE", "role"),
        Column("FROM", "from_generation"),
        Column("TO", "to_generation"),
        Column("PHASE", "phase"),
        Column("READY", "ready", lambda row, now: f"{row['ready']}/{row['replicas']}"),
        Column("OLD", "old"),
        Column("AGE", "age", _age),
        Column("NOTE", "note", shift_note),
    ),
    "workspaces": (
        Column("NAME", "name"),
        Column("TEAMS", "teams"),
        Column("SESSIONS", "sessions"),
        Column("AGE", "age", _age),
    ),
    "endpoints": (
        Column("WORKSPACE", "workspace"),
        Column("NAME", "name"),
        Column("TEAM", "team"),
        Column("ROLE", "role"),
        Column("READY", "ready"),
        Column("SESSIONS", "sessions", lambda row, now: joined(row["sessions"])),
    ),
}
SESSION_FIELDS = (
    *("key", "uid", "generation", "index", "reason", "ready", "context_percent", "pane"),
    *("created_at", "started_at", "ended_at", "restart_at", "last_heartbeat_at"),
)
SORT_MORE = {
    "sessions": {"ctx": "context_percent", **{name: name for name in SESSION_FIELDS}},
    "teams": {"generation": "generation", "created_at": "created_at", "key": "key"},
    "workspaces": {"created_at": "created_at", "key": "name"},
    "endpoints": {"created_at": "created_at", "key": "key"},
    "shifts": {"created_at": "created_at", "key": "key"},
}


def lines(kind: str, objects: Rows) -> Rows:
    """What the rows of a table are made of: a team has one per role, all else one."""
    if kind != "teams":
        return objects
    made = []
    for team in objects:
        made += [{"workspace": team["workspace"], "team": team["name"], **role} for role in team["roles"]]
    return sorted(made, key=lambda row: (row["workspace"], row["team"], row["role"]))


def cells(kind: str, rows: Rows, now: float, *, wide: bool) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of text."""
    columns = [column for column in COLUMNS[kind] if wide or not column.wide]
    return [c.header for c in columns], [[c.cell(row, now) for c in columns] for row in rows]


def sort_keys(kind: str) -> dict[str, str]:
    """Words that --sort-by understands, and the field each means: columns, and fields of the JSON."""
    return {column.header.lower(): column.field for column in COLUMNS[kind]} | SORT_MORE.get(kind, {})


def sorted_by(field: str, rows: Rows, now: float, *, reverse: bool = False) -> Rows:
    """Rows by a field, numbers as numbers; those that have none of it last, either way round."""
    keyed = [(_sort_value(field, row, now), row) for row in rows]
    there = [pair for pair in keyed if pair[0] is not None]
    there.sort(key=lambda pair: pair[0], reverse=reverse)
    return [row for _, row in there] + [row for value, row in keyed if value is None]


def _sort_value(field: str, row: Row, now: float) -> Any:
    """What a row is sorted by; None when it has none of it."""
    match field:
        case "age":
            value = -row["created_at"]  # youngest first
        case "desk" | "pane":
            value = int(row["pane"].removeprefix("%")) if row["pane"] else None
        case "agent":
            value = agent(row)
        case "note":
            value = NOTES["shift" if "phase" in row else "session" if "state" in row else "role"](row, now)
            value = None if value == ABSENT else value
        case _:
            value = row[field]
    return _natural(value) if isinstance(value, str) else value


def _natural(text: str) -> list[tuple[bool, Any]]:
    """Text to sort by, the numbers in it as numbers: a-2 stands before a-10."""
    parts = ["".join(part) for _, part in groupby(text, str.isdecimal)]
    return [(part.isdecimal(), int(part) if part.isdecimal() else part) for part in parts]
