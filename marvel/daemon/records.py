"""Reads on in the records that agents keep of their conversations, where no hook tells how a turn ended.

A hook names the file. What is added to it from then on is told as beats, until it says that the turn is over;
what stood there before is of earlier turns. A daemon that was started in the middle of a turn waits for the
agent's next hook.
"""

import os
from collections import deque
from collections.abc import Callable
from typing import Any

from marvel.resources import Activity
from marvel.runtimes import parse
from marvel.runtimes.sse import Lines, document
from marvel.runtimes.values import moment
from marvel.settings import regular
from marvel.tmux.timers import Timers

LOOK_SECONDS = 1.0  # between looks at a file that is read
READ_BYTES = 1024 * 1024  # at one look
MAX_RECORDS = 16  # of a turn, that are told together
MAX_PATH = 4096
OVER: tuple[Activity, ...] = ("idle", "limited")

Take = Callable[
    [str, str, dict[str, Any], float | None], bool
]  # uid, source, payload, when; whether it goes on


class Reading:
    """One record that is read, from its present end."""

    def __init__(self, uid: str, source: str, path: str) -> None:
        self.uid = uid
        self.source = source
        self.path = path
        self.turn: deque[dict[str, Any]] = deque(maxlen=MAX_RECORDS)
        self._lines = Lines()
        self._at = _size(path)

    def news(self) -> list[dict[str, Any]]:
        """The records that were added and say something."""
        try:
            with open(self.path, "rb", opener=regular) as file:
                size = os.fstat(file.fileno()).st_size
                if size < self._at:  # it was begun anew
                    self._at, self._lines = size, Lines()
                file.seek(self._at)
                added = file.read(READ_BYTES)
        except OSError:
            return []  # not there yet, or no longer: the hooks go on telling
        self._at += len(added)
        told = [document(line) for line in self._lines.feed(added)]
        return [one for one in told if isinstance(one, dict) and parse(self.source, one) is not None]


class Records:
    """The records of all sessions."""

    def __init__(self, timers: Timers, take: Take) -> None:
        self._timers = timers
        self._take = take
        self._readings: dict[str, Reading] = {}

    def look(self, uid: str, source: str, path: object) -> None:
        """A hook named the record: what is added from now on counts."""
        if not source or not isinstance(path, str) or not _is_plain(path):
            return
        known = self._readings.get(uid)
        if known is not None:
            self._read(known)  # the end of the turn before may stand there
            if known.path == path and self._readings.get(uid) is known:
                return
        self._readings[uid] = reading = Reading(uid, source, path)
        self._later(reading)

    def forget(self, uid: str) -> None:
        """A session has ended."""
        self._readings.pop(uid, None)

    def close(self) -> None:
        """Read no more."""
        self._readings.clear()

    def _later(self, reading: Reading) -> None:
        def again() -> None:
            if self._readings.get(reading.uid) is reading:
                self._read(reading)
                self._later(reading)

        self._timers.after(LOOK_SECONDS, again)

    def _read(self, reading: Reading) -> None:
        news = reading.news()
        if not news:
            return
        reading.turn.extend(news)
        last = news[-1]
        payload = {"rollout": list(reading.turn)}
        lives = self._take(reading.uid, reading.source, payload, moment(last, "timestamp"))
        told = parse(reading.source, payload)
        if not lives or (told is not None and told.activity in OVER):
            self.forget(reading.uid)


def _is_plain(path: str) -> bool:
    return os.path.isabs(path) and "\0" not in path and len(path) <= MAX_PATH


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
