"""The doorbell: one byte written to a file wakes every watcher of the log within a millisecond.

Only a hint. A watcher first reads what is past its cursor and then waits, always with a time-out, so a
lost or doubled ring does no harm. Watching the database's own files would wake before a commit is visible.
"""

import contextlib
import ctypes
import os
import select

from marvel.settings import own_file

_IN_MODIFY = 0x00000002
_IN_NONBLOCK = 0o4000
_IN_CLOEXEC = 0o2000000
POLL_SECONDS = 0.1  # between reads where inotify is not to be had


def ring(path: str) -> None:
    """Wake the watchers. Failing to is no error: they look again by themselves."""
    with contextlib.suppress(OSError):
        bell = own_file(path, os.O_WRONLY | os.O_CREAT)
        try:
            os.pwrite(bell, b"!", 0)
        finally:
            os.close(bell)


class Bell:
    """Waits for rings on one bell file; polls where there is none to listen to."""

    def __init__(self, path: str) -> None:
        self._fd: int | None = None
        with contextlib.suppress(OSError):  # a FIFO in its place, no descriptor left: no reason not to read
            os.close(own_file(path, os.O_WRONLY | os.O_CREAT))
            self._fd = _inotify(path)

    def fileno(self) -> int | None:
        """What to select on; None where the caller has to poll each POLL_SECONDS."""
        return self._fd

    def drain(self) -> None:
        """Forget the rings so far."""
        if self._fd is not None:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._fd, 4096):
                    pass

    def wait(self, timeout: float) -> None:
        """Return after a ring, or after `timeout` seconds."""
        if self._fd is None:
            select.select([], [], [], min(timeout, POLL_SECONDS))
            return
        select.select([self._fd], [], [], timeout)
        self.drain()

    def close(self) -> None:
        """Stop watching."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _inotify(path: str) -> int | None:
    libc = ctypes.CDLL(None, use_errno=True)
    fd: int = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
    if fd < 0:
        return None
    if libc.inotify_add_watch(fd, os.fsencode(path), _IN_MODIFY) < 0:
        os.close(fd)
        return None
    return fd
