"""`marvel get … --watch`: a live table on a terminal, else one line per change."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable

from marvel import settings
from marvel.cli.changes import Change, Changes, Selection
from marvel.cli.errors import say
from marvel.cli.follower import Follower
from marvel.cli.get import name_line, show, warn_without_daemon
from marvel.cli.request import Request, check, kind_of
from marvel.cli.waking import Waker
from marvel.errors import NotFound, UsageError
from marvel.settings import Paths
from marvel.store.query import Reader

Tell = Callable[[Change], str]

GONE = "the daemon is gone: nobody keeps this as declared (marvel daemon -d starts one)"
BACK = "the daemon is back"


def watch(request: Request, after: int | None = None) -> int:
    """Show what was asked for, and what becomes of it, until it is ended. Raises MarvelError."""
    kind = kind_of(request.kind)
    check(kind, request)
    if after is not None and after < 0:
        raise UsageError(
            f"--after must be at least 0, is {after}", hint="the position of the last line you have"
        )
    paths = settings.paths()
    if request.output in ("table", "wide") and after is None and is_terminal():
        from marvel.cli.live import live

        return live(paths, kind, request)
    follower = Follower(paths, after=after)
    changes = Changes(follower.fold, _selection(paths, follower, kind, request))
    waker = Waker(paths)
    try:
        warn_without_daemon(paths)
        tell = _teller(kind, request)
        if follower.lost:
            say(f"{follower.lost}: this begins again with what there is now")
        if after is None or follower.lost:
            _print(tell, changes.present(time.time()))
        _follow(follower, changes, waker, tell)
    finally:
        waker.close()
    return 0


def is_terminal() -> bool:
    """Whether standard output can show a table that is drawn over."""
    return sys.stdout.isatty() and os.environ.get("TERM") not in (None, "", "dumb")


def json_line(change: Change) -> str:
    """One line of `-o jsonl`, in ASCII as all our JSON: an agent's words steer no terminal."""
    return json.dumps(change.published(), separators=(",", ":")) + "\n"


def _teller(kind: str, request: Request) -> Tell:
    if request.output == "name":
        return lambda change: name_line(kind, change.object)
    return json_line


def _selection(paths: Paths, follower: Follower, kind: str, request: Request) -> Selection:
    """What is asked for: by a key of now or, looking back, of then."""
    try:
        return Selection(follower.fold, kind, request)
    except NotFound:
        with Reader(paths) as reader:
            return Selection(reader, kind, request)


def _follow(follower: Follower, changes: Changes, waker: Waker, tell: Tell) -> None:
    """Print changes until nobody reads them."""
    output = sys.stdout.fileno()
    waker.watch_reader(output)
    notices = _Notices(waker)
    while True:
        events = follower.read()
        if events is None:
            say(f"{follower.lost}: this is what is different now")
            _print(tell, changes.anew(follower.fold))
        else:
            for event in events:
                _print(tell, changes.apply(event))
        notices.give(follower)
        if not follower.more and output in waker.wait():
            raise BrokenPipeError


def _print(tell: Tell, changes: Iterable[Change]) -> None:
    """Lines, out at once."""
    text = "".join(map(tell, changes))
    if text:
        show(text)
        sys.stdout.flush()


class _Notices:
    """What is said on stderr, once each time it comes true."""

    def __init__(self, waker: Waker) -> None:
        self._waker = waker
        self._daemon_runs = waker.daemon_runs
        self._problem = ""

    def give(self, follower: Follower) -> None:
        """Say what is new."""
        if self._waker.daemon_runs != self._daemon_runs:
            self._daemon_runs = self._waker.daemon_runs
            say(BACK if self._daemon_runs else GONE)
        if follower.problem != self._problem:
            self._problem = follower.problem
            say(self._problem or "the event log can be read again")
