"""The bytes to and from a pane.

Nothing here may stop the agent: a closed pipe, a full one or a terminal that nobody reads any more
loses output, never time.
"""

from __future__ import annotations

import os
import select
import sys
import termios
from contextlib import suppress

from marvel.simulator.screen import replaced

STDIN, STDOUT = 0, 1
READ_BYTES = 64 * 1024
WIDTH_DEFAULT = 80


class Terminal:
    """Standard input and output, which may be a terminal, a pipe or nothing at all."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout is not None and os.isatty(STDOUT)
        self.input: int | None = STDIN if sys.stdin is not None and not _in_background() else None
        self._output = _open_output(self.is_terminal)
        self._saved = _take_single_keys() if self.input is not None else None
        self._rows: list[str] = []  # what stands below all messages, redrawn in place

    def close(self) -> None:
        """Leave the terminal as it was found, the cursor on a fresh line."""
        if self._rows:
            self._write("\n")
        if self._saved is not None:
            _set_keys(self._saved)
        if self._output not in (None, STDOUT):
            os.close(self._output)
        self._output = None

    def width(self) -> int:
        """Columns now; asked every time, as panes are resized."""
        try:
            return os.get_terminal_size(STDOUT).columns or WIDTH_DEFAULT
        except OSError:
            return WIDTH_DEFAULT

    def show(self, rows: list[str]) -> None:
        """Put `rows` at the bottom, in place of those shown before."""
        if rows != self._rows:
            self._write(replaced(self._rows, rows, self.width()))
            self._rows = rows

    def say(self, message: str) -> None:
        """One line that stays, above the rows."""
        if self.is_terminal:
            self._write(replaced(self._rows, [message, *(self._rows or [""])], self.width()))
        else:
            self._write(message + "\n")

    def read(self) -> bytes:
        """What has been typed. The end of the input is no reason to end, only to stop listening."""
        if self.input is None:
            return b""
        try:
            data = os.read(self.input, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self.input = None
        return data

    def _write(self, text: str) -> None:
        if self._output is None:
            return
        try:
            if select.select([], [self._output], [], 0)[1]:
                os.write(self._output, text.encode(errors="replace"))
        except BlockingIOError:
            pass
        except (OSError, ValueError):
            self._output = None  # nobody is there any more


def _open_output(is_terminal: bool) -> int | None:
    """Where to write without ever waiting.

    A terminal is opened once more: to make file descriptor 1 itself non-blocking would change it for
    everyone who shares it, the shell that started us included.
    """
    if sys.stdout is None:
        return None
    if is_terminal:
        try:
            return os.open(os.ttyname(STDOUT), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            pass
    return STDOUT


def _in_background() -> bool:
    """Whether reading the terminal would stop us, as it does to any background job."""
    try:
        return os.tcgetpgrp(STDIN) != os.getpgrp()
    except OSError:
        return False  # not a terminal, or not ours: reading stops nobody


def _take_single_keys() -> list[int | list[bytes | int]] | None:
    """No echo, no line editing by the terminal, so that only we write to the screen; ^C stays a signal.

    Returns the settings to go back to, None if standard input is no terminal.
    """
    try:
        saved = termios.tcgetattr(STDIN)
        changed = termios.tcgetattr(STDIN)
    except termios.error:
        return None
    changed[3] &= ~(termios.ECHO | termios.ICANON)
    _set_keys(changed)
    return saved


def _set_keys(settings: list[int | list[bytes | int]]) -> None:
    with suppress(termios.error):  # the pane may be going away
        termios.tcsetattr(STDIN, termios.TCSANOW, settings)
