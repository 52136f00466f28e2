"""The log, followed in a thread of its own: woken by its bell, it makes a picture when something is new."""

import os
import threading
import time
from collections.abc import Callable
from itertools import islice

from marvel.cli.follower import Follower
from marvel.cli.waking import Waker
from marvel.errors import MarvelError
from marvel.events import Event
from marvel.settings import Paths
from marvel.store.query import Reader
from marvel.top.picture import Picture, Trails, picture_of

PICTURE_SECONDS = 0.25  # between pictures, however much happens
REMEMBERED = 5_000  # newest readings in the log, looked at when it begins


class Feed(threading.Thread):
    """Tells that there is a new picture; whoever is told takes it when there is time."""

    def __init__(self, paths: Paths, tell: Callable[[], object]) -> None:
        """Raises MarvelError when the log can't be read."""
        super().__init__(name="feed", daemon=True)
        self._paths = paths
        self._tell = tell
        self._follower = Follower(paths)
        self._trails = remembered(paths)
        self._wake, self._waking = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._over = threading.Event()
        self._seen: object = None
        self._untaken = False
        self._picture = picture_of(self._follower.fold, self._trails)
        self.problem: BaseException | None = None  # what it died of

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.problem = error
            self._tell()

    def take(self) -> Picture:
        """The newest picture."""
        self._untaken = False
        return self._picture

    def stop(self) -> None:
        """End it, and wait for that."""
        self._over.set()
        os.write(self._waking, b"!")
        if self.is_alive():
            self.join()
        os.close(self._wake)
        os.close(self._waking)

    def _run(self) -> None:
        waker = Waker(self._paths, self._wake)
        try:
            while not self._over.is_set():
                began = time.monotonic()
                if self._advance(waker.alarm) and not self._untaken:
                    self._untaken = True
                    self._tell()
                waker.wait(0 if self._follower.more else 60.0)
                self._over.wait(max(0.0, began + PICTURE_SECONDS - time.monotonic()))
        finally:
            waker.close()

    def _advance(self, alarm: str) -> bool:
        """Take in what is new; whether there is a new picture."""
        follower = self._follower
        try:
            for event in follower.read() or ():
                follower.fold.apply(event)
                note(self._trails, event)
            alarm = follower.problem or alarm
        except MarvelError as error:
            alarm = error.message
        state = (id(follower.fold), follower.fold.position, follower.fold.leases, alarm)
        if state == self._seen:
            return False
        self._seen = state
        self._picture = picture_of(follower.fold, self._trails, alarm)
        return True


def remembered(paths: Paths, until: int | None = None) -> Trails:
    """The readings that the log holds, up to a position."""
    trails = Trails()
    where = "kind = 'session.signaled'" + ("" if until is None else f" AND position <= {until:d}")
    with Reader(paths) as reader:
        found = list(islice(reader.events(where), REMEMBERED))
    for event in reversed(found):
        trails.note(event["uid"], event["payload"].get("context_percent"))
    return trails


def note(trails: Trails, event: Event) -> None:
    """The reading that an event tells of, if it does."""
    if event.kind == "session.signaled" and event.ref.uid:
        trails.note(event.ref.uid, getattr(event.fact, "context_percent", None))
