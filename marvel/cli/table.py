"""The printer: rows of text as a table that lines up on a terminal, whatever the texts hold.

No text of an agent reaches the terminal as it is: what does not print becomes `?`.
"""

from __future__ import annotations

import os
import sys

from marvel.config import load
from marvel.text import is_plain, printable

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GAP = "   "
ABSENT = "-"
RESET = "\x1b[0m"
GREEN, YELLOW, RED, DIM = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m"
COLOURS = {
    "running": GREEN,
    "pending": YELLOW,
    "stopping": YELLOW,
    "stopped": DIM,
    "succeeded": DIM,
    "failed": RED,
    "crashloop-backoff": RED,
    "unhealthy": RED,
    "waiting": YELLOW,
    "limited": YELLOW,
    "stuck": YELLOW,
}


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, coloured: bool = False, gap: str = GAP
) -> str:
    """Lines of columns. Headers are left out when empty; words of state get their colour."""
    lines = [headers, *rows] if headers else rows
    columns = [_column(column, coloured) for column in zip(*lines, strict=True)]
    return "".join(gap.join(line).rstrip() + "\n" for line in zip(*columns, strict=True))


def width(text: str) -> int:
    """Columns a printable text takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    marks = ("Mn", "Me")  # sit on the character before them
    return sum(0 if category(c) in marks else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def is_coloured() -> bool:
    """Whether standard output wants colours: as config.toml says, else a terminal not told otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    preferred = load().colours
    if preferred != "auto":
        return preferred == "always"
    if os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def counted(count: int, word: str) -> str:
    """`1 session`, `2 sessions`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def joined(names: Iterable[str]) -> str:
    """Names in one cell."""
    return ",".join(names) or ABSENT


def _column(cells: Sequence[str], coloured: bool) -> list[str]:
    """Cells as wide as the widest. What is plain goes the short way: nearly everything is."""
    text = "".join(cells)
    if text.isascii() and is_plain(text):
        size = max(map(len, cells))
        padded = [cell.ljust(size) for cell in cells]
    else:
        cells = [printable(cell) for cell in cells]
        widths = [width(cell) for cell in cells]
        size = max(widths)
        padded = [cell + " " * (size - taken) for cell, taken in zip(cells, widths, strict=True)]
    if not coloured:
        return padded
    colours = [COLOURS.get(cell) for cell in cells]
    return [
        f"{colour}{cell}{RESET}{shown[len(cell) :]}" if colour else shown
        for cell, shown, colour in zip(cells, padded, colours, strict=True)
    ]
