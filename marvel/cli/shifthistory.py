"""The past shifts of a team as the log has them: how each began and ended, and whose template it went to."""

from itertools import islice
from typing import Any

from marvel.resources import TeamKey
from marvel.store.query import STREAMS_OF_TEAM, Reader, streams_of

Row = dict[str, Any]

MOST = 100  # newest shifts
EVENTS_PER_SHIFT = 20  # looked at, at most, on average
OUTCOMES = {
    "shift.completed": "completed",
    "shift.rolled-back": "rolled back",
    "shift.superseded": "superseded",
}
CUTS = {  # events of an owner that end what was in progress
    "role.removed": "cut off: role removed",
    "team.deleted": "cut off: team deleted",
    "workspace.deleted": "cut off: workspace deleted",
}
WHY = {"requested": "asked for", "template": "template changed", "undo": "undo"}


def past(reader: Reader, team: TeamKey, role: str | None = None) -> list[Row]:
    """Return a team's newest shifts, or those of one role, oldest first."""
    kinds = ", ".join(f"'{kind}'" for kind in ("cohort.created", *CUTS))
    where = f"({STREAMS_OF_TEAM} OR stream = ?) AND (kind GLOB 'shift.*' OR kind IN ({kinds}))"
    streams = (*streams_of(*team), f"workspace/{team.workspace}")
    newest = list(islice(reader.events(where, *streams), MOST * EVENTS_PER_SHIFT))
    found = _Past()
    for event in reversed(newest):
        if event["role"] is None or role in (None, event["role"]):
            found.add(event)
    return [_told(reader, row) for row in found.rows][-MOST:]


def event_at(reader: Reader, position: int | None) -> Row | None:
    """Return the event at a position; None when it is archived, or there is no position."""
    return next(reader.events("position = ?", position), None) if position else None


class _Past:
    """Shifts, made of a team's events in their order."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._made: dict[tuple[str, int], Row] = {}
        self._cut: list[Row] = []  # by the removal of their roles, most recently
        self._templates: dict[tuple[str, int], Any] = {}

    def add(self, event: Row) -> None:
        """Take in the next event."""
        kind, key = event["kind"], (event["role"], event["generation"])
        if kind in CUTS:
            self._end(event)
        elif kind == "cohort.created":
            self._templates[key] = event["payload"]["template"]
        elif event["generation"] is not None:
            self._note(self._row(key, event), event)

    def _row(self, key: tuple[str, int], event: Row) -> Row:
        """Return the row of a shift; a new one when there is none, or when its start was archived."""
        if key not in self._made or event["kind"] == "shift.started":
            row = {"role": key[0], "to": key[1], "outcome": "in progress", "ended_at": None, "aborted": ""}
            row |= {"first": event, "started": None, "template": self._origin(*key), "before": None}
            self._made[key] = row
            self.rows.append(row)
        return self._made[key]

    def _note(self, row: Row, event: Row) -> None:
        match event["kind"]:
            case "shift.started":
                row["started"] = event
                row["before"] = self._origin(row["role"], event["payload"]["from_generation"])
            case "shift.aborted":
                row["aborted"] = event["payload"].get("detail") or event["payload"]["reason"]
            case kind if kind in OUTCOMES:
                row |= {"outcome": OUTCOMES[kind], "ended_at": event["time"]}

    def _end(self, event: Row) -> None:
        """End what was in progress. The roles of a deleted team are removed first: the team is the reason."""
        open_rows = [
            row for row in self.rows if row["ended_at"] is None and event["role"] in (None, row["role"])
        ]
        again = [row for row in self._cut if row["ended_at"] == event["time"] and event["role"] is None]
        for row in (*open_rows, *again):
            row |= {"outcome": CUTS[event["kind"]], "ended_at": event["time"]}
        self._cut = [*again, *open_rows] + ([] if event["role"] is None else self._cut)

    def _origin(self, role: str, generation: int) -> int | None:
        """Return the first generation that had the same template; None when that is not in the log."""
        template = self._templates.get((role, generation))
        same = [g for (name, g), one in self._templates.items() if name == role and one == template]
        return min(same) if template is not None else None


def _told(reader: Reader, row: Row) -> Row:
    """Return a shift as programs get it."""
    started, first, ended = row["started"], row["first"], row["ended_at"]
    payload = started["payload"] if started else {}
    asked = event_at(reader, started["cause"]) or started if started else None
    why = WHY.get(payload.get("reason", ""), payload.get("reason", "how it began is archived"))
    if row["template"] not in (None, row["before"], row["to"]):
        why += f", template of {row['template']}"
    return {
        "position": first["position"],
        "role": row["role"],
        "from_generation": payload.get("from_generation"),
        "to_generation": row["to"],
        "outcome": row["outcome"],
        "started_at": started["time"] if started else None,
        "ended_at": ended,
        "seconds": ended - started["time"] if started and ended is not None else None,
        "actor": asked["actor"] if asked else None,
        "why": f"{why}; aborted: {row['aborted']}" if row["aborted"] else why,
        "template_generation": row["template"],
    }
