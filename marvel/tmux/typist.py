"""Typing to a pane: the one way, for the daemon and for command lines alike.

    hold the pane's lock → is a person typing there? → paste or press → let go

All who type to one session, in whatever process, hold the same lock (`flock` on a file, which ends with
its holder), so two texts never mix. A person at a client that is attached to the pane can't be asked to
hold it; a key pressed there in the last seconds means that a line may be half written.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from marvel.tmux.records import Failed, Watcher
from marvel.tmux.server import TmuxServer

PERSON_SECONDS = 10.0  # after a key of a person, until a half-written line is taken for abandoned
AGAIN_SECONDS = 0.02  # between tries to get the lock
LOOK_SECONDS = 0.5  # between looks whether a person still types
BUSY_SECONDS = 10.0  # to wait for the lock: nobody holds it for longer than tmux needs to answer


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be typed to whom."""

    pane: str
    uid: str
    lock: Path
    text: str = ""
    enter: bool = False
    keys: tuple[str, ...] = ()  # pressed instead, by their tmux names
    over_person: bool = False  # although a person types there
    patience: float = 0.0  # seconds to wait for a person to finish


def type_to(server: TmuxServer, message: Message, done: Callable[[Failed | None], None]) -> None:
    """Type, once; `done(None)` when tmux has taken it. `Failed("busy")`: others type there."""
    _Attempt(server, message, done).begin()


class _Attempt:
    def __init__(self, server: TmuxServer, message: Message, done: Callable[[Failed | None], None]) -> None:
        self._server = server
        self._message = message
        self._done = done
        self._lock: int | None = None
        now = server.now()
        self._lock_until = now + BUSY_SECONDS
        self._person_until = now + message.patience

    def begin(self) -> None:
        try:
            self._lock = _locked(self._message.lock)
        except OSError as error:
            failed = Failed(reason="refused", message=f"{error.filename}: {error.strerror}")
            self._later(0, lambda: self._end(failed))
            return
        if self._lock is not None:
            self._look()
        elif self._server.now() < self._lock_until:
            self._later(AGAIN_SECONDS, self.begin)
        else:
            self._end(Failed(reason="busy", message="someone else is typing to it"))

    def _look(self) -> None:
        if self._message.over_person:
            self._type()
        else:
            self._server.watchers(self._seen)

    def _seen(self, watchers: tuple[Watcher, ...] | Failed) -> None:
        if isinstance(watchers, Failed):
            self._end(watchers)
        elif not any(_types(watcher, self._message.pane, time.time()) for watcher in watchers):
            self._type()
        elif self._server.now() < self._person_until:
            self._release()  # others may be allowed to type over the person
            self._later(LOOK_SECONDS, self.begin)
        else:
            self._end(Failed(reason="busy", message="a person is typing there"))

    def _type(self) -> None:
        message = self._message
        if message.keys:
            self._server.send_keys(message.pane, message.uid, message.keys, self._end)
        else:
            self._server.paste(message.pane, message.uid, message.text, self._end, enter=message.enter)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._server.later(seconds, action)

    def _end(self, failed: Failed | None) -> None:
        self._release()
        self._done(failed)

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _types(watcher: Watcher, pane: str, now: float) -> bool:
    return watcher.pane == pane and not watcher.read_only and now - watcher.active_at < PERSON_SECONDS


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock; None while another does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
