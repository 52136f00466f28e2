"""Puts one value into a JSON file of the user's own: only where a manifest asks for it, and whole or not."""

import json
import os
import tempfile
from typing import Any

from marvel.runtimes.adapter import Merge

MAX_FILE_BYTES = 64 * 1024 * 1024


def put(merge: Merge) -> bool:
    """Whether the value is there now. A file that is no JSON object is left alone. Raises OSError."""
    path = os.path.realpath(merge.path)
    content = _read(path)
    if content is None:
        return False
    place = content
    for name in merge.names[:-1]:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            return False
    if place.get(merge.names[-1]) == merge.value:
        return True
    place[merge.names[-1]] = merge.value
    _replace(path, json.dumps(content, indent=2, ensure_ascii=False))
    return True


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read(MAX_FILE_BYTES))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _replace(path: str, text: str) -> None:
    """Another file in its place, with its mode: a reader sees the old one or the new one."""
    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o600
    fd, fresh = tempfile.mkstemp(prefix=f"{os.path.basename(path)}.", dir=os.path.dirname(path))
    try:
        with open(fd, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
            file.flush()
            os.fchmod(fd, mode)
            os.fsync(fd)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
