"""The event log for people and programs: `events`, `verify`, `rebuild`; marvel/cli/tailing.py follows it."""

import json
import re
import time
from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from marvel import settings
from marvel.cli.errors import say
from marvel.cli.get import named, show
from marvel.cli.objects import published
from marvel.cli.runs import Run, folded, single
from marvel.cli.summaries import line
from marvel.cli.table import RED, RESET, is_coloured, printable
from marvel.cli.times import DAY, HOUR, MICROSECONDS, MINUTE
from marvel.errors import NotFound, UsageError
from marvel.events import KINDS, decode, is_warning
from marvel.keys import find_session, team_key
from marvel.store.query import EVENT_COLUMNS, Reader

Row = dict[str, Any]

NEWEST = 50  # events without -n and --since
OUTPUTS = ("table", "wide", "json", "jsonl")
SOMETIMES = (
    "session.ended",
    "session.stuck",
    "session.injected",
    "health.changed",
)  # kinds whose payload tells whether they are a warning
FIELDS = [name for name in EVENT_COLUMNS.split() if name != "schema"]  # of an event, as programs get it
UNITS = {"ms": 0.001, "s": 1, "m": MINUTE, "h": HOUR, "d": DAY}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for; the words of a person."""

    count: int | None = None  # newest
    since: str | None = None
    kind: str | None = None  # with * and ?
    session: str | None = None  # a key
    team: str | None = None
    warnings: bool = False
    actor: str | None = None  # whole, its part before the colon, or with *
    caused_by: int | None = None


def events(wanted: Wanted, output: str = "table", *, follow: bool = False) -> int:
    """Print events, newest last; with `follow`, those to come too. Raises MarvelError."""
    output = output.removeprefix("=")
    if output not in OUTPUTS:
        raise UsageError(f"there is no output {output!r}", hint=f"-o {' | '.join(OUTPUTS)}")
    if wanted.count is not None and wanted.count < 0:
        raise UsageError(f"-n must be at least 0, is {wanted.count}", hint="marvel events --help")
    if follow:
        from marvel.cli.tailing import follow as go_on

        return go_on(wanted, output)
    with Reader(settings.paths()) as reader:
        found = select(reader, wanted, time.time())
    if output == "json":
        show(json.dumps([public(event) for event in found], indent=2) + "\n")
    elif output == "jsonl":
        show("".join(map(json_line, found)))
    elif found:
        show(lines(found, wide=output == "wide"))
    else:
        say("No events found.")
    return 0


def select(reader: Reader, wanted: Wanted, now: float) -> list[Row]:
    """The newest events that fit, oldest of them first."""
    where, values = condition(reader, wanted, now)
    found: Iterable[Row] = reader.events(where, *values)
    if wanted.warnings:
        found = (event for event in found if warns(event))
    count = NEWEST if wanted.count is None and wanted.since is None else wanted.count
    return list(islice(found, count))[::-1]


def lines(found: list[Row], *, wide: bool = False) -> str:
    """Events as lines for people, warnings marked; runs of alike ones folded unless authors show."""
    runs = map(single, found) if wide else folded(found)
    return "".join(run_line(run, wide=wide) for run in runs)


def run_line(run: Run, *, wide: bool = False) -> str:
    """One line for people."""
    warning = warns(run.event)
    text = printable(line(run.event, warning=warning, wide=wide) + run.suffix)
    return f"{RED}{text}{RESET}\n" if warning and is_coloured() else text + "\n"


def json_line(event: Row) -> str:
    """One line for programs."""
    return json.dumps(public(event)) + "\n"


def public(event: Row) -> Row:
    """An event as programs get it."""
    shown: Row = published({name: event[name] for name in FIELDS})
    return shown


def warns(event: Row) -> bool:
    """Whether an event is worth a person's attention. One that this marvel can't read is not."""
    kind = event["kind"]
    if kind not in SOMETIMES:
        return kind in KINDS and KINDS[kind].warning
    try:
        return is_warning(decode(kind, event["schema"], json.dumps(event["payload"])))
    except ValueError:
        return False


def verify(file: str | None = None) -> int:
    """Check the hash chain, of a backup or archive if one is named; the exit status tells."""
    from marvel.store.log import Store

    if file is not None:
        from marvel.store.chain import check_file

        show(f"{file}: whole, each event as it was recorded up to position {check_file(file).position}\n")
        return 0
    store = _existing(Store)
    count, wrong = store.verify() if store else (0, None)
    if wrong:
        say(f"error: {wrong}; the {count} events before it are whole")
        say("hint: stop the daemon and restore a backup: marvel restore FILE")
        return 1
    show(f"{count} events, each as it was recorded\n")
    with Reader(settings.paths()) as reader:
        for first, last, name in reader.archives():
            show(f"positions {first} to {last} are in {name}\n")
    return 0


def rebuild(*, check: bool) -> int:
    """Derive the tables anew from the log; with `check`, only say where they differ."""
    from marvel.store.log import Store

    store = _existing(Store)
    if not check:
        position = store.rebuild().position if store else 0
        show(f"rebuilt from {position} events\n")
        return 0
    differences = store.check() if store else []
    show("".join(printable(difference) + "\n" for difference in differences))
    if differences:
        count = "1 row is" if len(differences) == 1 else f"{len(differences)} rows are"
        say(f"error: {count} not what the event log says")
        say("hint: marvel rebuild")
        return 1
    show("every row is what the event log says\n")
    return 0


def since(text: str, now: float, *, option: str = "--since") -> float:
    """The moment `10m`, `1h30m ago`, `14:10`, or an RFC 3339 time means. Raises UsageError."""
    asked, text = text, text.removesuffix("ago").strip()
    if text and not DURATION.sub("", text):
        return now - sum(float(count) * UNITS[unit] for count, unit in DURATION.findall(text))
    clock = CLOCK.fullmatch(text)
    if clock:
        today = time.localtime(now)
        hour, minute, second = (int(part or 0) for part in clock.groups())
        moment = time.mktime((*today[:3], hour, minute, second, 0, 0, -1))
        return moment if moment <= now else moment - DAY  # it was yesterday
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).timestamp()  # without an offset: local
    except (ValueError, OverflowError, OSError):
        hint = "a duration (10m, 2h), a clock time (14:10), or a date (2026-01-31T14:10:00Z)"
        raise UsageError(f"{option} {asked!r} is no time", hint=hint) from None


def condition(reader: Reader, wanted: Wanted, now: float) -> tuple[str, list[object]]:
    """SQL that narrows the log down, and its values."""
    where: list[str] = []
    values: list[object] = []

    def narrow(sql: str, *given: object) -> None:
        where.append(sql)
        values.extend(given)

    if wanted.since is not None:
        narrow("time >= ?", round(since(wanted.since, now) * MICROSECONDS))
    if wanted.kind is not None:
        narrow("kind GLOB ?", wanted.kind.replace("[", "[[]"))
    if wanted.session is not None:
        narrow("stream = ?", stream_of_key(reader, wanted.session))
    if wanted.team is not None:
        if "/" in wanted.team:
            narrow("workspace = ? AND team = ?", *team_key(wanted.team))
        else:
            narrow("team = ?", wanted.team)
    if wanted.actor is not None:
        name = wanted.actor.replace("[", "[[]")
        narrow("(actor GLOB ? OR actor GLOB ?)", name, f"{name}:*")
    if wanted.caused_by is not None:
        narrow("cause = ?", wanted.caused_by)
    if wanted.warnings:
        kinds = [kind for kind, fact in KINDS.items() if fact.warning or kind in SOMETIMES]
        narrow(f"kind IN ({', '.join('?' * len(kinds))})", *kinds)
    return " AND ".join(where) or "1", values


def stream_of_key(reader: Reader, key: str) -> str:
    """The stream of a session's name: its incarnations share it, and it outlives their rows."""
    name = key.removeprefix("session/")
    if any(reader.events("stream = ?", f"session/{name}")):
        return f"session/{name}"
    rows = reader.sessions()
    uid = find_session(key, named(rows))
    for row in rows:
        if row["uid"] == uid:
            return f"session/{row['workspace']}/{row['name']}"
    for event in reader.events("uid = ?", key):
        return f"session/{event['workspace']}/{event['session']}"
    raise NotFound(f"no such session: {key}", hint="marvel get sessions --all lists what there is")


def _existing(store: Any) -> Any:
    """The log opened for writing, or None: looking at a log must not make one."""
    import os

    paths = settings.paths()
    if not (settings.check_private(paths.home) and os.path.exists(paths.database)):
        say("there is no event log yet")
        return None
    return store(paths)
