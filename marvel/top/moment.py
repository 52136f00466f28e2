"""The fleet at earlier moments: there and back, and onward at a speed."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from marvel.cli.fold import Fold
from marvel.cli.paging import warns
from marvel.cli.summaries import line
from marvel.settings import Paths
from marvel.store.query import Reader
from marvel.store.rows import events_after, position_at, world_at
from marvel.text import printable
from marvel.top.feed import note, remembered
from marvel.top.picture import Picture, Trails, picture_of

Row = dict[str, Any]

NEAR = 2_000  # events that are gone through, rather than beginning at a snapshot again
SIFTED = 20_000  # newest events that a filter looks at
MAX_PAUSE_SECONDS = 1.0  # of waiting for the next event while playing, however long nothing happened


class Moment:
    """A position in the log, and the fleet at it. One thread at a time."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._fold: Fold | None = None
        self._trails = Trails()
        self.first, self.head = 0, 0
        self.time = 0.0  # of the position

    @property
    def position(self) -> int:
        """Where it is."""
        return 0 if self._fold is None else self._fold.position

    def go(self, position: int) -> Picture:
        """Be at a position, or at the nearest there is. Raises MarvelError."""
        with Reader(self._paths) as reader:
            self.first, self.head = max(0, reader.first() - 1), reader.head()
            position = max(self.first, min(position, self.head))
            if self._fold is not None and 0 <= position - self._fold.position <= NEAR:
                for event in events_after(reader, self._fold.position, until=position):
                    self._fold.apply(event)
                    note(self._trails, event)
            else:
                self._fold = Fold(world_at(reader, position))
                self._trails = remembered(self._paths, position)
            at = next(reader.events("position = ?", max(1, position), decoded=False), None)
            self.time = at["time"] if at else time.time()
        return picture_of(self._fold, self._trails)

    def after(self, moment: float, seconds: float) -> tuple[int, float]:
        """Where playing for so many seconds leads from a moment: a position, and the moment then."""
        until = moment + seconds
        with Reader(self._paths) as reader:
            position = max(self.position, position_at(reader, until))
            if position > self.position:
                return position, until
            coming = next(reader.events("position = ?", self.position + 1, decoded=False), None)
        if coming is not None and coming["time"] - until > MAX_PAUSE_SECONDS * seconds:
            return self.position + 1, coming["time"]  # a long time in which nothing happens
        return self.position, until

    def events(self, count: int, words: str, *, warnings: bool) -> list[tuple[str, bool]]:
        """The newest events up to the moment that fit, newest last: a line, and whether it is a warning."""
        with Reader(self._paths) as reader:
            return _fitting(reader.events("position <= ?", self.position), count, words, warnings)[::-1]


def _fitting(events: Iterator[Row], count: int, words: str, warnings: bool) -> list[tuple[str, bool]]:
    """The first events that fit."""
    wanted = words.lower().split()
    found: list[tuple[str, bool]] = []
    for event in islice(events, SIFTED):
        warning = warns(event)
        text = printable(line(event, warning=warning))
        if (warning or not warnings) and all(word in text.lower() for word in wanted):
            found.append((text, warning))
        if len(found) == count:
            break
    return found
