"""One daemon per state directory: a lock on a file that also says who holds it."""

import contextlib
import fcntl
import json
import os
import time
from datetime import datetime
from typing import Any

from marvel.errors import DaemonUnavailable
from marvel.settings import Paths, own_file
from marvel.store.condition import NOTE_BYTES

PATIENCE_SECONDS = 0.1


class Lock:
    """Held until the process ends, however it ends."""

    def __init__(self, paths: Paths, run_id: str) -> None:
        self._fd = own_file(paths.lock, os.O_RDWR | os.O_CREAT)
        if not self._taken():
            os.close(self._fd)
            raise DaemonUnavailable(f"another daemon runs here: {_holder(paths)}")
        self._who = {"pid": os.getpid(), "since": time.time(), "run_id": run_id}
        os.ftruncate(self._fd, 0)
        self._write({})

    def note(self, fields: dict[str, Any]) -> None:
        """Say more of the holder, in place of what was said before; without effect where that fails."""
        with contextlib.suppress(OSError):
            self._write(fields)

    def _write(self, fields: dict[str, Any]) -> None:
        """Always as many bytes: the room for them is there, also once the disk is full."""
        note = json.dumps({**self._who, **fields}, ensure_ascii=False).encode(errors="replace")
        os.pwrite(self._fd, note.ljust(NOTE_BYTES), 0)

    def _taken(self) -> bool:
        """Try for a moment: a reader that looks whether a daemon runs holds the lock for microseconds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(PATIENCE_SECONDS / 20)
            else:
                return True

    def release(self) -> None:
        """Give it up; the note goes first, so that nobody reads it as ours."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def _holder(paths: Paths) -> str:
    with (
        contextlib.suppress(OSError, ValueError, KeyError),
        open(own_file(paths.lock, os.O_RDONLY), encoding="utf-8") as file,
    ):
        note = json.load(file)
        since = datetime.fromtimestamp(note["since"]).astimezone()
        return f"pid {note['pid']}, since {since:%Y-%m-%d %H:%M:%S} ({paths.home})"
    return paths.home
