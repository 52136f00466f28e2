"""Reads values out of payloads that may hold anything, and flags out of argvs that a user wrote."""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marvel.text import is_plain

MAX_TEXT = 200
# A conversation's id becomes an argument of the next start: it must not be an option, or a path.
CONVERSATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def text(payload: Any, *names: str) -> str:
    """A text at a path of names, without what does not show; empty when there is none."""
    value = at(payload, *names)
    return beginning(value) if isinstance(value, str) else ""


def beginning(value: str) -> str:
    """Return the beginning of a text, without what does not show or steers a terminal."""
    return "".join(filter(is_plain, value[:MAX_TEXT]))


def plain_id(told: str) -> str:
    """An agent's own id of its conversation; empty when it is not of the form that ids have."""
    return told if CONVERSATION.fullmatch(told) else ""


def number(payload: Any, *names: str) -> float | None:
    """A finite number, not below zero, at a path of names."""
    value = at(payload, *names)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def moment(payload: Any, *names: str) -> float | None:
    """A time with its zone at a path of names, as seconds since 1970."""
    try:
        found = datetime.fromisoformat(text(payload, *names))
        return found.timestamp() if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def percent(part: float | None, whole: float | None) -> float | None:
    """A share, at most 100; None when either is unknown."""
    return min(100.0, 100.0 * part / whole) if part is not None and whole else None


def at(payload: Any, *names: str) -> Any:
    """Whatever is at a path of names."""
    for name in names:
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def has(argv: Sequence[str], *flags: str) -> bool:
    """Whether a user set one of these flags himself, as `--flag` or `--flag=value`."""
    return any(word == flag or word.startswith(f"{flag}=") for word in argv for flag in flags)


def option(argv: Sequence[str], flag: str) -> str:
    """The value of a flag that a user set himself; empty when there is none."""
    for place, word in enumerate(argv):
        if word == flag:
            return argv[place + 1] if place + 1 < len(argv) else ""
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return ""


def without(argv: tuple[str, ...], flag: str) -> tuple[tuple[str, ...], str]:
    """Return an argv without a flag that has a value, and that value; empty when there is none."""
    value = option(argv, flag)
    for place, word in enumerate(argv):
        if word == flag:
            return (*argv[:place], *argv[place + 2 :]), value
        if word.startswith(f"{flag}="):
            return (*argv[:place], *argv[place + 1 :]), value
    return argv, ""


def absent(argv: Sequence[str], flag: str, *values: str) -> tuple[str, ...]:
    """A flag and its values, unless the user set it or there is no value."""
    return () if has(argv, flag) or not all(values) else (flag, *values)


def version(words: str) -> tuple[int, ...]:
    """The first dotted number in what `--version` printed; empty when there is none."""
    for word in words.split():
        parts = word.lstrip("v").split(".")
        if len(parts) > 1 and parts[0].isdecimal():
            return tuple(int(p) for p in parts if p.isdecimal() and len(p) < 10)
    return ()
