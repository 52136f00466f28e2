"""Transcripts: what is typed and what is seen, in files of their own and in pages of the documentation."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.integration.home import Home, put_new_log

ROOT = Path(__file__).resolve().parent.parent
COMMAND_SECONDS = 60
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


class Desk:
    """Where a reader sits: a directory of their own with the examples in it, and a shell."""

    def __init__(self, home: Home) -> None:
        put_new_log(home.path)
        self.directory = home.path / "desk"
        self.bin = self.directory / "bin"
        self.bin.mkdir(parents=True)
        (self.directory / "examples").symlink_to(ROOT / "examples")
        self.environ = {
            **{name: value for name, value in home.environ.items() if name != "XDG_CONFIG_HOME"},
            "HOME": str(self.directory),
            "PATH": f"{Path(sys.executable).parent}:{self.bin}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "LOGNAME": "ann",
            "PYTHONUNBUFFERED": "1",  # both outputs in the order in which a terminal shows them
        }

    def write(self, file: Written) -> None:
        path = self.directory / file.name.replace("~", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")

    def type(self, command: str) -> tuple[str, int]:
        """What a terminal shows after a command, and its exit status."""
        done = subprocess.run(
            ["bash", "-c", command],
            env=self.environ,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        return done.stdout, done.returncode

    def follow(self, page: Path) -> None:
        """Do all that a page says, and see what it shows: `error: ` lines exactly where a command fails."""
        for block in blocks(page):
            if isinstance(block, Written):
                self.write(block)
                continue
            shown, status = self.type(block.command)
            told = f"$ {block.command}\n{shown}[exit {status}]"
            assert pattern(block.seen).fullmatch(shown), told
            assert (status != 0) == any(line.startswith("error: ") for line in shown.splitlines()), told
