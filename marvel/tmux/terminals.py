"""Reads the state of a pane's terminal: how its program reads the keyboard, and what it has not read yet."""

from __future__ import annotations

import fcntl
import os
import re
import termios
from typing import NamedTuple

_TTY = re.compile(r"/dev/(?:pts/\d+|tty\w+)")
_LFLAG = 3  # place of the local modes in what tcgetattr returns


class Terminal(NamedTuple):
    """A terminal as its program has set it.

    `by_line`: the terminal itself edits lines and hands them over at Enter. A program with a composer of its
    own reads key by key.
    """

    by_line: bool
    unread: int  # bytes that were typed and not read yet


def terminal(tty: str) -> Terminal | None:
    """Return the state of the terminal at this path; None when it cannot be read."""
    if not _TTY.fullmatch(tty):
        return None
    try:
        descriptor = os.open(tty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        modes = termios.tcgetattr(descriptor)[_LFLAG]
        waiting = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4)
    except (OSError, termios.error):
        return None
    finally:
        os.close(descriptor)
    return Terminal(bool(modes & termios.ICANON), int.from_bytes(waiting, "little"))
