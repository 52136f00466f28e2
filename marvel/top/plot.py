"""Context in use over time, as lines of text, with restarts and shifts marked below. Pure."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

STEPS = " ▁▂▃▄▅▆▇█"
LABEL = 5  # columns of the percents on the left
LEAST_COLUMNS, LEAST_LINES = 12, 2


class Mark(NamedTuple):
    """Something that happened, on the axis."""

    time: float
    sign: str  # one character


def plot(
    points: Sequence[tuple[float, float]], marks: Sequence[Mark], until: float, columns: int, lines: int
) -> list[str]:
    """Readings `(time, percent)`, oldest first: `lines` of bars, the marks, and from when to when it is."""
    if not points:
        return ["no context percent was told"]
    size, height = max(LEAST_COLUMNS, columns - LABEL), max(LEAST_LINES, lines - 2)
    begins = min([points[0][0], *(mark.time for mark in marks)])
    span = max(1.0, until - begins)

    def column(at: float) -> int:
        return max(0, min(size - 1, int((at - begins) / span * size)))

    values = _values(points, marks, column, size)
    rows = []
    for row in range(height, 0, -1):
        label = f"{100 * row / height:3.0f}% " if row in (height, (height + 1) // 2) else " " * LABEL
        rows.append(label + "".join(_step(value, row, height) for value in values))
    signs = ["─"] * size
    for mark in marks:
        signs[column(mark.time)] = mark.sign
    rows.append(" " * LABEL + "".join(signs))
    left, right = clock(begins), clock(until)
    rows.append(" " * LABEL + left + right.rjust(max(len(right) + 1, size - len(left))))
    return rows


def _values(
    points: Sequence[tuple[float, float]], marks: Sequence[Mark], column: Callable[[float], int], size: int
) -> list[float | None]:
    """What each column shows: its highest reading; where there is none, the last one still holds."""
    read: list[float | None] = [None] * size
    for at, percent in points:
        place = column(at)
        read[place] = max(percent, read[place] or 0.0)
    fresh = {column(mark.time) for mark in marks}  # another process: what was read before is no more
    held: float | None = None
    shown: list[float | None] = []
    for place, value in enumerate(read):
        held = value if value is not None else None if place in fresh else held
        shown.append(held)
    return shown


def _step(value: float | None, row: int, height: int) -> str:
    """The part of one bar that is in one line."""
    if value is None:
        return " "
    filled = value / 100 * height - (row - 1)
    step = max(0, min(len(STEPS) - 1, round(filled * (len(STEPS) - 1))))
    return STEPS[1] if row == 1 and step == 0 else STEPS[step]


def clock(at: float) -> str:
    """The time of day here."""
    return time.strftime("%H:%M:%S", time.localtime(at))
