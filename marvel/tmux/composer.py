"""Finds a typed text in a program's composer, and whether Enter took it out again. Pure: screens in.

Where a program has a composer, the text is on one of the rows that changed when it was pasted. While it
stays at the same distance from the bottom of the screen, it was not submitted; an Enter that was taken for
a newline only adds an empty row.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from marvel.runtimes.dialogs import rows_of

_NEEDLE = 24  # characters at the end of a text that are looked for
_PLACEHOLDER = re.compile(r"\[[^\]]*past(?:e|ed)\b[^\]]*\]", re.IGNORECASE)  # in place of a long text


class Place(NamedTuple):
    """Where a text stands in a composer."""

    row: str  # what its last row shows
    below: int  # rows between it and the bottom of the screen

    @property
    def mark(self) -> str:
        """Return what names the row without telling it."""
        return hashlib.sha256(self.row.encode(errors="surrogateescape")).hexdigest()


def place_of(text: str, before: str, after: str) -> Place | None:
    """Return where a text came to stand that was pasted between two screens; None when it is not seen."""
    needle = "".join(text.split())[-_NEEDLE:]
    known, rows = set(rows_of(before)), rows_of(after)
    shown = "".join("".join(row.split()) for row in rows)  # up to the row that is looked at
    for below, row in enumerate(reversed(rows)):
        width = len("".join(row.split()))
        ends_here = needle and needle in shown[-(width + len(needle) - 1) :]
        if row not in known and (ends_here or _PLACEHOLDER.search(row)):
            return Place(row, below)
        shown = shown[: len(shown) - width]
    return None


def holds(screen: str, place: Place) -> bool:
    """Whether a screen still shows the text where it was pasted."""
    rows = rows_of(screen)
    return place.below < len(rows) and rows[-1 - place.below].startswith(place.row)


def shows(screen: str, mark: str) -> bool:
    """Whether one of a screen's rows is the one with this mark."""
    return any(Place(row, 0).mark == mark for row in rows_of(screen))
