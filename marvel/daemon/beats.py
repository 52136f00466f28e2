"""Beats by file: a session touches `beats/<uid>`, and the file's new mtime is a beat.

One inotify watch on the directory serves all sessions, however many. A burst is read once and then left
alone for a moment, so that a thousand beating agents wake the daemon five times a second and no more. A
scan at the start finds what was touched while no daemon looked, and another one what an overflow lost.
"""

import contextlib
import os
import time
from collections.abc import Callable, Mapping

from marvel.controllers import Lease
from marvel.daemon.inotify import Inotify
from marvel.daemon.poller import READ, Poller
from marvel.settings import MODE_PRIVATE_DIRECTORY
from marvel.tmux.timers import Timers

REST_SECONDS = 0.2  # after a burst
SCAN_SECONDS = 1.0  # between scans where inotify is not to be had
FORGET_SECONDS = 5.0  # an ended agent's file is removed this much later


class Beats:
    """Watches the directory. `touched` takes a beat: uid, wall clock; whether there is such a session."""

    def __init__(
        self,
        directory: str,
        *,
        poller: Poller,
        timers: Timers,
        leases: Mapping[str, Lease],
        touched: Callable[[str, float], bool],
    ) -> None:
        self._directory = directory
        self._poller = poller
        self._timers = timers
        self._leases = leases
        self._touched = touched
        self._mtimes: dict[str, int] = {}  # ns
        os.makedirs(directory, mode=MODE_PRIVATE_DIRECTORY, exist_ok=True)
        self._watch = Inotify(directory)
        self._listen()

    def scan(self) -> None:
        """Look at every file: what is newer than its session's lease is a beat that nobody has seen."""
        with contextlib.suppress(OSError), os.scandir(self._directory) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    self._see(entry.name, entry.stat(follow_symlinks=False).st_mtime_ns)

    def check(self) -> None:
        """Make the directory and its watch anew if somebody removed them."""
        if self._watch.lost:
            self.close()
            os.makedirs(self._directory, mode=MODE_PRIVATE_DIRECTORY, exist_ok=True)
            self._watch = Inotify(self._directory)
            self._listen()
            self.scan()

    def forget(self, uid: str) -> None:
        """A session has ended: its file goes, a little later, for its last processes may still touch it."""
        self._timers.after(FORGET_SECONDS, lambda: self._remove(uid))

    def close(self) -> None:
        """Stop watching."""
        fd = self._watch.fileno()
        if fd is not None:
            self._poller.forget(fd, self)
        self._watch.close()

    def _listen(self) -> None:
        fd = self._watch.fileno()
        if fd is None:
            self._timers.after(SCAN_SECONDS, self._poll)
        else:
            self._poller.watch(fd, READ, self, lambda _events: self._read())

    def _poll(self) -> None:
        if self._watch.fileno() is None:
            self.scan()
            self._listen()

    def _read(self) -> None:
        names, overflowed = self._watch.read()
        for name in names:
            with contextlib.suppress(OSError):
                self._see(name, os.lstat(os.path.join(self._directory, name)).st_mtime_ns)
        if overflowed:
            self.scan()
        fd = self._watch.fileno()
        if fd is not None and not self._watch.lost:
            self._poller.forget(fd, self)
            self._timers.after(REST_SECONDS, self._listen)

    def _see(self, uid: str, mtime: int) -> None:
        """A file as it is now. One not seen before counts from the session's last lease."""
        known = self._mtimes.get(uid)
        if mtime in (known, 0):  # made for a contained session, and not touched yet
            return
        now = time.time()
        at = min(mtime / 1e9, now)
        lease = self._leases.get(uid)
        is_new = known is not None or lease is None or at > lease.at
        if is_new and not self._touched(uid, at if known is None else now):
            self.forget(uid)  # nobody's, or that of a session that has ended
        else:
            self._mtimes[uid] = mtime

    def _remove(self, uid: str) -> None:
        self._mtimes.pop(uid, None)
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self._directory, uid))
