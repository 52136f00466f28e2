"""What the log knows of one session: its events, why it is as it is, where it comes from, its context."""

from itertools import islice
from typing import Any, NamedTuple

from marvel.cli import why
from marvel.cli.paging import warns
from marvel.cli.summaries import KIND_COLUMNS, WARNING, summary
from marvel.cli.times import age, local
from marvel.errors import MarvelError
from marvel.resources import Session
from marvel.settings import Paths
from marvel.store.query import Reader
from marvel.text import harmless, printable
from marvel.top.plot import Mark, clock

Row = dict[str, Any]

EVENTS = 200  # newest, of one slot
READINGS = 2_000  # newest, of one slot
FOREBEARS = 8  # slots that are gone back
RESTART, SHIFT = "r", "s"
MARKS = f"{RESTART} a new process, {SHIFT} a shift to the next generation"


class Details(NamedTuple):
    """What the session view shows besides the screen."""

    events: tuple[tuple[str, bool], ...] = ()  # a line, and whether it is a warning
    why: str = ""
    lineage: str = ""
    points: tuple[tuple[float, float], ...] = ()
    marks: tuple[Mark, ...] = ()


def details(paths: Paths, session: Session, names: dict[str, str], now: float) -> Details:
    """All of it. Raises MarvelError."""
    try:
        reasons = why.words(paths, f"session/{session.key}", now)
    except MarvelError as error:
        reasons = harmless(error.message)
    with Reader(paths) as reader:
        slots = _slots(reader, session, names)
        newest = list(islice(reader.events("stream = ?", _stream(session)), EVENTS))[::-1]
        points: list[tuple[float, float]] = []
        marks: list[Mark] = []
        told: list[str] = []
        for number, slot in enumerate(reversed(slots)):
            found = _history(reader, f"session/{session.workspace}/{slot}")
            points += [
                (e["time"], p) for e in found if (p := e["payload"].get("context_percent")) is not None
            ]
            starts = [event["time"] for event in found if event["kind"] == "session.started"]
            signs = [SHIFT if number else "", *[RESTART] * len(starts)]
            marks += [Mark(at, sign) for at, sign in zip(starts, signs, strict=False) if sign]
            told += _told(f"{session.workspace}/{slot}", found, now, names, how="shift" if number else "")
    return Details(
        events=tuple((_line(event), warns(event)) for event in newest),
        why=reasons,
        lineage="\n".join(told),
        points=tuple(points),
        marks=tuple(marks),
    )


def _slots(reader: Reader, session: Session, names: dict[str, str]) -> list[str]:
    """Names of the session's slot and of those that handed over to it, newest first.

    `names` remembers by uid what has to be searched for in the whole log.
    """
    found = [session.name]
    while len(found) < FOREBEARS:
        stream = f"session/{session.workspace}/{found[-1]}"
        paired = next(reader.events("stream = ? AND kind = 'session.paired'", stream), None)
        if paired is None:
            break
        uid = paired["payload"]["predecessor"]
        if uid not in names:
            born = next(reader.events("uid = ? AND kind = 'session.scheduled'", uid), None)
            names[uid] = born["session"] if born else ""
        if names[uid] in ("", *found):
            break
        found.append(names[uid])
    return found


def _history(reader: Reader, stream: str) -> list[Row]:
    """What shows in a plot and a lineage, oldest first."""
    kinds = "('session.signaled', 'session.scheduled', 'session.started', 'session.ended', 'session.paired')"
    where = f"stream = ? AND kind IN {kinds}"
    return list(islice(reader.events(where, stream), READINGS))[::-1]


def _told(key: str, events: list[Row], now: float, names: dict[str, str], *, how: str) -> list[str]:
    """One slot's processes, oldest first."""
    lines = []
    for event in events:
        if event["kind"] == "session.scheduled":
            way = "restart" if event["payload"].get("replaces") else how or "first"
            lines.append(f"{local(event['time'])}  {key}  {way}, {age(now - event['time'])} ago")
        elif event["kind"] == "session.paired":
            uid = event["payload"]["predecessor"]
            lines.append(f"{local(event['time'])}    takes over from {names.get(uid) or uid}")
        elif event["kind"] == "session.ended":
            lines.append(f"{local(event['time'])}    {summary(event)}")
    return [printable(text) for text in lines]


def _line(event: Row) -> str:
    """One event; whose it is stands above."""
    mark = WARNING if warns(event) else " "
    told = f"{mark} {clock(event['time'])}  {event['kind'].ljust(KIND_COLUMNS)}  {summary(event)}"
    return printable(told.rstrip())


def _stream(session: Session) -> str:
    return f"session/{session.workspace}/{session.name}"
