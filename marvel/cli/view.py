"""The live table as values: keys in, the lines of a frame out. Pure."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from marvel.cli import listing
from marvel.cli.table import GAP, RED, RESET, table, width

Row = dict[str, Any]
Rows = list[Row]

REVERSED = "\x1b[7m"
SORTS = {  # key → columns it may mean, by what a kind has; each is a column's first letter
    "c": ("context_percent",),
    "n": ("name",),
    "r": ("role",),
    "g": ("generation", "to_generation"),
    "t": ("team", "teams"),
    "w": ("workspace",),
    "s": ("state", "phase", "sessions"),
    "d": ("desk",),
    "a": ("agent", "age"),
}
SCROLLS = {"up": -1, "k": -1, "down": 1, "j": 1}
PAGES = {"page-up": -1, "b": -1, "page-down": 1, " ": 1}
KEYS = {  # what terminals send
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b[5~": "page-up",
    "\x1b[6~": "page-down",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
}
_KEY = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b|[^\x1b]", re.DOTALL)
_PART = re.compile(r"\x1b\[[0-9;]*m|.", re.DOTALL)  # of a line: a colour, or a character
FEWEST_ROWS = 1


class Size(NamedTuple):
    """Of a terminal."""

    columns: int
    lines: int


def keys(text: str) -> list[str]:
    """What was typed, key by key; sequences nobody knows are left out."""
    found = _KEY.findall(text)
    return [KEYS.get(key, key) for key in found if key in KEYS or not key.startswith("\x1b") or key == "\x1b"]


def clip(line: str, columns: int) -> str:
    """As much of a line as fits, its colours ended."""
    if len(line) <= columns and line.isascii():  # colours only make it longer
        return line
    kept, taken = [], 0
    for part in _PART.findall(line):
        size = 0 if part[0] == "\x1b" else width(part)
        if taken + size > columns:
            break
        taken += size
        kept.append(part)
    text = "".join(kept)
    return text + RESET if "\x1b" in text else text


class View:
    """What a person sees of a listing: how it is sorted, where it is scrolled to, whether help is open."""

    def __init__(self, kind: str, *, wide: bool, headers: bool = True, sort_by: str | None = None) -> None:
        self._kind = kind
        self._wide = wide
        self._headers = headers
        self._sorts = _sorts(kind, wide=wide)
        self._field = None if sort_by is None else listing.sort_keys(kind)[sort_by.lower()]
        self._reverse = False
        self._help = False
        self._top = 0  # first row shown
        self._page = FEWEST_ROWS  # rows shown
        self._rows = 0
        self.quit = False

    @property
    def ages(self) -> bool:
        """Whether what it shows changes with time alone."""
        columns = [column for column in listing.COLUMNS[self._kind] if self._wide or not column.wide]
        return any(column.header in ("AGE", "NOTE") for column in columns)

    def press(self, key: str) -> None:
        """Take one key. With help open, any key but q closes it."""
        if key == "q":
            self.quit = True
        elif self._help:
            self._help = False
        elif key in ("h", "?"):
            self._help = True
        elif key in self._sorts:
            self._reverse = self._field == self._sorts[key] and not self._reverse
            self._field = self._sorts[key]
        elif key in SCROLLS:
            self._scroll(self._top + SCROLLS[key])
        elif key in PAGES:
            self._scroll(self._top + PAGES[key] * self._page)
        elif key in ("home", "end", "G"):
            self._scroll(0 if key == "home" else self._rows)

    def frame(
        self, objects: Rows, now: float, size: Size, *, note: str = "", alarm: str = "", coloured: bool = True
    ) -> list[str]:
        """The lines of a screen. The last one tells how it stands, after a note or an alarm."""
        rows = listing.lines(self._kind, objects)
        if self._field is not None:
            rows = listing.sorted_by(self._field, rows, now, reverse=self._reverse)
        headers, cells = listing.cells(self._kind, rows, now, wide=self._wide)
        heads = [headers] if self._headers else []
        self._rows, self._page = len(rows), max(FEWEST_ROWS, size.lines - len(heads) - 1)
        self._scroll(self._top)
        if self._help:
            body = self._help_lines()
        elif not rows:
            body = [f"No {self._kind} found."]
        else:
            lines = _table(heads + cells, size.columns, coloured=coloured)
            first = len(heads) + self._top
            body = lines[: len(heads)] + lines[first : first + self._page]
        room = max(0, size.lines - 1)
        body = body[:room] + [""] * (room - len(body))
        status = self._status(note, alarm, size.columns, coloured=coloured)
        return [*(clip(line, size.columns) for line in body), status]

    def _scroll(self, top: int) -> None:
        self._top = max(0, min(top, self._rows - self._page))

    def _status(self, note: str, alarm: str, columns: int, *, coloured: bool) -> str:
        parts = [alarm, note, f"{self._rows} {self._kind if self._kind != 'teams' else 'roles'}"]
        if self._rows > self._page:
            parts.append(f"{self._top + 1}-{min(self._rows, self._top + self._page)} shown")
        if self._field is not None:
            parts.append(f"by {self._header(self._field)}{', reversed' if self._reverse else ''}")
        parts.append("h help, q quit")
        text = clip("   ".join(filter(None, parts)), columns)
        return f"{RED if alarm else ''}{REVERSED}{text}{RESET}" if coloured else text

    def _header(self, field: str) -> str:
        columns = listing.COLUMNS[self._kind]
        return next((column.header for column in columns if column.field == field), field)

    def _help_lines(self) -> list[str]:
        sorts = [f"  {key}           by {self._header(field)}" for key, field in self._sorts.items()]
        return [
            f"marvel get {self._kind} --watch",
            "",
            "Sort; the same key again reverses:",
            *sorts,
            "",
            "  arrows, j k  scroll",
            "  space, b     a page down, up",
            "  Home, End    to the first row, to the last",
            "  h            this help; any key closes it",
            "  q            quit",
        ]


def _table(rows: list[list[str]], columns: int, *, coloured: bool) -> list[str]:
    """Rows as lines, close together where they would not fit otherwise."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    gap = GAP if sum(widths) + len(GAP) * (len(widths) - 1) <= columns else " "
    return table([], rows, coloured=coloured, gap=gap).splitlines()


def _sorts(kind: str, *, wide: bool) -> dict[str, str]:
    """The sort keys that a kind has columns for."""
    shown = {column.field for column in listing.COLUMNS[kind] if wide or not column.wide}
    meant = {key: next((f for f in fields if f in shown), None) for key, fields in SORTS.items()}
    return {key: field for key, field in meant.items() if field is not None}
