"""Looking back: the rows and events of an earlier moment, in place of a reader of the present.

What agents told by heartbeat alone is not in the log: last heartbeats are absent, and the context percent is
the one that an event last told.
"""

from collections.abc import Iterator
from typing import Any

from marvel.cli import archived
from marvel.cli.errors import say
from marvel.cli.fold import Fold
from marvel.cli.moments import moment
from marvel.cli.times import local
from marvel.errors import NotFound
from marvel.store.query import Reader
from marvel.store.rows import position_at, world_at

Row = dict[str, Any]


class Past(Fold):
    """The rows of one moment, and the events up to it."""

    def __init__(self, reader: Reader, position: int, time: float) -> None:
        super().__init__(world_at(reader, position))
        self.time = time
        self._reader = reader

    def events(self, where: str = "1", *values: object) -> Iterator[Row]:
        """Events up to the moment, as Reader.events gives them."""
        return self._reader.events(f"{where} AND position <= ?", *values, self.position)


def look_back(reader: Reader, text: str, now: float) -> Past:
    """The moment that a person means by `--at`; says on stderr which it is. Raises MarvelError."""
    position, time = found(reader, text, now)
    say(f"as it was at position {position}, {local(time)}")
    return Past(reader, position, time)


def found(reader: Reader, text: str, now: float, *, option: str = "--at") -> tuple[int, float]:
    """Position and time of a moment in a person's words. Raises UsageError and NotFound."""
    head = reader.head()
    if text.isascii() and text.isdigit():
        position = int(text)
        first = reader.first()
        if not first <= position <= head or position == 0:
            hint = _archived(reader, position) or f"the log has positions {first} to {head}"
            raise NotFound(f"there is no position {position}", hint=hint)
        return position, float(next(reader.events("position = ?", position))["time"])
    time = moment(text, now, option=option)
    position = position_at(reader, time)
    if position == 0:
        oldest = next(reader.events("position = ?", reader.first()), None)
        begins = f"it begins at {local(oldest['time'])}" if oldest else "there is no event log yet"
        begins = "; ".join(filter(None, (begins, archived.earlier(reader))))
        raise NotFound(f"the log knows nothing of {local(time)}", hint=begins)
    return position, min(time, now)


def _archived(reader: Reader, position: int) -> str:
    """Where an archived position is; empty when it is not archived."""
    for first, last, file in reader.archives():
        if first <= position <= last:
            return f"positions {first} to {last} are archived in {file}"
    return ""
