"""`marvel events --follow`: what happens, as it happens; each event once, also while daemons come and go."""

import os
import sys
import time
from typing import Any

from marvel import settings
from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.cli.history import Wanted, condition, json_line, lines, run_line, select, warns
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
    with Reader(paths) as reader:
        cursor = reader.head()
        where, values = condition(reader, wanted, time.time())
        printer.begin(select(reader, wanted, time.time()))
    waker = Waker(paths)
    try:
        reading = sys.stdout.fileno()
        waker.watch_reader(reading)
        problem = ""
        while True:
            before = problem
            try:
                found, cursor = _news(paths, cursor, where, values)
                problem = ""
            except LogUnavailable as error:
                found, problem = [], error.message
            if problem != before:
                say(problem or "the event log can be read again")
            printer.add([event for event in found if not wanted.warnings or warns(event)])
            if reading in waker.wait():
                raise BrokenPipeError
    finally:
        waker.close()


def _news(paths: Paths, cursor: int, where: str, values: list[object]) -> tuple[list[Row], int]:
    """Events past a position that fit, and the position to go on from."""
    with Reader(paths) as reader:
        head = reader.head()
        if head < cursor and reader.log_id() is not None:
            say("the event log was replaced by another one")
            cursor = 0
        within = f"position > ? AND position <= ? AND {where}"
        return list(reader.events(within, cursor, head, *values, oldest_first=True)), max(head, cursor)


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
