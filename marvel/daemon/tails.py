"""The last lines of an ended session's screen, kept in its directory; the log holds their hash."""

import contextlib
import hashlib
import os
import re

from marvel.settings import session_file

LINES = 50
_DEAD = re.compile(r"Pane is dead( \(.*\))?")  # what tmux itself writes into a dead pane


def keep(directory: str, screen: str) -> str:
    """Write the last lines of a screen; returns their SHA-256 in hex, or nothing when that failed."""
    lines = [line.rstrip() for line in screen.splitlines()]
    while lines and (not lines[-1] or _DEAD.fullmatch(lines[-1])):
        lines.pop()
    text = "".join(f"{line}\n" for line in lines[-LINES:]).encode(errors="replace")
    with contextlib.suppress(OSError):
        path = os.path.join(directory, "tail")
        fd = session_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(fd, "wb") as file:
            file.write(text)
        return hashlib.sha256(text).hexdigest()
    return ""
