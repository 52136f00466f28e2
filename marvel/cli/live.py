"""The live table: drawn when the log says something new, a key is pressed or the terminal changes."""

import time

from marvel.cli.changes import Selection
from marvel.cli.follower import Follower
from marvel.cli.request import Request
from marvel.cli.screen import Screen, Signaled, die_of
from marvel.cli.table import is_coloured
from marvel.cli.view import View
from marvel.cli.waking import IDLE_SECONDS, Waker
from marvel.settings import Paths

AGE_SECONDS = 5.0  # between redraws of a table that has an AGE, when nothing else happens
FRAME_SECONDS = 0.03  # between frames: a burst of events is one


def live(paths: Paths, kind: str, request: Request) -> int:
    """Show a table until it is quit. Raises MarvelError before it shows anything."""
    follower = Follower(paths)
    selection = Selection(follower.fold, kind, request)
    view = view_of(kind, request)
    try:
        with Screen() as screen:
            waker = Waker(paths, *screen.descriptors)
            try:
                _run(follower, selection, view, screen, waker)
            finally:
                waker.close()
    except Signaled as signaled:
        die_of(signaled.number)
    return 0


def view_of(kind: str, request: Request) -> View:
    """How a request wants its table."""
    return View(kind, wide=request.output == "wide", headers=not request.no_headers, sort_by=request.sort_by)


def _run(follower: Follower, selection: Selection, view: View, screen: Screen, waker: Waker) -> None:
    coloured = is_coloured()
    drawn_at, seen = 0.0, None
    typed: list[str] = []
    while not view.quit:
        for event in follower.read() or ():
            follower.fold.apply(event)
        now = time.monotonic()
        alarm = follower.problem or waker.alarm
        aged = now // AGE_SECONDS if view.ages else 0
        state = (id(follower.fold), follower.fold.position, follower.fold.leases, alarm, aged)
        if typed or screen.stale or state != seen:
            rows = selection.objects(follower.fold)
            screen.draw(view.frame(rows, time.time(), screen.size(), alarm=alarm, coloured=coloured))
            seen, drawn_at = state, now
        typed = screen.keys(waker.wait(0 if follower.more else IDLE_SECONDS))
        for key in typed:
            view.press(key)
        time.sleep(max(0.0, drawn_at + FRAME_SECONDS - time.monotonic()))
