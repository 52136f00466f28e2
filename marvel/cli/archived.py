"""What a reader is told when what was asked for reaches into events that were archived."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from marvel.cli.errors import say
from marvel.cli.times import local
from marvel.errors import NotFound
from marvel.store.query import Reader, head_of_file


class Fault(NamedTuple):
    """An archive that the log refers to, and that is not beside it as it was written."""

    missing: bool
    text: str


def earlier(reader: Reader, begin: float | None = None) -> str:
    """Return where the events before the log's first are; empty when none after `begin` were archived."""
    base = reader.base()
    if base is None or (begin is not None and begin > base[1]):
        return ""
    last, time, file = base
    files = [name for _, _, name in reader.archives()]
    where = file if len(files) == 1 else f"{files[0]} to {file} ({len(files)} files)"
    return f"events up to {local(time)} (positions 1 to {last}) are archived in {where}"


def note(reader: Reader, begin: float | None = None) -> None:
    """Print the same on stderr, if there is anything to print."""
    if text := earlier(reader, begin):
        say(text)


def unknown(reader: Reader, error: NotFound) -> NotFound:
    """Return an error about something that was not found, with where else it may be recorded."""
    text = earlier(reader)
    return NotFound(error.message, hint="; ".join(filter(None, (error.hint, text)))) if text else error


def faults(reader: Reader, home: str) -> Iterator[Fault]:
    """Yield the archives that are missing, unreadable, or end otherwise than the log says."""
    for first, last, file in reader.archives():
        path = os.path.join(home, file)
        what = f"positions {first} to {last} were archived in {path}, which"
        if not os.path.exists(path):
            yield Fault(True, f"{what} is missing")
        elif head_of_file(path) != (last, reader.hash_at(last)):
            yield Fault(False, f"{what} does not end with these events: it is another file, or damaged")
