"""`marvel report`: the morning after, one row per agent, from the log alone."""

import json
import time
from typing import Any

from marvel import settings
from marvel.cli import archived
from marvel.cli.errors import say
from marvel.cli.get import show, warn_without_daemon
from marvel.cli.listing import percent, text
from marvel.cli.moments import moment
from marvel.cli.objects import published
from marvel.cli.table import ABSENT, is_coloured, table
from marvel.cli.tally import Agent, Tally
from marvel.cli.times import local, span
from marvel.errors import UsageError
from marvel.store.query import Reader, daemon_note
from marvel.store.rows import events_between, position_at, world_at

Row = dict[str, Any]

OUTPUTS = ("table", "json", "jsonl")
WORDS_MAX = 60  # characters of last words in the table
HEADERS = (
    *("WORKSPACE", "TEAM", "ROLE", "NAME", "STATE", "UP", "WORKING", "IDLE", "WAITING", "LIMITED"),
    *("RESTARTS", "SHIFTS", "CTX%", "COST", "LAST WORDS"),
)


def report(since: str | None, output: str) -> int:
    """Print what each agent did. Raises MarvelError."""
    output = output.removeprefix("=")
    if output not in OUTPUTS:
        raise UsageError(f"there is no output {output!r}", hint=f"-o {' | '.join(OUTPUTS)}")
    now = time.time()
    begin = None if since is None else moment(since, now)
    if output == "table":
        say(_heading(begin))
    warn_without_daemon(settings.paths())
    rows = _rows(begin, None if daemon_note(settings.paths()) is None else now)
    if output == "json":
        show(json.dumps([published(row) for row in rows], indent=2) + "\n")
    elif output == "jsonl":
        show("".join(json.dumps(published(row)) + "\n" for row in rows))
    elif not rows:
        say("No agents found.")
    else:
        show(table(HEADERS, [_cells(row) for row in rows], coloured=is_coloured()))
    return 0


def _heading(begin: float | None) -> str:
    """Return what stretch of time is reported."""
    if begin is not None:
        return f"since {local(begin)}"
    with Reader(settings.paths()) as reader:
        base = reader.base()
    return f"since {local(base[1])}, where the log begins" if base else "since the log began"


def _rows(since: float | None, now: float | None) -> list[Row]:
    """Without a daemon (`now` is None) nothing is known past the last event."""
    paths, begin = settings.paths(), since or 0.0
    with Reader(paths) as reader:
        archived.note(reader, since)
        head = reader.head()
        position = max(position_at(reader, begin), reader.first() - 1) if head else 0
        oldest = next(reader.events("position = ?", reader.first()), None)
        tally = Tally(world_at(reader, position), max(begin, oldest["time"] if oldest else 0.0))
    last = begin
    for event in events_between(paths, position, head):
        tally.add(event)
        last = event.time
    return [row_of(agent) for agent in tally.agents(last if now is None else now)]


def row_of(agent: Agent) -> Row:
    """An agent as programs get it."""
    session = agent.session
    return {
        "key": session.key,
        "uid": session.uid,
        "workspace": session.workspace,
        "team": session.team,
        "role": session.role,
        "name": session.name,
        "state": session.state,
        "activity": session.activity or None,
        "sessions": agent.sessions,
        "up_seconds": round(agent.running, 3),
        **{f"{name}_seconds": round(seconds, 3) for name, seconds in agent.seconds.items()},
        "restarts": sum(agent.restarts.values()),
        "restart_reasons": dict(sorted(agent.restarts.items())),
        "shifts": agent.shifts,
        "context_percent_start": agent.context_first,
        "context_percent_end": agent.context_last,
        "context_percent_peak": agent.context_peak,
        "cost_usd": None if agent.cost is None else round(agent.cost, 6),
        "last_words": agent.last_words or None,
    }


def _cells(row: Row) -> list[str]:
    names = ("up_seconds", "working_seconds", "idle_seconds", "waiting_seconds", "limited_seconds")
    words = row["last_words"] or ""
    return [
        *(text(row[name]) for name in ("workspace", "team", "role", "name", "state")),
        *(span(row[name]) for name in names),
        _restarts(row),
        str(row["shifts"]),
        _context(row),
        ABSENT if row["cost_usd"] is None else f"{row['cost_usd']:.2f}",
        text(words if len(words) <= WORDS_MAX else words[: WORDS_MAX - 1] + "…"),
    ]


def _restarts(row: Row) -> str:
    """How many, and why: `3 (crashed 2, killed)`."""
    reasons = row["restart_reasons"].items()
    why = ", ".join(name if count == 1 else f"{name} {count}" for name, count in reasons)
    return f"{row['restarts']} ({why})" if why else "0"


def _context(row: Row) -> str:
    """`12→40/85`: at the start, at the end, at its peak."""
    start, end, peak = (row[f"context_percent_{name}"] for name in ("start", "end", "peak"))
    return ABSENT if end is None else f"{percent(start)}→{percent(end)}/{percent(peak)}"
