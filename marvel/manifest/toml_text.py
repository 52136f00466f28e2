"""TOML text → document, and where each part of the document stands in the text."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from marvel.manifest.problems import Lines, Where

DOTS_LIMIT = 32  # in one key, as YAML may be nested: the time to parse grows with the square of it

KEY = re.compile(r"""[ \t]*(?:"((?:\\.|[^"\\\n])*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*""")
KEY_END = re.compile(r"[=,\[\]{}\n]")
PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*|[\[\]{}\n]|[^\[\]{}\n\"'#]+",
    re.DOTALL,
)


def parse(text: str) -> dict[str, Any]:
    """ValueError says what is wrong and where."""
    if any(line.count(".") > DOTS_LIMIT for line in text.splitlines()) and _is_deep(text):
        raise ValueError("nested too deeply")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _is_deep(text: str) -> bool:
    """Whether one key has too many dots, also inside an inline table; those in strings do not count."""
    dots = position = 0
    while match := PIECE.match(text, position):
        piece, position = match.group(), match.end()
        if piece[0] in "\"'#":
            continue
        for number, part in enumerate(KEY_END.split(piece)):
            dots = part.count(".") + (0 if number else dots)
            if dots > DOTS_LIMIT:
                return True
    return False


def locate(text: str) -> Lines:
    """Where tables and keys of a text that parses stand."""
    at: dict[Where, int] = {}
    spread: set[Where] = set()
    counts: dict[Where, int] = {}  # tables so far of each list of tables
    table: Where = ()
    for statement in _statements(text.replace("\r\n", "\n")):
        if statement.header:
            table = _enter(statement, counts)
            at.setdefault(table, statement.line)
        else:
            for depth in range(1, len(statement.keys)):
                at.setdefault(table + statement.keys[:depth], statement.line)
            where = table + statement.keys
            at[where] = statement.line
            if statement.several_lines:
                spread.add(where)
    return Lines(at, frozenset(spread))


class _Statement:
    """A header, or a key with its value."""

    def __init__(self, keys: tuple[str, ...], line: int, header: int, several_lines: bool) -> None:
        self.keys = keys
        self.line = line
        self.header = header  # number of brackets; 0: a key and its value
        self.several_lines = several_lines


def _enter(statement: _Statement, counts: dict[Where, int]) -> Where:
    """The path of a header's table: `[team.role.stop]` belongs to the last role of the last team."""
    where: Where = ()
    for key in statement.keys[:-1]:
        where += (key,)
        if where in counts:
            where += (counts[where] - 1,)
    where += statement.keys[-1:]
    if statement.header == 2:
        counts[where] = counts.get(where, 0) + 1
        where += (counts[where] - 1,)
    return where


def _statements(text: str) -> Iterator[_Statement]:
    position, line = 0, 1
    while position < len(text):
        if text[position] in " \t\n":
            line += text[position] == "\n"
            position += 1
            continue
        header = 0
        if text[position] == "[":
            header = 2 if text.startswith("[[", position) else 1
        keys, end = _keys(text, position + header)
        stop, breaks = _value_end(text, position if header else end)
        if keys:
            yield _Statement(keys, line, header, breaks > 0)
        line += breaks
        position = max(stop, position + 1)


def _keys(text: str, position: int) -> tuple[tuple[str, ...], int]:
    """A dotted key. One with escapes in it ends the path: what cannot be read is not located."""
    keys: list[str] = []
    while match := KEY.match(text, position):
        keys.append(next((part for part in match.groups() if part is not None), ""))
        position = match.end()
        if not text.startswith(".", position):
            break
        position += 1
    return tuple(keys), position


def _value_end(text: str, position: int) -> tuple[int, int]:
    """Where the statement ends, and how many line breaks are inside it."""
    depth = breaks = 0
    while match := PIECE.match(text, position):
        piece = match.group()
        if piece == "\n" and depth == 0:
            return position, breaks
        depth += (piece in "[{") - (piece in "]}")
        breaks += piece.count("\n")
        position = match.end()
    return len(text), breaks
