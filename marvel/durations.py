"""Durations as people write them: `500ms`, `30s`, `1h30m`, `2d`. Inside marvel they are seconds."""

import re

PATTERN = (
    r"(?=[0-9])(?:([0-9]+(?:\.[0-9]+)?)d)?(?:([0-9]+(?:\.[0-9]+)?)h)?(?:([0-9]+(?:\.[0-9]+)?)m(?!s))?"
    r"(?:([0-9]+(?:\.[0-9]+)?)s)?(?:([0-9]+(?:\.[0-9]+)?)ms)?"
)
UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
MILLISECONDS = 1_000
LONGEST = 3_650 * 86_400.0  # ten years: a date computed with it still is a date


def parse(text: str) -> float | None:
    """Seconds; None when the text is no duration."""
    match = re.fullmatch(PATTERN, text)
    if match is None:
        return None
    days, hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return days * 86_400 + hours * 3_600 + minutes * 60 + seconds + milliseconds / MILLISECONDS


def spell(seconds: float) -> str:
    """The shortest usual spelling; exact for everything that `parse` returned from such a spelling."""
    if seconds != int(seconds):
        thousands = round(seconds * MILLISECONDS)
        text = f"{thousands}ms"
        return text if parse(text) == seconds else f"{seconds:f}".rstrip("0") + "s"
    rest = int(seconds)
    text = ""
    for unit, size in UNITS:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def written(seconds: float) -> str | float:
    """For a file: the usual spelling where it reads back as the same number, else the plain seconds."""
    text = spell(seconds)
    return text if parse(text) == seconds else seconds
