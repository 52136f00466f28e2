"""Transcripts: what is typed and what is seen, in files of their own and in pages of the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pattern(lines: list[str]) -> re.Pattern[str]:
    """`…` is any text of a line, around which columns may move; alone on its line, any lines."""
    return re.compile("".join(r"(?:.*\n)*?" if line == "…" else _line(line) for line in lines))


def _line(line: str) -> str:
    parts = [re.escape(part) for part in line.split("…")]
    if len(parts) > 1:
        parts = [re.sub(r"(?:\\ ){2,}", " +", part) for part in parts]
    return ".*".join(parts) + r" *\n"


class Typed(NamedTuple):
    """A command of a page, with the lines that a terminal shows below it."""

    command: str
    seen: list[str]


class Written(NamedTuple):
    """A file of a page: a block with a title."""

    name: str
    text: str


def blocks(page: Path) -> Iterator[Typed | Written]:
    """What a reader of a page does, in its order: `console` blocks are typed, titled ones are files."""
    for language, title, text in FENCE.findall(page.read_text(encoding="utf-8")):
        if title:
            yield Written(title, text)
        elif language == "console":
            yield from typed(text)


def typed(text: str) -> Iterator[Typed]:
    """The commands of a console block: `$ ` begins one, `> ` goes on with it."""
    command, seen = "", []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield Typed(command, seen)
            command, seen = line[2:], []
        elif line.startswith("> ") and not seen:
            command += "\n" + line[2:]
        else:
            seen.append(line)
    if command:
        yield Typed(command, seen)
