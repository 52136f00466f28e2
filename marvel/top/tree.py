"""A picture as lines: workspaces, teams, roles, sessions; what waits for a person before all. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from marvel.cli import objects
from marvel.cli.table import counted
from marvel.top.picture import Picture, needs_you

Row = dict[str, Any]
Rows = list[Row]

FULL_PERCENT = 80.0  # of a context that will not hold much longer
WAITS = "!"  # id of the group of those that wait
SEARCHED = (
    *("key", "state", "health", "activity", "team", "role", "model", "image"),
    *("command", "attention", "reason", "activity_detail"),
)
SORTS: dict[str, Callable[[Row], Any]] = {  # how a flat list is sorted, the most pressing first
    "context": lambda s: -(s["context_percent"] or 0.0),
    "activity": lambda s: (s["activity"] or "~", s["activity_since"] or 0.0),
    "restarts": lambda s: -s["restarts"],
    "age": lambda s: s["created_at"],
    "cost": lambda s: -(s["cost_usd"] or 0.0),
    "state": lambda s: s["state"],
}
TREE = "tree"
ORDERS = (TREE, *SORTS)


class Line(NamedTuple):
    """One line of the fleet."""

    kind: str  # waits, workspace, team, role, session
    id: str  # stays the same while the line changes
    key: str
    depth: int = 0
    session: Row | None = None
    inside: Sequence[Row] = ()  # sessions in a group
    replicas: int | None = None  # wanted of a role
    shift: Row | None = None  # of a role
    folded: bool = False


@dataclass(frozen=True)
class Look:
    """How a person wants to see it."""

    words: str = ""  # each must be in a session
    order: str = TREE
    reverse: bool = False
    folded: frozenset[str] = field(default_factory=frozenset)  # ids of groups that are closed

    def fold(self, name: str, closed: bool | None = None) -> "Look":
        """With a group closed or opened; the other way round when that is not told."""
        close = name not in self.folded if closed is None else closed
        return replace(self, folded=self.folded | {name} if close else self.folded - {name})

    def next_order(self) -> "Look":
        """Sorted by what comes next."""
        return replace(self, order=ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)], reverse=False)


def lines(picture: Picture, look: Look) -> list[Line]:
    """What is to be seen, from top to bottom."""
    sessions = [s for s in picture.sessions if _fits(s, look.words)]
    waiting = sorted(filter(needs_you, sessions), key=_pressing)
    found = []
    if waiting:
        found = _group(Line("waits", WAITS, "needs you", inside=waiting), look, _flat(waiting, WAITS))
    if look.order == TREE:
        return found + _tree(picture, sessions, look)
    ordered = sorted(sessions, key=SORTS[look.order], reverse=look.reverse)
    return found + [Line("session", s["uid"], s["key"], 0, s) for s in ordered]


def totals(picture: Picture) -> str:
    """The fleet in one line."""
    sessions = picture.sessions
    states = _counts(s["state"] for s in sessions)
    alive = [s for s in sessions if s["state"] == "running"]
    activities = _counts(s["activity"] for s in alive if s["activity"])
    waiting = sum(1 for s in sessions if needs_you(s))
    full = sum(1 for s in alive if (s["context_percent"] or 0.0) >= FULL_PERCENT)
    costs = [s["cost_usd"] for s in sessions if s["cost_usd"] is not None]
    parts = [
        f"{waiting} need{'s' if waiting == 1 else ''} you" if waiting else "",
        counted(len(sessions), "session") + (f": {_told(states)}" if states else ""),
        _told(activities),
        f"{full} nearly full" if full else "",
        counted(len(picture.shifts), "shift") if picture.shifts else "",
        f"${sum(costs):.2f}" if costs else "",
    ]
    return " · ".join(filter(None, parts))


def summary(line: Line) -> str:
    """A group in a few words."""
    ready = sum(1 for s in line.inside if objects.is_ready(s))
    if line.kind == "waits":
        return _told(_counts(needs_you(s) for s in line.inside))
    wanted = line.replicas if line.replicas is not None else len(line.inside)
    others = _counts(s["state"] for s in line.inside if s["state"] != "running")
    doing = _counts(s["activity"] for s in line.inside if s["state"] == "running" and s["activity"])
    return " · ".join(filter(None, (f"{ready}/{wanted} ready", _told(others), _told(doing))))


def _tree(picture: Picture, sessions: Rows, look: Look) -> list[Line]:
    by_role: dict[str, Rows] = {}
    for s in sessions:
        by_role.setdefault(f"{s['workspace']}/{s['team']}/{s['role']}", []).append(s)
    declared: dict[str, dict[str, Row]] = {}  # team key → its roles' keys; what runs undeclared comes after
    for row in picture.teams:
        declared[row["key"]] = {role["key"]: role for role in row["roles"]}
    for key in by_role:
        declared.setdefault(key.rpartition("/")[0], {}).setdefault(key, {})
    names = {row["name"] for row in picture.workspaces} | {key.split("/")[0] for key in declared}
    shifts = {shift["key"]: shift for shift in picture.shifts}
    made: list[Line] = []
    for name in sorted(names):
        teams = [key for key in declared if key.split("/")[0] == name]
        inner: list[Line] = []
        for team in teams:
            roles = [
                _role(key, role, by_role.get(key, []), shifts.get(key))
                for key, role in declared[team].items()
                if key in by_role or not look.words
            ]
            rows = [line for role in roles for line in _group(role, look, _members(role))]
            head = Line("team", f"t/{team}", team, 1, inside=_inside(roles), replicas=_wanted(roles))
            inner += _group(head, look, rows) if rows or not look.words else []
        heads = [line for line in inner if line.kind == "team"]
        top = Line("workspace", f"w/{name}", name, 0, inside=_inside(heads), replicas=_wanted(heads))
        made += _group(top, look, inner) if inner or not look.words else []
    return made


def _role(key: str, role: Row, inside: Sequence[Row], shift: Row | None) -> Line:
    return Line("role", f"r/{key}", key, 2, inside=inside, replicas=role.get("replicas"), shift=shift)


def _members(role: Line) -> list[Line]:
    ordered = sorted(role.inside, key=lambda s: not needs_you(s))  # stable: the listing's order within
    return [Line("session", s["uid"], s["key"], 3, s) for s in ordered]


def _group(head: Line, look: Look, rows: list[Line]) -> list[Line]:
    if head.id in look.folded:
        return [head._replace(folded=True)]
    return [head, *rows]


def _flat(sessions: Rows, prefix: str) -> list[Line]:
    return [Line("session", f"{prefix}{s['uid']}", s["key"], 1, s) for s in sessions]


def _inside(groups: list[Line]) -> Rows:
    return [s for group in groups for s in group.inside]


def _wanted(groups: list[Line]) -> int:
    return sum(len(group.inside) if group.replicas is None else group.replicas for group in groups)


def _pressing(session: Row) -> tuple[bool, float]:
    """Who waits for an answer first; who has waited longest before others."""
    since = session["activity_since"] or session["attention_at"] or session["created_at"]
    return needs_you(session) != "waiting", since


def _fits(session: Row, words: str) -> bool:
    if not words:
        return True
    text = " ".join(str(session[name]) for name in SEARCHED if session[name]).lower()
    return all(word in text for word in words.lower().split())


def _counts(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _told(counts: dict[str, int]) -> str:
    return " ".join(f"{count} {name}" for name, count in sorted(counts.items()))
