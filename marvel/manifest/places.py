"""Where the files that a manifest names are."""

import os
import re
import stat
from pathlib import Path

from marvel.manifest.problems import quoted
from marvel.text import is_plain

PLACEHOLDER = re.compile(r"\{(?:index|name|team|role)\}")
PROMPT_BYTES = 256 * 1024


def resolve(text: str, directory: Path, *, expands: bool = False) -> str:
    """An absolute path: below the manifest's directory, else below the current one, whichever exists."""
    text = os.path.expanduser(text)
    there = os.path.abspath(os.path.join(directory, text))
    if expands and PLACEHOLDER.search(text):
        return there
    here = os.path.abspath(text)
    return here if not os.path.lexists(there) and os.path.exists(here) else there


def prompt_text(path: str) -> str:
    """What a `prompt_file` holds; ValueError says why it can't be read."""
    shown = path if is_plain(path) else quoted(path)
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError(f"not a regular file: {shown}")
            content = file.read(PROMPT_BYTES + 1)
    except FileNotFoundError:
        raise ValueError(f"no such file: {shown}") from None
    except IsADirectoryError:
        raise ValueError(f"is a directory: {shown}") from None
    except OSError as error:
        raise ValueError(f"can't be read: {shown}: {error.strerror}") from None
    if len(content) > PROMPT_BYTES:
        raise ValueError(f"must be at most 256 KiB: {shown}")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError(f"must be UTF-8 text: {shown}") from None
    if "\0" in text:
        raise ValueError(f"must not contain a NUL byte: {shown}")
    return text


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
