"""`marvel replay`: the event log played into the live table, or told as changes."""

import select
import sys
import time
from collections.abc import Iterator

from marvel import settings
from marvel.cli import archived
from marvel.cli.changes import Changes, Selection
from marvel.cli.fold import Fold
from marvel.cli.get import show
from marvel.cli.live import view_of
from marvel.cli.moments import moment
from marvel.cli.request import Request, check, kind_of
from marvel.cli.screen import Screen, Signaled, die_of
from marvel.cli.table import is_coloured
from marvel.cli.times import local
from marvel.cli.view import View
from marvel.cli.watching import is_terminal, json_line
from marvel.errors import Rejected, UsageError
from marvel.events import Event
from marvel.settings import Paths
from marvel.store.query import Reader
from marvel.store.rows import events_between, position_at, world_at

OUTPUTS = ("table", "wide", "jsonl")
SPEED = 10.0  # on a terminal, unless told otherwise
MAX_PAUSE_SECONDS = 1.0  # of waiting for the next event, however long nothing happened
FRAME_SECONDS = 0.05
FASTER = {"+": 2.0, "-": 0.5}


def replay(request: Request, to: str | None, speed: float | None) -> int:
    """Play the log from its beginning. Raises MarvelError."""
    kind = kind_of(request.kind)
    check(kind, request)
    if request.output not in OUTPUTS:
        raise UsageError(f"replay has no output {request.output!r}", hint=f"-o {' | '.join(OUTPUTS)}")
    if speed is not None and not 0 < speed < float("inf"):
        raise UsageError(f"--speed must be greater than 0, is {speed:g}", hint="--speed 10")
    paths = settings.paths()
    last = _last(paths, to)
    fold = _beginning(paths)
    events = events_between(paths, fold.position, last)
    if request.output != "jsonl" and is_terminal():
        return _show(kind, request, fold, events, last, speed or SPEED)
    _tell(kind, request, fold, events, speed)
    return 0


def _last(paths: Paths, to: str | None) -> int:
    """The position to play up to. Raises UsageError and Rejected."""
    with Reader(paths) as reader:
        head = reader.head()
        if not head:
            raise Rejected("there is nothing to replay: no event log yet", hint="marvel up FILE begins one")
        if to is None:
            return head
        if to.isdigit():
            return min(int(to), head)
        return position_at(reader, moment(to, time.time(), option="--to"))


def _beginning(paths: Paths) -> Fold:
    """Nothing; or what the archived events led to."""
    with Reader(paths) as reader:
        archived.note(reader)
        return Fold(world_at(reader, reader.first() - 1))


def _tell(kind: str, request: Request, fold: Fold, events: Iterator[Event], speed: float | None) -> None:
    """Each change as a line; with a speed, in the time that takes."""
    changes = Changes(fold, Selection(fold, kind, request))
    before: float | None = None
    for event in events:
        if speed is not None and before is not None:
            time.sleep(_pause(before, event.time, speed))
        before = event.time
        lines = "".join(map(json_line, changes.apply(event)))
        if lines:
            show(lines)
            if speed is not None:
                sys.stdout.flush()


def _pause(before: float, at: float, speed: float) -> float:
    """Seconds to wait between two moments of the past."""
    return min(max(0.0, at - before) / speed, MAX_PAUSE_SECONDS)


def _show(kind: str, request: Request, fold: Fold, events: Iterator[Event], last: int, speed: float) -> int:
    player = _Player(fold, events, last, speed)
    try:
        with Screen() as screen:
            player.play(Selection(fold, kind, request), view_of(kind, request), screen)
    except Signaled as signaled:
        die_of(signaled.number)
    return 0


class _Player:
    """Events, each when its time has come."""

    def __init__(self, fold: Fold, events: Iterator[Event], last: int, speed: float) -> None:
        self._fold = fold
        self._events = events
        self._last = last
        self._speed = speed
        self._paused = False
        self._next = next(events, None)
        self._at = self._next.time if self._next else 0.0  # of the last event played
        self._due = time.monotonic()  # when the next one is to be played

    def play(self, selection: Selection, view: View, screen: Screen) -> None:
        """Show what was, until it is quit; at its end the last moment stays."""
        coloured = is_coloured()
        while not view.quit:
            self._advance()
            rows = selection.objects(self._fold)
            frame = view.frame(rows, self._at, screen.size(), note=self._note(), coloured=coloured)
            screen.draw(frame)
            ready, _, _ = select.select(screen.descriptors, [], [], self._wait())
            for key in screen.keys(set(ready)):
                self._press(key, view)

    def _advance(self) -> None:
        """Play what is due, as much of it as fits between two frames."""
        until = time.monotonic() + FRAME_SECONDS
        while self._next is not None and not self._paused and self._due <= time.monotonic() < until:
            self._fold.apply(self._next)
            self._at = self._next.time
            self._next = next(self._events, None)
            if self._next is not None:
                self._due += _pause(self._at, self._next.time, self._speed)

    def _wait(self) -> float:
        if self._next is None or self._paused:
            return MAX_PAUSE_SECONDS
        return max(FRAME_SECONDS, self._due - time.monotonic())

    def _press(self, key: str, view: View) -> None:
        if key == " ":
            self._paused = not self._paused
            self._due = time.monotonic()
        elif key in FASTER:
            self._speed *= FASTER[key]
        else:
            view.press(key)

    def _note(self) -> str:
        state = "end" if self._next is None else "paused" if self._paused else f"x{self._speed:g}"
        return f"{local(self._at)}  position {self._fold.position} of {self._last}  {state}  space pause, + -"
