"""A growing file that is rotated now and then, for a terminal."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from typing import TextIO

from marvel.cli.get import show
from marvel.settings import regular
from marvel.text import coloured, printable, without_sequences
from marvel.tmux.writer import ROTATED

LOOK_SECONDS = 0.2  # between looks for more


def last(path: str, lines: int, *, ansi: bool = False) -> list[str]:
    """The last lines of a file and of the part before it, as a terminal may get them."""
    parts = [_opened(path + ROTATED), _opened(path)]
    files = [file for file in parts if file is not None]
    try:
        return [_shown(line, ansi) for line in deque(chain.from_iterable(files), maxlen=lines)]
    finally:
        for file in files:
            file.close()


def follow(path: str, lives: Callable[[], bool], *, ansi: bool = False) -> None:
    """Print what is added to a file, until `lives` says that nothing will be, and all was read."""
    file = _opened(path)
    if file is None:
        return
    file.seek(0, os.SEEK_END)
    try:
        while True:
            alive = lives()
            _print(file, ansi)
            if not alive:
                return
            time.sleep(LOOK_SECONDS)
            fresh = _successor(file, path)
            if fresh is not file:
                _print(file, ansi)
                file.close()
                file = fresh
    finally:
        file.close()


def _print(lines: Iterable[str], ansi: bool) -> None:
    for line in lines:
        show(_shown(line, ansi))


def _shown(line: str, ansi: bool) -> str:
    """One line; what moves a cursor makes no sense in a log."""
    text = line.rstrip("\r\n")
    shown = coloured(text.replace("\r", "")) if ansi else printable(without_sequences(text).replace("\r", ""))
    return shown + ("\n" if line.endswith("\n") else "")


def _opened(path: str) -> TextIO | None:
    try:
        return open(path, encoding="utf-8", errors="replace", newline="\n", opener=regular)
    except OSError:
        return None


def _successor(file: TextIO, path: str) -> TextIO:
    """The file itself, or the new one once it was rotated."""
    try:
        if os.stat(path).st_ino == os.fstat(file.fileno()).st_ino:
            return file
    except OSError:
        return file
    return _opened(path) or file
