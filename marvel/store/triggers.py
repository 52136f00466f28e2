"""The triggers that keep events from being changed or taken away, compared with those that a log has.

A log without them lets events be changed, and a foreign one runs with every event that is recorded. Standard
library only: for writers, for files and for `doctor`. A test holds them to what the migrations make.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_REFUSED = "BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END"
_DOUBLED = (
    "SELECT 1 FROM events WHERE position = NEW.position "
    "OR (stream = NEW.stream AND stream_version = NEW.stream_version)"
)
EXPECTED = {
    "events_no_update": f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events {_REFUSED}",
    "events_no_delete": f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events {_REFUSED}",
    "events_no_replace": "CREATE TRIGGER events_no_replace BEFORE INSERT ON events "
    f"WHEN EXISTS ({_DOUBLED}) {_REFUSED}",
}
QUERY = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
HINT = "marvel verify tells whether events were changed; then marvel rebuild puts the triggers right"


def wrong(found: Iterable[Iterable[Any]]) -> str:
    """What is wrong with the triggers that `QUERY` finds; empty when nothing is."""
    there: dict[Any, Any] = dict(tuple(row) for row in found)
    foreign = sorted(str(name) for name in there.keys() - EXPECTED.keys())
    missing = sorted(EXPECTED.keys() - there.keys())
    changed = sorted(name for name in EXPECTED.keys() & there.keys() if there[name] != EXPECTED[name])
    problems = [f"trigger {name} is not marvel's" for name in foreign]
    problems += [f"trigger {name} is missing" for name in missing]
    problems += [f"trigger {name} was changed" for name in changed]
    return "; ".join(problems)


def put_right(found: Iterable[Iterable[Any]], execute: Callable[[str], object]) -> None:
    """Drop what is foreign or changed and make what is missing, inside the caller's transaction."""
    there: dict[Any, Any] = dict(tuple(row) for row in found)
    for name, sql in there.items():
        if EXPECTED.get(name) != sql:
            quoted = str(name).replace('"', '""')
            execute(f'DROP TRIGGER "{quoted}"')
    for name, sql in EXPECTED.items():
        if there.get(name) != sql:
            execute(sql)
