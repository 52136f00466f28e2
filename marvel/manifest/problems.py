"""What is wrong with a manifest: where, in words, and in which order a reader meets it."""

import datetime
import json
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from marvel.text import is_plain

Where: TypeAlias = tuple[str | int, ...]  # ("team", 0, "role", 1, "replicas")

PROBLEMS_LIMIT = 200  # of one file; more than that is not a manifest
SHOWN_LIMIT = 40  # characters of a value inside a message
BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")


class Lines(msgspec.Struct, frozen=True):
    """Where the parts of a document stand in its text."""

    at: dict[Where, int] = {}
    spread: frozenset[Where] = frozenset()  # values of several lines: where a part of it stands is not known

    def of(self, where: Where) -> int | None:
        """The line of this part, or of the nearest one around it; None when that would be a guess."""
        while where and where not in self.at:
            where = where[:-1]
            if where in self.spread:
                return None
        return self.at.get(where)


class Problems:
    """Collects the problems of one document."""

    def __init__(self) -> None:
        self.found: list[tuple[Where, str]] = []
        self.omitted = 0

    def add(self, where: Where, message: str) -> None:
        if self.full:
            self.omitted += 1
        else:
            self.found.append((where, message))

    @property
    def full(self) -> bool:
        return len(self.found) >= PROBLEMS_LIMIT

    def __bool__(self) -> bool:
        return bool(self.found)

    def told(self, document: object, lines: Callable[[], Lines]) -> list[str]:
        """The problems as a user reads them, in the order of the file."""
        if not self.found:
            return []
        known = lines()
        order = _Order(document)
        told = [
            _told(where, message, known.of(where))
            for where, message in sorted(self.found, key=lambda problem: order.of(problem[0]))
        ]
        if self.omitted:
            told.append(f"and {self.omitted} more problems")
        return told


def _told(where: Where, message: str, line: int | None) -> str:
    text = f"{spelled(where)}: {message}" if where else message
    return text if line is None else f"{text} (line {line})"


class _Order:
    """Sorts paths as their parts follow each other in the document; what is missing comes first."""

    def __init__(self, document: object) -> None:
        self._document = document
        self._ranks: dict[Where, dict[str, int]] = {}

    def of(self, where: Where) -> tuple[int, ...]:
        here: Any = self._document
        order: list[int] = []
        for depth, step in enumerate(where):
            if isinstance(step, int):
                order.append(step)
                here = here[step] if isinstance(here, list) and step < len(here) else None
            elif isinstance(here, dict):
                ranks = self._ranks.setdefault(where[:depth], {})
                if not ranks:
                    ranks.update({key: rank for rank, key in enumerate(here)})
                order.append(ranks.get(step, -1))
                here = here.get(step)
            else:
                order.append(-1)
        return tuple(order)


def spelled(where: Where) -> str:
    """A path as it stands in a message: `team[0].role[1].replicas`."""
    text = ""
    for step in where:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if BARE_KEY.fullmatch(step) else quoted(step)
            text += f".{key}" if text else key
    return text


def shown(value: object) -> str:
    """A value inside a message: short, on one line, in the words of TOML."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case int():
            return str(value) if value.bit_length() <= 128 else "a huge number"
        case float():
            return repr(value)
        case list() | tuple():
            return "an empty list" if not value else "a list"
        case dict():
            return "a table"
        case datetime.date() | datetime.time():
            return f"the date or time {value.isoformat()}"
        case _:
            return f"a {type(value).__name__}"


def quoted(text: str) -> str:
    """Text in quotes, shortened, with everything unprintable escaped."""
    short = text if len(text) <= SHOWN_LIMIT else f"{text[: SHOWN_LIMIT - 1]}…"
    if is_plain(short):
        return json.dumps(short, ensure_ascii=False)
    return json.dumps(short)
