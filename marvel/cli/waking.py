"""Sleeping until there may be something new: the log's bell, the daemon's end, the caller's descriptors."""

import contextlib
import os
import select
import time

from marvel.cli import servers
from marvel.errors import MarvelError
from marvel.settings import Paths
from marvel.store.bell import POLL_SECONDS, Bell
from marvel.store.condition import remarks
from marvel.store.query import daemon_note

DAEMON_GONE = "daemon is gone: this is what was recorded last"
IDLE_SECONDS = 1.0  # between looks that nothing asked for: a ring may be lost, a daemon come without one


class Waker:
    """Waits on everything a watcher has to react to. Where there is no bell to be had, it looks often."""

    def __init__(self, paths: Paths, *descriptors: int) -> None:
        self._paths = paths
        self._poll = select.poll()
        self._bell: Bell | None = None
        self._daemon: int | None = None  # pidfd
        self.daemon_runs = False
        self.alarm = ""  # why what is shown may not be what is, if anything
        self._noted_at = 0.0  # when the daemon's note was read
        for descriptor in descriptors:
            self._poll.register(descriptor, select.POLLIN)
        self._look()

    def watch_reader(self, descriptor: int) -> None:
        """Wake also when the reader of this output goes."""
        self._poll.register(descriptor, 0)  # errors are always told

    def wait(self, seconds: float = IDLE_SECONDS) -> set[int]:
        """Return when something may be new, or after `seconds`; the caller's descriptors that are ready."""
        bell = None if self._bell is None else self._bell.fileno()
        limit = min(seconds, IDLE_SECONDS if bell is not None else POLL_SECONDS)
        ready = {descriptor for descriptor, _ in self._poll.poll(max(0.0, limit) * 1000)}
        if self._bell is not None and bell in ready:
            self._bell.drain()
        if self._daemon in ready:
            self._forget_daemon()
        self._look()
        return ready - {bell, self._daemon}

    def close(self) -> None:
        """Stop watching."""
        self._forget_daemon()
        if self._bell is not None:
            self._bell.close()

    def _look(self) -> None:
        """Find the bell and the daemon, where they are not known."""
        if self._bell is None and os.path.exists(self._paths.database):
            with contextlib.suppress(OSError):  # the directory may be read-only
                self._bell = Bell(self._paths.bell)
                descriptor = self._bell.fileno()
                if descriptor is not None:
                    self._poll.register(descriptor, select.POLLIN)
        if self._daemon is not None and time.monotonic() < self._noted_at + IDLE_SECONDS:
            return
        self._noted_at = time.monotonic()
        note = daemon_note(self._paths)
        self.daemon_runs = note is not None
        self.alarm = DAEMON_GONE if note is None else "; ".join([*remarks(note), *self._silent_servers()])
        if self._daemon is None:
            with contextlib.suppress(OSError, KeyError, TypeError):
                self._daemon = os.pidfd_open((note or {})["pid"])
                self._poll.register(self._daemon, select.POLLIN)

    def _silent_servers(self) -> list[str]:
        with contextlib.suppress(MarvelError):  # the follower reports what is wrong with the log
            return servers.unreachable_now(self._paths)
        return []

    def _forget_daemon(self) -> None:
        if self._daemon is not None:
            self._poll.unregister(self._daemon)
            os.close(self._daemon)
            self._daemon = None
