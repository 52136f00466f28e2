"""Text on its way in: bytes become lines, what is not yet a line can be looked at."""

from __future__ import annotations

import re

LINE_LIMIT_BYTES = 256 * 1024
BACKSPACES = (b"\x08", b"\x7f")
KILL_LINE = b"\x15"


class Draft:
    """The line being typed. The terminal hands over single keys, so erasing is up to us."""

    def __init__(self) -> None:
        self._typed = bytearray()

    @property
    def text(self) -> str:
        """What was typed since the last line end."""
        return self._typed.decode(errors="replace")

    def feed(self, data: bytes) -> list[str]:
        """Take more input and return the lines it completed. A line over the limit ends there."""
        lines = []
        for piece in re.split(rb"([\x08\x7f\x15])", data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")):
            if piece == KILL_LINE:
                self._typed.clear()
            elif piece in BACKSPACES:
                self._erase()
            else:
                lines += self._append(piece)
        return lines

    def _append(self, data: bytes) -> list[str]:
        lines = []
        for index, part in enumerate(data.split(b"\n")):
            if index:
                lines.append(self._end())
            self._typed += part
        if len(self._typed) >= LINE_LIMIT_BYTES:
            lines.append(self._end())
        return lines

    def _end(self) -> str:
        line = self.text
        self._typed.clear()
        return line

    def _erase(self) -> None:
        """Drop the last character, all its bytes."""
        while self._typed and self._typed.pop() & 0b1100_0000 == 0b1000_0000:
            pass
