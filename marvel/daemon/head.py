"""The head of the log as the daemon last noted it, in a file beside it.

A log that ends before the noted head has lost commits. Within one boot that can't happen by itself (a
killed process loses nothing): somebody put an old copy in its place, and panes would be stopped as orphans
by mistake; so the daemon refuses. After a power cut it may: that is recorded, and the daemon goes on.
"""

import json
import os
from pathlib import Path

from marvel.errors import LogUnavailable
from marvel.settings import own_file
from marvel.store.append import Head

MAX_NOTE_BYTES = 4096
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def note(path: str, head: Head) -> None:
    """Write the head down; readers see the old note or the new one."""
    text = json.dumps({"position": head.position, "hash": head.hash.hex(), "boot": _boot()})
    fresh = f"{path}.new"
    with open(own_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(fresh, path)


def lost_after(path: str, head: Head) -> int | None:
    """The noted position when the log ends before it and that may be a power cut's work; else None.

    Raises LogUnavailable when it ends before the head that was noted in this very boot, or when the note
    can't be read.
    """
    try:
        noted = json.loads(_read(path))
        position, boot = int(noted["position"]), noted["boot"]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogUnavailable(f"{path} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        return None
    if head.position >= position:
        return None
    if boot != _boot():
        return position
    raise LogUnavailable(
        f"the event log ends at position {head.position}, but a daemon noted {position} in this boot: "
        "it was replaced by an older copy",
        hint=f"put the right log back; or remove {path}, and agents this log does not know are stopped",
    )


def noted_position(path: str) -> int | None:
    """The position that was noted last; None when there is no readable note."""
    try:
        return int(json.loads(_read(path))["position"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(path: str) -> str:
    with open(own_file(path, os.O_RDONLY), encoding="utf-8") as file:
        return file.read(MAX_NOTE_BYTES)


def _boot() -> str:
    return BOOT_ID.read_text(encoding="ascii").strip()
