"""One moment of the fleet, as values that no thread changes any more. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from marvel.cli import objects, reasons
from marvel.cli.fold import Fold
from marvel.resources import RoleKey, Session

Row = dict[str, Any]

TRAIL = 48  # readings of a session's context that are kept
# Activities and attentions that only a person ends.
NEEDS = {"waiting", "limited", "stuck", "unprompted", "turn-failed"}


class Picture(NamedTuple):
    """What there is to see."""

    position: int = 0
    sessions: Sequence[Row] = ()  # objects, listed ones only, in the order of a listing
    workspaces: Sequence[Row] = ()
    teams: Sequence[Row] = ()
    shifts: Sequence[Row] = ()  # with `blocked`: what each waits for, in words
    trails: Mapping[str, tuple[float, ...]] = MappingProxyType({})
    records: Mapping[str, Session] = MappingProxyType({})  # all that are remembered, by uid
    alarm: str = ""  # why this may not be the present


class Trails:
    """The context percents of each session, oldest first; a repeated one is kept once."""

    def __init__(self) -> None:
        self._trails: dict[str, deque[float]] = {}

    def note(self, uid: str, percent: float | None) -> None:
        """A reading; None is none."""
        if percent is None:
            return
        trail = self._trails.setdefault(uid, deque(maxlen=TRAIL))
        if not trail or trail[-1] != percent:
            trail.append(percent)

    def of(self, uids: Iterable[str]) -> dict[str, tuple[float, ...]]:
        """Those of some sessions; the others are forgotten."""
        self._trails = {uid: self._trails[uid] for uid in uids if uid in self._trails}
        return {uid: tuple(trail) for uid, trail in self._trails.items()}


def picture_of(fold: Fold, trails: Trails, alarm: str = "") -> Picture:
    """The moment that a fold is at."""
    rows = fold.sessions()
    sessions = [objects.session(row) for row in sorted(rows, key=objects.order) if objects.is_listed(row)]
    for session in sessions:
        trails.note(session["uid"], session["context_percent"])
    teams = fold.rows("teams")
    made = objects.teams(teams, fold.rows("roles"), fold.rows("cohorts"), rows)
    shifts = objects.shifts(fold.rows("shifts"), rows, teams)
    return Picture(
        position=fold.position,
        sessions=sessions,
        workspaces=sorted(fold.rows("workspaces"), key=lambda row: str(row["name"])),
        teams=sorted(made, key=lambda team: str(team["key"])),
        shifts=[{**shift, "blocked": _blocked(fold, shift)} for shift in shifts],
        trails=trails.of([session["uid"] for session in sessions]),
        records=dict(fold.world.sessions),
        alarm=alarm,
    )


def needs_you(session: Row) -> str:
    """Why a person should look at a session; empty when nobody need."""
    if session["state"] in objects.ALIVE:
        if session["activity"] in NEEDS:
            return str(session["activity"])
        return str(session["attention"] or "")
    gave_up = session["state"] == "failed" and not session["one_off"]
    return "failed" if gave_up else ""


def _blocked(fold: Fold, shift: Row) -> str:
    """What a shift waits for: its turn, or the first session that is not as it should be."""
    if shift["waits_for"]:
        return f"its turn, after {shift['waits_for']}"
    role = fold.world.roles.get(RoleKey(shift["workspace"], shift["team"], shift["role"]))
    found = reasons.of_role(fold.world, role).waits_for if role is not None else []
    if len(found) > 1:  # the first is the shift itself, which the bar shows
        return found[-1].text.replace(f"{shift['workspace']}/{shift['team']}-", "")
    retiring = (
        [] if role is None else [s for s in fold.world.sessions_of(role.key) if s.retirement and s.alive]
    )
    return (
        f"{retiring[0].name} to end its turn".removeprefix(f"{shift['team']}-")
        if retiring and shift["phase"] == "draining"
        else ""
    )
