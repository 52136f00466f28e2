"""`marvel events --follow`: what happens, as it happens; each event once, also while daemons come and go."""

import os
import sys
from typing import Any

from marvel import settings
from marvel.cli.cursor import Cursor
from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.cli.history import json_line, lines, run_line
from marvel.cli.paging import PAGE, Pages, Wanted, events_past
from marvel.cli.runs import Run, joined, single
from marvel.cli.waking import Waker
from marvel.errors import LogUnavailable
from marvel.settings import Paths
from marvel.store.query import Reader

Row = dict[str, Any]

UP_AND_CLEAR = "\x1b[A\r\x1b[K"


def follow(wanted: Wanted, output: str) -> int:
    """Print events until nobody reads them. Raises MarvelError."""
    paths = settings.paths()
    printer = _Printer(output)
    pages = Pages(paths, wanted)
    with Reader(paths) as reader:
        cursor = Cursor(reader, min(pages.head, reader.head()))
    for page in pages:
        printer.begin(page)
    waker = Waker(paths)
    try:
        reading = sys.stdout.fileno()
        waker.watch_reader(reading)
        problem, more = "", False
        while True:
            before = problem
            try:
                found, more = _news(paths, cursor, pages)
                problem = ""
            except LogUnavailable as error:
                found, more, problem = [], False, error.message
            if problem != before:
                say(problem or "the event log can be read again")
            printer.add(pages.fitting(found))
            if not more and reading in waker.wait():
                raise BrokenPipeError
    finally:
        waker.close()


def _news(paths: Paths, cursor: Cursor, pages: Pages) -> tuple[list[Row], bool]:
    """Return a page of events past a cursor, which is moved past them, and whether there are more."""
    with Reader(paths) as reader:
        if reader.log_id() is None:
            return [], False
        if lost := cursor.lost(reader):
            say(f"{lost}: what is in the log now follows")
            cursor.restart(reader)
        head = reader.head()
        found = events_past(reader, cursor.position, head, pages.where, pages.values)
        more = len(found) == PAGE
        cursor.move(reader, found[-1]["position"] if more else head)
        return found, more


class _Printer:
    """Events as lines. On a terminal an event like the one above takes its line, and counts."""

    def __init__(self, output: str) -> None:
        self._output = output
        self._above: Run | None = None  # the line above, where it can be drawn over

    def begin(self, events: list[Row]) -> None:
        """Print what was before."""
        if self._output == "table":
            show(lines(events))
            sys.stdout.flush()
        else:
            self.add(events)

    def add(self, events: list[Row]) -> None:
        """Print what happened, out at once."""
        show("".join(map(self._line, events)))
        sys.stdout.flush()

    def _line(self, event: Row) -> str:
        if self._output in ("json", "jsonl"):
            return json_line(event)
        above, wide = self._above, self._output == "wide"
        run = None if above is None or wide else joined(above, event)
        text = run_line(run or single(event), wide=wide)
        self._above = (run or single(event)) if len(text) <= _columns() else None
        return UP_AND_CLEAR + text if run else text


def _columns() -> int:
    """How long a line of the terminal is; 0 where there is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        return 0
